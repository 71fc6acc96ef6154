"""Reading settings: a TOML file and environment variables, in the types of the defaults."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field
from pathlib import Path
from typing import Any, Final

from papers.errors import BadSettings

Fields = Mapping[str, Field[Any]]
"""The fields of `Settings`, by name."""


def read_toml(path: Path, fields: Fields) -> dict[str, Any]:
    """Return the settings that a TOML file has. Raises BadSettings."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BadSettings(f"{path}: {error.strerror}; write one with `paperwire init`") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path} is not valid TOML: {error}") from error
    return {name: _from_toml(path, name, value, fields) for name, value in table.items()}


def read_environment(environ: Mapping[str, str], fields: Fields) -> dict[str, Any]:
    """Return the settings that environment variables have. Raises BadSettings."""
    texts = {"redis_url": environ["REDIS_URL"]} if environ.get("REDIS_URL") else {}
    for variable, text in environ.items():
        if not variable.startswith("PAPERWIRE_") or variable == "PAPERWIRE_CONFIG":
            continue
        name = variable.removeprefix("PAPERWIRE_").lower()
        if name.endswith("_file") and f"PAPERWIRE_{name[:-5].upper()}" not in environ:
            texts[name[:-5]] = _read_secret_file(variable, text)
        elif not name.endswith("_file"):
            texts[name] = text
    return {name: _from_variable(name, text, fields) for name, text in texts.items()}


def _from_toml(path: Path, name: str, value: Any, fields: Fields) -> Any:
    where = f"{name} in {path}"
    default = _default_of(where, name, fields)
    return _toml_value(where, value, default, is_secret=fields[name].metadata["secret"])


def _from_variable(name: str, text: str, fields: Fields) -> Any:
    where = f"PAPERWIRE_{name.upper()}"
    return _parse_value(where, text, _default_of(where, name, fields))


def _default_of(where: str, name: str, fields: Fields) -> Any:
    if (field := fields.get(name)) is None:
        raise BadSettings(f"{where}: there is no such setting; there are {', '.join(fields)}")
    return field.default if field.default_factory is MISSING else field.default_factory()


def _toml_value(where: str, value: Any, default: Any, *, is_secret: bool) -> Any:
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


def _parse_value(where: str, text: str, default: Any) -> Any:
    """Return a variable's text in the type of the setting's default. Raises BadSettings."""
    try:
        return _PARSERS[type(default)](text)
    except (ValueError, KeyError) as error:
        expected = _TYPE_NAMES[type(default)]
        raise BadSettings(f"{where}: must be {expected}, not {text!r}") from error


def _read_secret_file(variable: str, path: str) -> str:
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
