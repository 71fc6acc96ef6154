"""The command line. Each command imports what it needs when it runs, so `--help` is fast.

Errors are one line on standard error; with `--json`, results are one JSON document.
"""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from papers.command_name import set_config_option
from papers.config.settings import discover_settings
from papers.config.sources import SOURCES
from paperwire.commands.backup import backup, restore
from paperwire.commands.doctor import doctor
from paperwire.commands.export import export
from paperwire.commands.export_documents import EXPORT_COMMANDS
from paperwire.commands.keyword_import import keyword_import
from paperwire.commands.keyword_names import keyword_rename, keyword_restore
from paperwire.commands.load import load
from paperwire.commands.moderation.block import block
from paperwire.commands.options import (
    json_option,
    naming_take_over,
    print_result,
    take_over_option,
)
from paperwire.commands.quarantine import quarantine
from paperwire.commands.source import source
from paperwire.commands.store import store
from paperwire.commands.token import token
from paperwire.shell.command_group import CommandGroup
from paperwire.shell.completion import completion

if TYPE_CHECKING:
    from paperwire.operations.queries import CommandResult

CONFIG_FILE: Final = "paperwire.toml"


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option("0.2.0", prog_name="paperwire")
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"TOML file with settings. Default: $PAPERWIRE_CONFIG, else ./{CONFIG_FILE} if it exists.",
)
def main(config: Path | None) -> None:
    """Paperwire, a newswire for research papers: every keyword is a feed."""
    if config:  # for this process and every program it starts
        os.environ["PAPERWIRE_CONFIG"] = str(config.resolve())
        set_config_option(config.resolve())


@main.command()
@json_option
def up(as_json: bool) -> None:
    """Run the whole system on this machine until Ctrl-C."""
    from paperwire.run import up
    from paperwire.run.console import Console
    from paperwire.run.supervisor import Supervisor

    console = Console(as_json=as_json)
    up.run_everything(discover_settings(os.environ), Supervisor(console.print_line), console)


@main.command()
@click.option("--keep", is_flag=True, help="Keep the papers of the last demo.")
@click.option(
    "--day", default=60.0, show_default=True, help="Length of a simulated day in seconds."
)
@json_option
def demo(keep: bool, day: float, as_json: bool) -> None:
    """Run the whole system on simulated sources, without a network."""
    from paperwire.run import demo_runner
    from paperwire.run.console import Console

    demo_runner.run_demo(Console(as_json=as_json), keep=keep, day=day)


@main.command()
def web() -> None:
    """Run only the web server; requires redis_url."""
    from paperwire.run import web

    settings = discover_settings(os.environ)
    if notice := web.missing_address_notice(settings):
        click.echo(notice, err=True)
    command = web.web_command(settings)
    os.execv(command[0], command)


@main.command()
@click.argument("part", type=click.Choice(["web", "worker", "scheduler"]))
def health(part: str) -> None:
    """Check that a part is alive; exit code 1 if not."""
    from paperwire.run.probe import HEALTH_CHECKS

    HEALTH_CHECKS[part](discover_settings(os.environ))


@main.command()
@json_option
def status(as_json: bool) -> None:
    """Show the state of the store and of every source."""
    from paperwire.operations import queries
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ)) as session:
        _print(queries.system_status(session), as_json)


@main.command()
@click.argument("words", nargs=-1, required=True, metavar="QUERY")
@click.option("-n", "limit", default=20, show_default=True, type=click.IntRange(1, 1000))
@click.option(
    "--picked", is_flag=True, help="Only papers that a community picked, newest pick first."
)
@json_option
def search(words: tuple[str, ...], limit: int, picked: bool, as_json: bool) -> None:
    """Show the newest papers that match QUERY.

    QUERY is in the keyword language, as in feeds; a shell needs its quotes in quotes:
    '"reward model"'. Each paper is a row of date, id, first author, title and link.
    """
    from paperwire.operations.paper_search import search_papers
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ), only_reads=True) as session:
        query = " ".join(words)
        _print(search_papers(session, query, limit, picked=picked), as_json)


