"""XML as arXiv's own serializer writes it: two blanks a level, three characters escaped."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

DECLARATION: Final = "<?xml version='1.0' encoding='UTF-8'?>\n"

_XML_FORBIDDEN = re.compile(r"[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TEX_ACCENTS: Final = {
    "\u0300": "`",
    "\u0301": "'",
    "\u0302": "^",
    "\u0303": "~",
    "\u0308": '"',
    "\u030c": "v",
    "\u0327": "c",
}


def escape_text(text: str) -> str:
    """A text as character data; what XML cannot hold is left out."""
    clean = _XML_FORBIDDEN.sub("", text)
    return clean.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def element(name: str, text: str | None = None, **attributes: str) -> str:
    """One element on one line; `text=None` is an empty one."""
    head = name + "".join(
        f' {key}="{_escape_attribute(value)}"' for key, value in attributes.items()
    )
    return f"<{head}/>" if text is None else f"<{head}>{escape_text(text)}</{name}>"


def block(name: str, lines: Iterable[str]) -> list[str]:
    """An element around others, as lines, its content two blanks further in."""
    return [f"<{name}>", *(f"  {line}" for line in lines), f"</{name.split(' ', 1)[0]}>"]


def document(lines: Iterable[str]) -> bytes:
    """The whole answer, in UTF-8 with a declaration."""
    return (DECLARATION + "\n".join(lines) + "\n").encode()


def format_utc(moment: datetime) -> str:
    """A time as arXiv's API writes it: `2026-04-12T22:59:06Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def encode_tex_accents(name: str) -> str:
    r"""A name as arXiv's announcements spell it: `Garc\'ia`; other letters stay Unicode."""
    out: list[str] = []
    for character in unicodedata.normalize("NFC", name):
        base, marks = _decompose(character)
        accent = _TEX_ACCENTS.get(marks) if base.isascii() else None
        if accent is None:
            out.append(character)
        else:
            out.append(f"\\{accent}{{{base}}}" if accent.isalpha() else f"\\{accent}{base}")
    return "".join(out)


def _decompose(character: str) -> tuple[str, str]:
    parts = unicodedata.normalize("NFD", character)
    return parts[:1], parts[1:]


def _escape_attribute(value: str) -> str:
    return escape_text(value).replace('"', "&quot;")
