"""Tags, text and entries of a foreign XML document, found without building a tree.

Nothing here raises for any text, and everything takes time linear in it. So it serves where a
parser must not be trusted yet, and where a document is no XML by the letter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

TAG: Final = re.compile(
    r"""<(?P<slash>/?+)(?P<name>[\w:.-]++)"""
    r"""(?P<attributes>[^<>"']*+(?:(?:"[^"]*+"|'[^']*+')[^<>"']*+)*+)"""
)
_SECTION_ENDS: Final = {"<!--": "-->", "<![CDATA[": "]]>"}
_SECTION: Final = re.compile(r"<!--|<!\[CDATA\[")
_ENTRY: Final = re.compile(
    r"<!--|<!\[CDATA\[|<(?P<slash>/?)(?P<name>(?:[\w.-]{1,60}:)?(?:item|entry))(?=[\s/>])",
    re.IGNORECASE,
)


class EntrySpan(NamedTuple):
    """The part of a document that is one entry, tags included; `is_closed` if its end is there."""

    start: int
    end: int
    is_closed: bool


class _Sections:
    """Comments and CDATA sections of a text; one that never ends is none."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._last = {opening: text.rfind(end) for opening, end in _SECTION_ENDS.items()}

    def end(self, opening: str, start: int) -> int:
        """Return where the section that opens at `start` ends; 0 if there is none."""
        if start >= self._last.get(opening, -1):
            return 0
        ending = _SECTION_ENDS[opening]
        return self._text.find(ending, start + len(opening)) + len(ending)


def iter_tags(text: str) -> Iterator[re.Match[str]]:
    """Yield every tag outside comments and CDATA."""
    sections = _Sections(text)
    position = 0
    while (start := text.find("<", position)) >= 0:
        position = start + 1
        opening = next((o for o in _SECTION_ENDS if text.startswith(o, start)), "")
        if opening:
            position = sections.end(opening, start) or position
        elif tag := TAG.match(text, start):
            position = tag.end()
            yield tag


def iter_parts(text: str) -> Iterator[tuple[bool, str]]:
    """Yield the text in parts without its comments: whether it is CDATA, and its content."""
    sections = _Sections(text)
    done = position = 0
    while found := _SECTION.search(text, position):
        end = sections.end(found[0], found.start())
        position = end or found.end()
        if end:
            yield False, text[done : found.start()]
            if found[0] != "<!--":
                yield True, text[found.end() : end - 3]
            done = end
    yield False, text[done:]


def iter_entries(text: str) -> Iterator[EntrySpan]:
    """Yield the entries of a feed in order; one that another of its name interrupts ends there."""
    sections = _Sections(text)
    name, start, position = "", 0, 0
    while found := _ENTRY.search(text, position):
        if found["name"] is None:
            position = sections.end(found[0].upper(), found.start()) or found.end()
            continue
        position = _tag_end(text, found)
        if not name and not found["slash"]:
            name, start = found["name"], found.start()
            if text.endswith("/>", start, position):
                name = ""
                yield EntrySpan(start, position, True)
        elif name and found["name"].lower() == name.lower():
            end = position if found["slash"] else found.start()
            yield EntrySpan(start, end, bool(found["slash"]))
            name, start = ("" if found["slash"] else found["name"]), found.start()
    if name:
        yield EntrySpan(start, len(text), False)


def _tag_end(text: str, found: re.Match[str]) -> int:
    """Return the end of a tag, behind its `>` if it has one."""
    tag = TAG.match(text, found.start())
    end = tag.end() if tag else found.end()
    return end + text.startswith(">", end)
