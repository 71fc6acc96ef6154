"""Options and output that the commands share."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import click

from papers.errors import FormerNameTaken

json_option: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
"""The flag `--json`, passed as `as_json`."""

take_over_option: Final = click.option(
    "--take-over", is_flag=True, help="Use NAME although its old URLs redirect to another keyword."
)
"""The flag for a name that another keyword had before."""


@contextmanager
def naming_take_over() -> Iterator[None]:
    """Have a refusal name the option `--take-over`. Raises FormerNameTaken."""
    try:
        yield
    except FormerNameTaken as error:
        how = "with --take-over"
        raise FormerNameTaken(error.former_name, error.successor, how=how) from error


def print_result(document: Any, text: str, as_json: bool) -> None:
    """Print a result: `document` as indented JSON, or `text`."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2) if as_json else text)
