"""`paperwire export`: what is kept here, as files for other programs, or for another Paperwire."""

from __future__ import annotations

import json
import os

import click

from papers.config.settings import discover_settings


@click.group()
def export() -> None:
    """Write what is kept here to a file."""


@export.command("papers")
@click.argument("file")
@click.option("--query", help="Only the papers of a keyword, newest first; else all, oldest first.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def export_papers(file: str, query: str | None, as_json: bool) -> None:
    """Write papers to FILE (- for standard output), one JSON object a line.

    Nothing is lost: `paperwire load` brings them into another store as they are here. A FILE that
    ends in .gz or .zst is compressed; it appears when it is whole.
    """
    from papers.store import Store
    from paperwire.operations.export_rows import select_papers, write_rows
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ)) as session:
        count = write_rows(select_papers(Store(session.redis), query), file)
    said = {"papers": count, "wrote": file}
    text = f"wrote {count:,} papers to {'standard output' if file == '-' else file}"
    click.echo(json.dumps(said) if as_json else text, err=file == "-")
