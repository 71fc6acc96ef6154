"""`paperwire export opml`, ...: keywords and papers in the formats of other programs.

Each writes the same bytes as the web service to FILE, which is replaced only once it is complete.
"""

from __future__ import annotations

import json
import os
from typing import Final

import click

from papers.config.settings import discover_settings
from papers.errors import SourceError
from paperwire.commands.options import json_option

keyword_option = click.option(
    "-k", "--keyword", "names", multiple=True, help="Only this saved keyword; repeatable."
)


@click.command()
@click.argument("file")
@keyword_option
@click.option("--picked", is_flag=True, help="Include the feeds of picked papers.")
@json_option
def opml(file: str, names: tuple[str, ...], picked: bool, as_json: bool) -> None:
    """Write the feeds of saved keywords as OPML.

    FILE is - for standard output.
    """
    from paperwire.operations import export_documents
    from paperwire.operations.export_rows import write_document
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ), only_reads=True) as session:
        document = export_documents.render_opml(session, names, picked=picked)
        size = write_document(document, file)
    _print_written(file, size, as_json)


@click.command()
@click.argument("file")
@keyword_option
@click.option("-n", "rows", default=100, show_default=True, type=click.IntRange(1, 1000))
@click.option("--fetch", is_flag=True, help="Fetch all sources first.")
@json_option
def markdown(file: str, names: tuple[str, ...], rows: int, fetch: bool, as_json: bool) -> None:
    """Write the newest papers as Markdown tables.

    There is one table for each saved keyword. FILE is - for standard output. With --fetch this
    one command is all that a repository with a daily job needs: if a source fails, FILE is
    written from the stored papers, the error is reported and the exit code is 1.
    """
    from paperwire.operations import export_documents, refresh
    from paperwire.operations.export_rows import write_document
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ), only_reads=not fetch) as session:
        failed = refresh.refresh_sources(session) if fetch else []
        size = write_document(export_documents.render_markdown(session, names, rows), file)
    _print_written(file, size, as_json)
    if failed:
        raise SourceError("; ".join(failed))


def _references_command(name: str, suffix: str, title: str) -> click.Command:
    """Return the command that exports papers in one reference format."""

    @click.command(name, help=f"Write papers as {title}.\n\nFILE is - for standard output.")
    @click.argument("file")
    @click.argument("ids", nargs=-1)
    @keyword_option
    @click.option("--query", default="", help="Papers that match this query.")
    @click.option("-n", "limit", default=100, show_default=True, type=click.IntRange(1, 10_000))
    @json_option
    def command(
        file: str,
        ids: tuple[str, ...],
        names: tuple[str, ...],
        query: str,
        limit: int,
        as_json: bool,
    ) -> None:
        from paperwire.operations import export_documents
        from paperwire.operations.export_rows import write_document
        from paperwire.operations.session import open_session

        with open_session(discover_settings(os.environ), only_reads=True) as session:
            selection = export_documents.PaperSelection(ids, names, query, limit)
            document = export_documents.render_references(session, suffix, selection)
            size = write_document(document, file)
        _print_written(file, size, as_json)

    return command


def _print_written(file: str, size: int, as_json: bool) -> None:
    """Print what was written; on standard error if the document itself is on standard output."""
    if as_json:
        click.echo(json.dumps({"wrote": file, "bytes": size}), err=file == "-")
    elif file != "-":
        click.echo(f"wrote {file}, {size:,} bytes")


EXPORT_COMMANDS: Final = (
    opml,
    markdown,
    _references_command("bibtex", "bib", "BibTeX"),
    _references_command("ris", "ris", "RIS"),
    _references_command("csl", "csl.json", "CSL-JSON"),
)
