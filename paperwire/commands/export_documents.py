"""`paperwire export opml`, …: keywords and papers in the forms that other programs take.

Each writes what the web service answers, to a FILE that appears when it is whole.
"""

from __future__ import annotations

import os
from typing import Final

import click

from papers.config.settings import discover
from papers.errors import SourceError

keywords = click.option(
    "-k", "--keyword", "names", multiple=True, help="Only this saved keyword; may be repeated."
)


@click.command()
@click.argument("file")
@keywords
@click.option("--picked", is_flag=True, help="Feeds of what communities picked, too.")
def opml(file: str, names: tuple[str, ...], picked: bool) -> None:
    """Write the feeds of saved keywords to FILE (- for standard output), for readers to import."""
    from paperwire.operations import export_documents
    from paperwire.operations.export_rows import save
    from paperwire.operations.session import opened

    with opened(discover(os.environ)) as session:
        save(export_documents.opml(session, names, picked=picked), file)


@click.command()
@click.argument("file")
@keywords
@click.option("-n", "rows", default=100, show_default=True, type=click.IntRange(1, 1000))
@click.option("--fetch", is_flag=True, help="Fetch every source first.")
def markdown(file: str, names: tuple[str, ...], rows: int, fetch: bool) -> None:
    """Write the newest papers of saved keywords to FILE (-: standard output), a table a keyword.

    With --fetch it is all that a scheduled repository needs; a source that fails is told of, what
    is here is written all the same, and the exit code is 1.
    """
    from paperwire.operations import export_documents, refresh
    from paperwire.operations.export_rows import save
    from paperwire.operations.session import opened

    with opened(discover(os.environ)) as session:
        failed = refresh.refresh(session) if fetch else []
        save(export_documents.markdown(session, names, rows), file)
    if failed:
        raise SourceError("; ".join(failed))


def _references(name: str, suffix: str, form: str) -> click.Command:
    """The command that writes papers in one form of references."""

    @click.command(name, help=f"Write papers to FILE (-: standard output) as {form}.")
    @click.argument("file")
    @click.argument("ids", nargs=-1)
    @keywords
    @click.option("--query", default="", help="The papers of any keyword instead.")
    @click.option("-n", "limit", default=100, show_default=True, type=click.IntRange(1, 10_000))
    def command(
        file: str, ids: tuple[str, ...], names: tuple[str, ...], query: str, limit: int
    ) -> None:
        from paperwire.operations import export_documents
        from paperwire.operations.export_rows import save
        from paperwire.operations.session import opened

        with opened(discover(os.environ)) as session:
            wanted = export_documents.Wanted(ids, names, query, limit)
            save(export_documents.references(session, suffix, wanted), file)

    return command


FORMS: Final = (
    opml,
    markdown,
    _references("bibtex", "bib", "BibTeX"),
    _references("ris", "ris", "RIS"),
    _references("csl", "csl.json", "CSL-JSON"),
)
