"""Settings as they may be printed: without what only this installation may know."""

from __future__ import annotations

import dataclasses
import re
from typing import Any, Final

from papers.config.settings import Settings

STARS: Final = "***"
_PASSWORD: Final = re.compile(r"(?<=://)[^/@\s]+@")
_ANSWER: Final = re.compile(r"(?<==)[^&\s]+")


def shown(settings: Settings) -> dict[str, Any]:
    """Settings by name; stars for secrets, and for passwords and query values in addresses."""
    return {
        field.name: STARS
        if field.metadata["secret"] and getattr(settings, field.name)
        else _fit(getattr(settings, field.name))
        for field in dataclasses.fields(settings)
    }


def _fit(value: Any) -> Any:
    if isinstance(value, str) and "://" in value:
        address, mark, query = _PASSWORD.sub(f"{STARS}@", value).partition("?")
        return address + mark + _ANSWER.sub(STARS, query)
    if isinstance(value, tuple):
        return tuple(map(_fit, value))
    if isinstance(value, dict):
        return {name: _fit(text) for name, text in value.items()}
    return value
