"""Redaction: settings as they may be printed, without passwords and tokens."""

from __future__ import annotations

import dataclasses
from typing import Any

from papers.config.settings import Settings
from papers.config.url_secrets import REDACTED, hide_credentials


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
        return hide_credentials(value)
    if isinstance(value, tuple):
        return tuple(map(_redact, value))
    if isinstance(value, dict):
        return {name: _redact(text) for name, text in value.items()}
    return value
