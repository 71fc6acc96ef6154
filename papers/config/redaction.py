"""Redaction: settings as they may be printed, without passwords and tokens."""

from __future__ import annotations

import dataclasses
import re
from typing import Any, Final

from papers.config.settings import Settings

REDACTED: Final = "***"
_USER_INFO: Final = re.compile(r"(?<=://)[^/@\s]+@")
_QUERY_VALUE: Final = re.compile(r"(?<==)[^&\s]+")


def redacted_settings(settings: Settings) -> dict[str, Any]:
    """Return the settings by name, with stars for secrets and for credentials in URLs.

    In a URL these are the user and password, and every value of the query string.
    """
    return {
        field.name: REDACTED
        if field.metadata["secret"] and getattr(settings, field.name)
        else _redact(getattr(settings, field.name))
        for field in dataclasses.fields(settings)
    }


def _redact(value: Any) -> Any:
    if isinstance(value, str) and "://" in value:
        address, mark, query = _USER_INFO.sub(f"{REDACTED}@", value).partition("?")
        return address + mark + _QUERY_VALUE.sub(REDACTED, query)
    if isinstance(value, tuple):
        return tuple(map(_redact, value))
    if isinstance(value, dict):
        return {name: _redact(text) for name, text in value.items()}
    return value
