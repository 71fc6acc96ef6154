"""`paperwire keyword rename` and `paperwire keyword restore`."""

from __future__ import annotations

import os

import click

from papers.config.settings import discover_settings
from paperwire.commands.options import (
    json_option,
    naming_take_over,
    print_result,
    take_over_option,
)


@click.command("rename")
@click.argument("name")
@click.argument("new_name")
@take_over_option
@json_option
def keyword_rename(name: str, new_name: str, take_over: bool, as_json: bool) -> None:
    """Rename a saved keyword; its old URLs redirect to the new ones."""
    from paperwire.operations import queries
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ)) as session, naming_take_over():
        result = queries.rename_keyword(session, name, new_name, take_over=take_over)
    print_result(result.document, result.text, as_json)


@click.command("restore")
@click.argument("name")
@json_option
def keyword_restore(name: str, as_json: bool) -> None:
    """Save a removed keyword again, as it was."""
    from paperwire.operations import queries
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ)) as session:
        result = queries.restore_keyword(session, name)
    print_result(result.document, result.text, as_json)
