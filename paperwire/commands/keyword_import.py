"""`paperwire keyword import`: the keywords of a list of subscriptions."""

from __future__ import annotations

import json
import os
from dataclasses import asdict

import click

from papers.config.settings import discover_settings


@click.command("import")
@click.argument("file")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def keyword_import(file: str, as_json: bool) -> None:
    """Save the keywords of an OPML file (- is standard input): each feed of Paperwire's in it.

    What is saved already stays as it is, so the same file may be imported again.
    """
    from paperwire.operations import keyword_import
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ)) as session:
        report = keyword_import.import_keywords(session, keyword_import.read_import_file(file))
    if as_json:
        click.echo(json.dumps([asdict(told) for told in report], ensure_ascii=False, indent=2))
    else:
        click.echo("\n".join(map(str, report)) or "no feed is in it")
