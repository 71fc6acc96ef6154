"""`paperwire load`: bulk-load files of papers into the store."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime

import click

from papers.config.settings import discover_settings
from paperwire.commands.options import json_option, print_result


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    default=os.cpu_count() or 1,
    show_default="number of CPUs",
    help="Number of loading processes.",
)
@click.option("--again", is_flag=True, help="Start over, even with files that were loaded before.")
@json_option
def load(files: tuple[str, ...], processes: int, again: bool, as_json: bool) -> None:
    """Load papers from files; - is standard input.

    A FILE is arXiv's metadata snapshot (JSON lines), one or more OAI-PMH responses (XML, in
    either metadata format), or the output of `export papers`; plain or compressed
    (.gz, .zst). After an interruption the same command resumes. Records that cannot be read are
    quarantined with line number and reason, and the exit code is 1.
    """
    from paperwire.operations.bulk_load import load_files, summarize_loads
    from paperwire.operations.session import open_session

    try:
        with open_session(discover_settings(os.environ)) as session:
            loads = load_files(session, files, processes, lambda: datetime.now(UTC), again=again)
    except KeyboardInterrupt:
        click.echo("interrupted; run the same command to resume", err=True)
        sys.exit(1)
    result = summarize_loads(loads)
    print_result(result.document, result.text, as_json)
    if not result.is_ok:
        sys.exit(1)
