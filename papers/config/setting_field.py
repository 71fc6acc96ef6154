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
    heading: str = "",
) -> Any:
    """Define a setting: its default, purpose, least and greatest value or allowed values.

    A `heading` begins a section of the configuration file that `paperwire init` writes.
    """
    metadata = {
        "about": about,
        "secret": secret,
        "between": between,
        "choices": choices,
        "heading": heading,
    }
    if isinstance(default, dict):
        return dataclasses.field(default_factory=lambda: dict(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)