@main.command(
    help=f"Fetch a source now.\n\nSOURCE is {', '.join(SOURCES)}, the name of a community feed, "
    "or a task such as announcements:cs.AI."
)
@click.argument("source")
@json_option
def fetch(source: str, as_json: bool) -> None:
    """Fetch a source now; exits with 1 if a task fails."""
    from paperwire.operations import queries
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ)) as session:
        reports = queries.fetch_source(session, source)
    _print(reports, as_json)
    if not reports.is_ok:
        sys.exit(1)


@main.command()
@click.option("--from", "since", type=click.DateTime(["%Y-%m-%d"]), help="First day.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Last day.  [default: today]")
@click.option(
    "--set", "only", default="", help="One OAI set, such as cs or cs:cs:AI.  [default: all]"
)
@click.option("--stop", is_flag=True, help="Stop the running backfill; its papers stay.")
@json_option
def backfill(
    since: datetime | None, until: datetime | None, only: str, stop: bool, as_json: bool
) -> None:
    """Harvest past papers from arXiv's OAI-PMH.

    Papers are selected by the date of their last change.
    """
    from paperwire.operations import queries
    from paperwire.operations.session import open_session

    if stop == bool(since):
        raise click.UsageError("use either --from DATE to start, or --stop")
    with open_session(discover_settings(os.environ)) as session:
        if since:
            last = (until or session.now).date()
            _print(queries.start_backfill(session, since.date(), last, only), as_json)
        else:
            _print(queries.stop_backfill(session), as_json)


@main.command()
@click.argument("ids", nargs=-1, required=True)
@json_option
def papers(ids: tuple[str, ...], as_json: bool) -> None:
    """Show papers by arXiv id or URL."""
    from paperwire.operations import queries
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ), only_reads=True) as session:
        _print(queries.papers_by_id(session, ids), as_json)


@main.command("config")
@json_option
def show_config(as_json: bool) -> None:
    """Show the effective settings; secrets are masked."""
    from paperwire.operations import queries

    _print(queries.settings_in_force(discover_settings(os.environ)), as_json)


@main.command()
@click.argument("path", type=click.Path(path_type=Path), default=Path(CONFIG_FILE))
@json_option
def init(path: Path, as_json: bool) -> None:
    """Write a configuration file that explains every setting."""
    from paperwire.operations import queries

    _print(queries.write_config_template(path), as_json)


@main.group()
def keyword() -> None:
    """Manage saved keywords; each one is a feed."""


@keyword.command("add")
@click.argument("name")
@click.argument("query")
@take_over_option
@json_option
def keyword_add(name: str, query: str, take_over: bool, as_json: bool) -> None:
    """Save a query under a name; an existing name gets the new query."""
    from paperwire.operations import queries
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ)) as session, naming_take_over():
        _print(queries.save_keyword(session, name, query, take_over=take_over), as_json)


@keyword.command("remove")
@click.argument("name")
@json_option
def keyword_remove(name: str, as_json: bool) -> None:
    """Remove a saved keyword; its papers stay, and `keyword restore` brings it back."""
    from paperwire.operations import queries
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ)) as session:
        _print(queries.remove_keyword(session, name), as_json)


@keyword.command("list")
@json_option
def keyword_list(as_json: bool) -> None:
    """List saved keywords and their queries."""
    from paperwire.operations import queries
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ), only_reads=True) as session:
        _print(queries.list_keywords(session), as_json)


main.add_command(backup)
main.add_command(restore)
main.add_command(doctor)
main.add_command(quarantine)
main.add_command(token)
main.add_command(source)
main.add_command(store)
main.add_command(export)
keyword.add_command(keyword_import)
keyword.add_command(keyword_rename)
keyword.add_command(keyword_restore)
for export_command in EXPORT_COMMANDS:
    export.add_command(export_command)
main.add_command(load)
main.add_command(block)
main.add_command(completion)


def _print(result: CommandResult, as_json: bool) -> None:
    print_result(result.document, result.text, as_json)
