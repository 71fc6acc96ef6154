"""XML as arXiv's serializer writes it: two spaces per level, three characters escaped."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from paperwire.simulator.world.manuscripts import Manuscript

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
    """Escape text as character data; characters that XML forbids are dropped."""
    clean = _XML_FORBIDDEN.sub("", text)
    return clean.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def element(name: str, text: str | None = None, **attributes: str) -> str:
    """Render one element on one line; `text=None` gives an empty element."""
    head = name + "".join(
        f' {key}="{_escape_attribute(value)}"' for key, value in attributes.items()
    )
    return f"<{head}/>" if text is None else f"<{head}>{escape_text(text)}</{name}>"


def block(name: str, lines: Iterable[str]) -> list[str]:
    """Render an element around lines, which are indented by two spaces."""
    return [f"<{name}>", *(f"  {line}" for line in lines), f"</{name.split(' ', 1)[0]}>"]


def document(lines: Iterable[str]) -> bytes:
    """Encode the whole document in UTF-8, with a declaration."""
    return (DECLARATION + "\n".join(lines) + "\n").encode()


def format_utc(moment: datetime) -> str:
    """Format a time as arXiv's API does: `2026-04-12T22:59:06Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def names_with_affiliations(text: Manuscript) -> list[str]:
    """Return author names, followed by the affiliation in parentheses where there is one."""
    return [
        f"{name} ({affiliation})" if affiliation else name
        for name, affiliation in text.authors_with_affiliations()
    ]


def encode_tex_accents(name: str) -> str:
    r"""Encode a name as arXiv's announcements do: `Garc\'ia`; other letters stay Unicode."""
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
