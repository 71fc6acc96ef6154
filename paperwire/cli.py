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

from papers.config.settings import discover
from papers.errors import BadInput, PaperwireError
from paperwire.commands.backup import backup, restore
from paperwire.commands.doctor import doctor
from paperwire.commands.export import export
from paperwire.commands.export_documents import FORMS
from paperwire.commands.keyword_import import keyword_import
from paperwire.commands.load import load
from paperwire.commands.quarantine import quarantine
from paperwire.commands.source import source
from paperwire.commands.token import token

CONFIG: Final = "paperwire.toml"

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class Commands(click.Group):
    """The commands; says our own errors in one line and gives them an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except PaperwireError as error:
            _end(str(error), 2 if isinstance(error, BadInput) else 1)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option("0.1.0", prog_name="paperwire")
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"The TOML file; else $PAPERWIRE_CONFIG, else ./{CONFIG} where there is one.",
)
def main(config: Path | None) -> None:
    """Paperwire, a newswire for research papers: every keyword is a feed."""
    if config:  # for us, and for every program that we start
        os.environ["PAPERWIRE_CONFIG"] = str(config.resolve())


@main.command()
@as_json
def up(as_json: bool) -> None:
    """Run everything on this machine until Ctrl-C."""
    from paperwire.run import up
    from paperwire.run.console import Console
    from paperwire.run.supervisor import Supervisor

    console = Console(as_json=as_json)
    up.run(discover(os.environ), Supervisor(console.say), console)


@main.command()
@click.option("--keep", is_flag=True, help="Go on with the papers of the last demo.")
@click.option("--day", default=60.0, show_default=True, help="Seconds that a day takes.")
@as_json
def demo_runner(keep: bool, day: float, as_json: bool) -> None:
    """Run everything on simulated sources; needs no network."""
    from paperwire.run import demo_runner
    from paperwire.run.console import Console

    demo_runner.run(Console(as_json=as_json), keep=keep, day=day)


@main.command()
def web() -> None:
    """Serve the feeds, and nothing else; needs redis_url."""
    from paperwire.run import web

    command = web.command(discover(os.environ))
    os.execv(command[0], command)


@main.command()
@click.argument("part", type=click.Choice(["web", "worker", "scheduler"]))
def health(part: str) -> None:
    """Say by the exit code whether a part on this host is alive."""
    from paperwire.run.probe import PARTS

    PARTS[part](discover(os.environ))


@main.command()
@as_json
def status(as_json: bool) -> None:
    """Show the store, the keywords and how every source is."""
    from paperwire.operations import queries
    from paperwire.operations.session import opened

    with opened(discover(os.environ)) as session:
        _print(queries.status(session), as_json)


@main.command()
@click.argument("query")
@click.option("-n", "limit", default=20, show_default=True, type=click.IntRange(1, 1000))
@click.option("--picked", is_flag=True, help="Only what a community picked, newest pick first.")
@as_json
def search(query: str, limit: int, picked: bool, as_json: bool) -> None:
    """Show the newest papers of a keyword, in the keyword language."""
    from paperwire.operations import queries
    from paperwire.operations.session import opened

    with opened(discover(os.environ)) as session:
        _print(queries.search(session, query, limit, picked=picked), as_json)


@main.command()
@click.argument("source")
@as_json
def fetch(source: str, as_json: bool) -> None:
    """Fetch a source now: arxiv, hf, a community's name, or a task such as announcements:cs.AI."""
    from paperwire.operations import queries
    from paperwire.operations.session import opened

    with opened(discover(os.environ)) as session:
        reports = queries.fetch(session, source)
    _print(reports, as_json)
    if not reports.good:
        sys.exit(1)


@main.command()
@click.option("--from", "since", type=click.DateTime(["%Y-%m-%d"]), help="The first day.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The last day; else today.")
@click.option("--set", "only", default="", help="One set, such as cs or cs:cs:AI; else everything.")
@click.option("--stop", is_flag=True, help="End the one under way; what it brought stays.")
@as_json
def backfill(
    since: datetime | None, until: datetime | None, only: str, stop: bool, as_json: bool
) -> None:
    """Bring years of papers from arXiv's OAI-PMH, by the days on which they last changed."""
    from paperwire.operations import queries
    from paperwire.operations.session import opened

    if stop == bool(since):
        raise click.UsageError("say --from DATE to begin, or --stop to end")
    with opened(discover(os.environ)) as session:
        if since:
            last = (until or session.now).date()
            _print(queries.backfill(session, since.date(), last, only), as_json)
        else:
            _print(queries.backfill_stopped(session), as_json)


@main.command()
@click.argument("ids", nargs=-1, required=True)
@as_json
def papers(ids: tuple[str, ...], as_json: bool) -> None:
    """Show papers by their arXiv ids, in any form."""
    from paperwire.operations import queries
    from paperwire.operations.session import opened

    with opened(discover(os.environ)) as session:
        _print(queries.papers(session, ids), as_json)


@main.command("config")
@as_json
def show_config(as_json: bool) -> None:
    """Show the settings in force; secrets are stars."""
    from paperwire.operations import queries

    _print(queries.config(discover(os.environ)), as_json)


@main.command()
@click.argument("path", type=click.Path(path_type=Path), default=Path(CONFIG))
@as_json
def init(path: Path, as_json: bool) -> None:
    """Write a configuration file with every setting explained."""
    from paperwire.operations import queries

    _print(queries.init(path), as_json)


@main.group()
def keyword() -> None:
    """Change the saved keywords: each one is a feed."""


@keyword.command("add")
@click.argument("name")
@click.argument("query")
@as_json
def keyword_add(name: str, query: str, as_json: bool) -> None:
    """Save a keyword under a name; a name that is there gets the new query."""
    from paperwire.operations import queries
    from paperwire.operations.session import opened

    with opened(discover(os.environ)) as session:
        _print(queries.keyword_added(session, name, query), as_json)


@keyword.command("remove")
@click.argument("name")
@as_json
def keyword_remove(name: str, as_json: bool) -> None:
    """Forget a saved keyword; its papers stay."""
    from paperwire.operations import queries
    from paperwire.operations.session import opened

    with opened(discover(os.environ)) as session:
        _print(queries.keyword_removed(session, name), as_json)


@keyword.command("list")
@as_json
def keyword_list(as_json: bool) -> None:
    """List the saved keywords with their queries."""
    from paperwire.operations import queries
    from paperwire.operations.session import opened

    with opened(discover(os.environ)) as session:
        _print(queries.keywords(session), as_json)


main.add_command(backup)
main.add_command(restore)
main.add_command(doctor)
main.add_command(quarantine)
main.add_command(token)
main.add_command(source)
main.add_command(export)
keyword.add_command(keyword_import)
for form in FORMS:
    export.add_command(form)
main.add_command(load)


def _print(answer: Any, as_json: bool) -> None:
    click.echo(answer.json if as_json else answer.text)


def _end(message: str, code: int) -> NoReturn:
    click.echo("paperwire: " + " ".join(message.split()), err=True)
    sys.exit(code)
