"""`paperwire keyword import`: save the keywords of an OPML subscription list."""

from __future__ import annotations

import os
from dataclasses import asdict

import click

from papers.config.settings import discover_settings
from paperwire.commands.options import json_option, print_result


@click.command("import")
@click.argument("file")
@json_option
def keyword_import(file: str, as_json: bool) -> None:
    """Save the keywords of an OPML file.

    Each Paperwire feed in FILE (- for standard input) becomes a keyword. Keywords that exist
    already are not changed, so importing a file again is safe.
    """
    from paperwire.operations import keyword_import
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ)) as session:
        outcomes = keyword_import.import_keywords(session, keyword_import.read_import_file(file))
    text = "\n".join(map(str, outcomes)) or "the file contains no feeds"
    print_result([asdict(outcome) for outcome in outcomes], text, as_json)
