"""`paperwire load`: files of many papers into the store."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime

import click

from papers.config.settings import discover_settings


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    default=os.cpu_count() or 1,
    show_default="one a core",
    help="Processes that read and store.",
)
@click.option(
    "--again", is_flag=True, help="From the beginning, files that were loaded before too."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def load(files: tuple[str, ...], processes: int, again: bool, as_json: bool) -> None:
    """Load papers from files; - is standard input.

    A FILE is arXiv's metadata snapshot (JSON lines), answers of OAI-PMH (XML, in either format,
    one or many), or what `paperwire export papers` wrote; as it is, or compressed (.gz, .zst).
    Stopped, the same command goes on where it was. What cannot be read is set aside with its line
    and the reason, and the exit code is 1.
    """
    from paperwire.operations.bulk_load import load_files, summarize_loads
    from paperwire.operations.session import open_session

    try:
        with open_session(discover_settings(os.environ)) as session:
            loads = load_files(session, files, processes, lambda: datetime.now(UTC), again=again)
    except KeyboardInterrupt:
        click.echo("stopped; the same command goes on where it was", err=True)
        sys.exit(1)
    said = summarize_loads(loads)
    click.echo(said.json if as_json else said.text)
    if not said.is_ok:
        sys.exit(1)
