"""The command line. Each command imports what it needs when it runs: `--help` is quick.

Exit codes: 0 done; 1 not found, a source or the store said no; 2 what was asked makes no sense.
Errors are one line on standard error; with `--json`, answers are one JSON document.
"""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from papers.config.settings import discover_settings
from papers.errors import BadInput, PaperwireError
from paperwire.commands.backup import backup, restore
from paperwire.commands.doctor import doctor
from paperwire.commands.export import export
from paperwire.commands.export_documents import EXPORT_COMMANDS
from paperwire.commands.keyword_import import keyword_import
from paperwire.commands.load import load
from paperwire.commands.quarantine import quarantine
from paperwire.commands.source import source
from paperwire.commands.token import token

CONFIG_FILE: Final = "paperwire.toml"

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class CommandGroup(click.Group):
    """The commands; says our own errors in one line and gives them an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except PaperwireError as error:
            _exit_with_error(str(error), 2 if isinstance(error, BadInput) else 1)


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option("0.1.0", prog_name="paperwire")
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"The TOML file; else $PAPERWIRE_CONFIG, else ./{CONFIG_FILE} where there is one.",
)
def main(config: Path | None) -> None:
    """Paperwire, a newswire for research papers: every keyword is a feed."""
    if config:  # for us, and for every program that we start
        os.environ["PAPERWIRE_CONFIG"] = str(config.resolve())


@main.command()
@json_option
def up(as_json: bool) -> None:
    """Run everything on this machine until Ctrl-C."""
    from paperwire.run import up
    from paperwire.run.console import Console
    from paperwire.run.supervisor import Supervisor

    console = Console(as_json=as_json)
    up.run_everything(discover_settings(os.environ), Supervisor(console.print_line), console)


@main.command()
@click.option("--keep", is_flag=True, help="Go on with the papers of the last demo.")
@click.option("--day", default=60.0, show_default=True, help="Seconds that a day takes.")
@json_option
def demo(keep: bool, day: float, as_json: bool) -> None:
    """Run everything on simulated sources; needs no network."""
    from paperwire.run import demo_runner
    from paperwire.run.console import Console

    demo_runner.run_demo(Console(as_json=as_json), keep=keep, day=day)


@main.command()
def web() -> None:
    """Serve the feeds, and nothing else; needs redis_url."""
    from paperwire.run import web

    command = web.web_command(discover_settings(os.environ))
    os.execv(command[0], command)


@main.command()
@click.argument("part", type=click.Choice(["web", "worker", "scheduler"]))
def health(part: str) -> None:
    """Say by the exit code whether a part on this host is alive."""
    from paperwire.run.probe import HEALTH_CHECKS

    HEALTH_CHECKS[part](discover_settings(os.environ))


@main.command()
@json_option
def status(as_json: bool) -> None:
    """Show the store, the keywords and how every source is."""
    from paperwire.operations import queries
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ)) as session:
        _print_result(queries.system_status(session), as_json)


@main.command()
@click.argument("query")
@click.option("-n", "limit", default=20, show_default=True, type=click.IntRange(1, 1000))
@click.option("--picked", is_flag=True, help="Only what a community picked, newest pick first.")
@json_option
def search(query: str, limit: int, picked: bool, as_json: bool) -> None:
    """Show the newest papers of a keyword, in the keyword language."""
    from paperwire.operations import queries
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ)) as session:
        _print_result(queries.search_papers(session, query, limit, picked=picked), as_json)


@main.command()
@click.argument("source")
@json_option
def fetch(source: str, as_json: bool) -> None:
    """Fetch a source now: arxiv, hf, a community's name, or a task such as announcements:cs.AI."""
    from paperwire.operations import queries
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ)) as session:
        reports = queries.fetch_source(session, source)
    _print_result(reports, as_json)
    if not reports.is_ok:
        sys.exit(1)


@main.command()
@click.option("--from", "since", type=click.DateTime(["%Y-%m-%d"]), help="The first day.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The last day; else today.")
@click.option("--set", "only", default="", help="One set, such as cs or cs:cs:AI; else everything.")
@click.option("--stop", is_flag=True, help="End the one under way; what it brought stays.")
@json_option
def backfill(
    since: datetime | None, until: datetime | None, only: str, stop: bool, as_json: bool
) -> None:
    """Bring years of papers from arXiv's OAI-PMH, by the days on which they last changed."""
    from paperwire.operations import queries
    from paperwire.operations.session import open_session

    if stop == bool(since):
        raise click.UsageError("say --from DATE to begin, or --stop to end")
    with open_session(discover_settings(os.environ)) as session:
        if since:
            last = (until or session.now).date()
            _print_result(queries.start_backfill(session, since.date(), last, only), as_json)
        else:
            _print_result(queries.stop_backfill(session), as_json)


@main.command()
@click.argument("ids", nargs=-1, required=True)
@json_option
def papers(ids: tuple[str, ...], as_json: bool) -> None:
    """Show papers by their arXiv ids, in any form."""
    from paperwire.operations import queries
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ)) as session:
        _print_result(queries.papers_by_id(session, ids), as_json)


@main.command("config")
@json_option
def show_config(as_json: bool) -> None:
    """Show the settings in force; secrets are stars."""
    from paperwire.operations import queries

    _print_result(queries.settings_in_force(discover_settings(os.environ)), as_json)


@main.command()
@click.argument("path", type=click.Path(path_type=Path), default=Path(CONFIG_FILE))
@json_option
def init(path: Path, as_json: bool) -> None:
    """Write a configuration file with every setting explained."""
    from paperwire.operations import queries

    _print_result(queries.write_config_template(path), as_json)


@main.group()
def keyword() -> None:
    """Change the saved keywords: each one is a feed."""


@keyword.command("add")
@click.argument("name")
@click.argument("query")
@json_option
def keyword_add(name: str, query: str, as_json: bool) -> None:
    """Save a keyword under a name; a name that is there gets the new query."""
    from paperwire.operations import queries
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ)) as session:
        _print_result(queries.save_keyword(session, name, query), as_json)


@keyword.command("remove")
@click.argument("name")
@json_option
def keyword_remove(name: str, as_json: bool) -> None:
    """Forget a saved keyword; its papers stay."""
    from paperwire.operations import queries
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ)) as session:
        _print_result(queries.remove_keyword(session, name), as_json)


@keyword.command("list")
@json_option
def keyword_list(as_json: bool) -> None:
    """List the saved keywords with their queries."""
    from paperwire.operations import queries
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ)) as session:
        _print_result(queries.list_keywords(session), as_json)


main.add_command(backup)
main.add_command(restore)
main.add_command(doctor)
main.add_command(quarantine)
main.add_command(token)
main.add_command(source)
main.add_command(export)
keyword.add_command(keyword_import)
for form in EXPORT_COMMANDS:
    export.add_command(form)
main.add_command(load)


def _print_result(answer: Any, as_json: bool) -> None:
    click.echo(answer.json if as_json else answer.text)


def _exit_with_error(message: str, code: int) -> NoReturn:
    click.echo("paperwire: " + " ".join(message.split()), err=True)
    sys.exit(code)
