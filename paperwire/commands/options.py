"""Options and output that the commands share."""

from __future__ import annotations

import json
from typing import Any, Final

import click

json_option: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
"""The flag `--json`, passed as `as_json`."""

take_over_option: Final = click.option(
    "--take-over", is_flag=True, help="Use NAME although its old URLs redirect to another keyword."
)
"""The flag for a name that another keyword had before."""


def print_result(document: Any, text: str, as_json: bool) -> None:
    """Print a result: `document` as indented JSON, or `text`."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2) if as_json else text)
