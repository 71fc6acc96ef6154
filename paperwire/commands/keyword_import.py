"""`paperwire keyword import`: save the keywords of a list."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from dataclasses import asdict

import click

from papers.config.settings import discover_settings
from papers.counted import format_counted
from paperwire.commands.options import json_option


@click.command("import")
@click.argument("file")
@json_option
def keyword_import(file: str, as_json: bool) -> None:
    """Save the keywords of a list, of any length.

    FILE (- for standard input) is OPML, of which each Paperwire feed becomes a keyword; lines of a
    name, a tab and a query, or of a query alone; or JSON, objects with name and query. Keywords
    that exist already are not changed, so importing a file again is safe. A line that is refused
    stops none of the others; the exit code is then 1.
    """
    from paperwire.operations import keyword_import
    from paperwire.operations.session import open_session

    counts = Counter[str]()
    with (
        open_session(discover_settings(os.environ)) as session,
        keyword_import.open_import_file(file) as opened,
    ):
        for outcomes in keyword_import.import_keyword_list(session, opened):
            for outcome in outcomes:
                document = json.dumps(asdict(outcome), ensure_ascii=False)
                start = ",\n  " if counts else "[\n  "
                click.echo(start + document if as_json else str(outcome), nl=not as_json)
                counts[outcome.outcome] += 1
            if counts.total() > len(outcomes):
                figures = ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items()))
                click.echo(f"{counts.total():,} read: {figures}", err=True)
    if as_json:
        click.echo("\n]" if counts else "[]")
    elif not counts:
        click.echo("the file contains no feeds")
    if refused := counts["refused"]:
        total = format_counted(counts.total(), "keyword")
        click.echo(
            f"{refused:,} of {total} refused: correct these, and import the file again", err=True
        )
        sys.exit(1)
