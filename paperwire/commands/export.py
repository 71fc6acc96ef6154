"""`paperwire export`: write papers to files for other programs, or for another Paperwire."""

from __future__ import annotations

import json
import os

import click

from papers.config.settings import discover_settings
from papers.counted import format_counted
from paperwire.commands.options import json_option


@click.group()
def export() -> None:
    """Export papers, keywords and references to a file."""


@export.command("papers")
@click.argument("file")
@click.option("--query", help="Only papers that match, newest first; default: all, oldest first.")
@json_option
def export_papers(file: str, query: str | None, as_json: bool) -> None:
    """Write papers as JSON lines.

    FILE is - for standard output. The export is lossless: `load` restores the same
    papers in another store. A FILE that ends in .gz or .zst is compressed. FILE is replaced only
    once it is complete.
    """
    from papers.store import Store
    from paperwire.operations.export_rows import select_papers, write_rows
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ), only_reads=True) as session:
        count = write_rows(select_papers(Store(session.redis), query), file)
    document = {"papers": count, "wrote": file}
    target = "standard output" if file == "-" else file
    text = f"wrote {format_counted(count, 'paper')} to {target}"
    click.echo(json.dumps(document) if as_json else text, err=file == "-")
