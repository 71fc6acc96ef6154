"""Tags, text and entries of a foreign XML document, found without building a tree.

Nothing here raises for any text, and everything takes time linear in it. So it serves where a
parser must not be trusted yet, and where a document is not well-formed XML.
"""

from __future__ import annotations

import re
from collections import Counter
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
_ROOT: Final = re.compile(r"<(?:[\w.-]{1,60}:)?(feed|rss|rdf)\b", re.IGNORECASE)


class EntrySpan(NamedTuple):
    """The part of a document that is one entry, tags included; `is_closed` if its end is there."""

    start: int
    end: int
    is_closed: bool


class _Sections:
    """Comments and CDATA sections of a text, in its order; one that never ends does not count."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._last = {opening: text.rfind(end) for opening, end in _SECTION_ENDS.items()}
        self._next = dict.fromkeys(_SECTION_ENDS, -1)

    def end(self, opening: str, start: int) -> int:
        """Return where the section that opens at `start` ends; 0 if there is none."""
        if start >= self._last.get(opening, -1):
            return 0
        ending, inside = _SECTION_ENDS[opening], start + len(opening)
        if self._next[opening] < inside:  # else it is the nearest still: a search would be wasted
            self._next[opening] = self._text.find(ending, inside)
        return self._next[opening] + len(ending) if self._next[opening] >= 0 else 0


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
    """Yield the entries of a feed in order; one that another interrupts ends there."""
    start = -1  # of the open entry
    for found in _entry_tags(text):
        end = _tag_end(text, found)
        if start >= 0:
            yield EntrySpan(start, end if found["slash"] else found.start(), bool(found["slash"]))
            start = -1
        if not found["slash"]:
            start = found.start()
            if text.endswith("/>", start, end):
                yield EntrySpan(start, end, True)
                start = -1
    if start >= 0:
        yield EntrySpan(start, len(text), False)


def _entry_tags(text: str) -> Iterator[re.Match[str]]:
    """Yield the tags of a feed's entries, outside comments and CDATA."""
    sections = _Sections(text)
    name = _entry_name(text)
    position = 0
    while found := _ENTRY.search(text, position):
        position = found.end()
        if found["name"] is None:
            end = sections.end(found[0].upper(), found.start())
            # one that runs into a section of another entry was never closed in its own
            inner = text.find(found[0], position, end)
            is_open = inner >= 0 and re.search(
                rf"</{re.escape(name)}\s*>", text[position:inner], re.I
            )
            position = position if is_open else end or position
        elif found["name"].lower() == name:
            yield found


def _entry_name(text: str) -> str:
    """Return the name of a feed's entries in lower case: that of its format, or the commonest."""
    names = Counter(found["name"].lower() for found in _ENTRY.finditer(text) if found["name"])
    root = _ROOT.search(text)
    by_format = "entry" if root and root[1].lower() == "feed" else "item"
    prefixed = [name for name, _ in names.most_common()]
    return by_format if by_format in names else prefixed[0] if prefixed else by_format


def _tag_end(text: str, found: re.Match[str]) -> int:
    """Return the end of a tag, behind its `>` if it has one."""
    tag = TAG.match(text, found.start())
    end = tag.end() if tag else found.end()
    return end + text.startswith(">", end)
