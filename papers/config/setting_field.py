"""The declaration of a setting: a dataclass field with its purpose and its limits."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Collection
from typing import Any

from papers.command_name import program_name
from papers.errors import BadSettings


def setting(
    default: Any,
    about: str,
    *,
    secret: bool = False,
    between: tuple[float, float] | None = None,
    choices: tuple[str, ...] = (),
    is_url: bool = False,
    heading: str = "",
) -> Any:
    """Define a setting: its default, its purpose, and what is checked of its value.

    `between` has the least and the greatest value, `choices` the allowed ones; `is_url` allows
    http:// and https:// URLs and an empty text. A `heading` begins a section of the configuration
    file that `paperwire init` writes.
    """
    metadata = {
        "about": about,
        "secret": secret,
        "between": between,
        "choices": choices,
        "is_url": is_url,
        "heading": heading,
    }
    if isinstance(default, dict):
        return dataclasses.field(default_factory=lambda: dict(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def unknown_setting_error(where: str, name: str, known: Collection[str]) -> BadSettings:
    """Return the error for a setting that does not exist, with the one that is probably meant."""
    near = "".join(f"did you mean {n}? " for n in difflib.get_close_matches(name, known, 1))
    every = f"`{program_name()} init FILE` writes a file with every setting"
    return BadSettings(f"{where}: there is no such setting; {near}{every}")
