"""The declaration of a setting: a dataclass field with its purpose and its limits."""

from __future__ import annotations

import dataclasses
from typing import Any


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
