"""The configuration file that `paperwire init` writes: every setting with its default."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from papers.config.settings import Settings

_INTRODUCTION: Final = """\
# Paperwire's settings, each with its default; remove a `#` to change one.
# An environment variable PAPERWIRE_NAME overrides this file: docs/reference/settings.md.
"""
_EXAMPLES: Final = {"communities": {"reading-group": "https://example.org/papers.xml"}}
"""Example values for tables that are empty by default."""
_UNCOMMENTED: Final = ("categories", "keywords")
"""The settings that most people change first."""


def config_template() -> str:
    """Return the file's text. It is valid TOML, and loading it gives the default settings."""
    return _INTRODUCTION + "".join(_blocks())


def _blocks() -> Iterator[str]:
    defaults = Settings()
    for field in dataclasses.fields(Settings):
        if field.metadata["heading"]:
            yield f"\n# ---- {field.metadata['heading']} ----\n"
        value = _EXAMPLES.get(field.name, getattr(defaults, field.name))
        lines = _assignment(field.name, value)
        prefix = "" if field.name in _UNCOMMENTED else "# "
        yield f"\n# {field.metadata['about']}\n" + "".join(f"{prefix}{line}\n" for line in lines)


def _assignment(name: str, value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [f"[{name}]", *(f"{_key(key)} = {_string(text)}" for key, text in value.items())]
    if isinstance(value, str):
        return [f"{name} = {_string(value)}"]
    if type(value) is int:
        return [f"{name} = {value:_}" if value >= 100_000 else f"{name} = {value}"]
    return [f"{name} = {json.dumps(value)}"]


def _key(text: str) -> str:
    is_bare = text.isascii() and text.replace("-", "").replace("_", "").isalnum()
    return text if is_bare else json.dumps(text)


def _string(text: str) -> str:
    """Return a TOML string; one that contains double quotes stands in single ones."""
    return f"'{text}'" if '"' in text and "'" not in text else json.dumps(text)
