"""Values of settings, from TOML, environment variables and files, in the type of the default."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from papers.errors import BadSettings


def toml_value(where: str, value: Any, default: Any, *, is_secret: bool) -> Any:
    """Return a TOML value in the type of the setting's default. Raises BadSettings."""
    if isinstance(default, tuple) and isinstance(value, list):
        value = tuple(value)
    elif isinstance(default, float) and type(value) is int:
        value = float(value)
    members = value.values() if isinstance(value, dict) else value
    nested = isinstance(value, (tuple, dict)) and not all(isinstance(m, str) for m in members)
    if type(value) is not type(default) or nested:
        shown = "" if is_secret else f", not {value!r}"
        raise BadSettings(f"{where}: must be {_TYPE_NAMES[type(default)]}{shown}")
    return value


def parse_value(where: str, text: str, default: Any) -> Any:
    """Return a variable's text in the type of the setting's default. Raises BadSettings."""
    try:
        return _PARSERS[type(default)](text)
    except (ValueError, KeyError) as error:
        expected = _TYPE_NAMES[type(default)]
        raise BadSettings(f"{where}: must be {expected}, not {text!r}") from error


def read_secret_file(variable: str, path: str) -> str:
    """Return the content of the file that a variable names. Raises BadSettings."""
    try:
        return Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(f"{variable} = {path!r}: cannot be read: {error}") from error


def _parse_table(text: str) -> dict[str, str]:
    pairs = [pair.split("=", 1) for pair in text.split(";") if pair.strip()]
    return {name.strip(): value.strip() for name, value in pairs}


_TYPE_NAMES: Final = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    tuple: "a list of texts",
    dict: "a table of texts",
}
_PARSERS: Final[dict[type, Callable[[str], Any]]] = {
    str: str,
    int: int,
    float: float,
    bool: lambda text: {"true": True, "1": True, "false": False, "0": False}[text.lower()],
    tuple: lambda text: tuple(part.strip() for part in text.split(",") if part.strip()),
    dict: _parse_table,
}
