"""Entries of a community feed: RSS of any version, Atom or JSON Feed, ill-formed ones too.

An entry keeps its whole text, because any element or attribute may name a paper; the elements that
mean something to Paperwire are read from it on demand. No entry can keep another from being read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urljoin

from papers.errors import SourceIncomplete
from papers.model.arxiv_sites import unescape
from workers.sources.document_limits import (
    MAX_BASE_LENGTH,
    refuse_floods,
    refuse_long_base,
    refuse_size,
)
from workers.sources.foreign_xml import clean_line, clean_url, decode_document, parse_time
from workers.sources.json_feed import is_json, json_items
from workers.sources.xml_tags import TAG, iter_entries, iter_parts, iter_tags

_ATTRIBUTE: Final = re.compile(r"""([\w:.-]++)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'<>]++))""")
_ANY_TAG: Final = re.compile(r"<[^<>]*+>")
_BASE: Final = "xml:base"
_PUBLISHED: Final = ("pubdate", "published", "issued", "date_published")
_UPDATED: Final = ("updated", "modified", "date", "created", "publicationdate", "date_modified")
_ATOM_PREFIXES: Final = ("atom", "atom10", "a10")
_COMMENTS_LINK: Final = re.compile(
    r"""<a\b[^<>]{0,500}?\bhref\s*=\s*["']([^"'<>\s]{1,2000})["'][^<>]{0,500}>"""
    r"""\s*\[?(?:[0-9]{1,6}\s+)?comments?\]?\s*</a>""",
    re.IGNORECASE,
)
_MAX_SEARCHED: Final = 20_000
"""Characters at the end of an entry that are searched for a link to its discussion."""
_MAX_ELEMENT: Final = 10_000
"""Characters of an element whose text is read."""
_WEB_PAGES: Final = ("", "alternate")
_USED: Final = frozenset(
    (
        *(*_PUBLISHED, *_UPDATED, "link", "guid", "id", "enclosure", "comments", "title"),
        *("description", "summary", "content", "encoded"),
        *("score", "ups", "points", "upvotes", "votes", "total", "num_comments", "comment_count"),
    )
)
"""Elements that are read, without their prefixes."""


@dataclass(frozen=True, slots=True)
class EntryElement:
    """A direct child of an entry.

    `name` is in lower case, and has a prefix only if it differs from the entry's own. `text` has no
    tags.
    """

    name: str
    attributes: Mapping[str, str]
    text: str

    @property
    def local_name(self) -> str:
        """The name without a prefix."""
        return self.name.rpartition(":")[2]


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """An entry.

    `content` is all of it, attributes included, with character references replaced once. `elements`
    are its direct children that are used, in order; `base` is the URL that its links are relative
    to.
    """

    content: str
    elements: tuple[EntryElement, ...]
    base: str = ""

    def text(self, *names: str) -> str:
        """Return the text of the first element of one of these names, on one line; "" if none."""
        return next(
            (line for e in self.elements if e.name in names and (line := clean_line(e.text))), ""
        )

    @property
    def links(self) -> list[str]:
        """The web addresses of the entry, its own page first."""
        addresses = (clean_url(urljoin_safely(self.base, link)) for link in self._raw_links())
        return list(dict.fromkeys(address for address in addresses if address))

    @property
    def discussion(self) -> str:
        """The address of the entry's discussion: stated, or linked as "comments"; "" if none."""
        if stated := clean_url(self.text("comments")):
            return stated
        found = _COMMENTS_LINK.search(self.content[-_MAX_SEARCHED:])
        return clean_url(urljoin_safely(self.base, found[1])) if found else ""

    @property
    def published_at(self) -> datetime | None:
        """When the entry was published, else updated; None if it has no possible date."""
        for names in (_PUBLISHED, _UPDATED):
            for element in self.elements:
                if element.local_name in names and (moment := parse_time(element.text)):
                    return moment
        return None

    def _raw_links(self) -> Iterator[str]:
        links = [e for e in self.elements if e.name in _LINK_NAMES]
        pages = [e for e in links if e.attributes.get("rel", "").lower() in _WEB_PAGES]
        yield from (e.text for e in pages if "href" not in e.attributes)
        yield from (e.attributes.get("href", "") for e in (*pages, *links))
        yield from (e.text for e in self.elements if e.name in ("guid", "id") and _is_link(e))
        yield from (e.attributes.get("url", "") for e in self.elements if e.name == "enclosure")


_LINK_NAMES: Final = ("link", "url", "external_url", *(f"{p}:link" for p in _ATOM_PREFIXES))


@dataclass(frozen=True, slots=True)
class EntryList:
    """The entries of a feed; `is_complete` is False if the feed was truncated."""

    entries: Iterator[FeedEntry]
    is_complete: bool


def read_entries(body: bytes) -> EntryList:
    """Read a feed; its entries are made one at a time.

    Raises SourceGarbled if it is no feed or costs too much, SourceIncomplete for one that was
    truncated before its first entry ended.
    """
    refuse_size(body)
    if is_json(body):
        items, is_complete = json_items(body)
        return EntryList(map(_from_json, items), is_complete)
    text, root = decode_document(body)
    refuse_floods(text)
    spans = list(iter_entries(text))
    refuse_long_base(text[: spans[0].start] if spans else text)
    tail = spans[-1].end if spans and spans[-1].is_closed else spans[-1].start if spans else 0
    ending = rf"</(?:[\w.-]{{1,60}}:)?{root}(?=[\s>])" + (
        "" if spans else rf"|<[\w:]*{root}[^<>]*/>"
    )
    is_complete = re.search(ending, text[tail:], re.IGNORECASE) is not None
    if not is_complete:
        spans = [span for span in spans if span.is_closed]
        if not spans:
            raise SourceIncomplete("the feed was cut before its first entry ended")
    first = next(iter_tags(text), None)
    base = _attributes(first["attributes"]).get(_BASE, "") if first else ""
    return EntryList((_from_xml(text[s.start : s.end], base) for s in spans), is_complete)


def _is_link(guid: EntryElement) -> bool:
    return guid.attributes.get("ispermalink", "true").strip().lower() == "true"


def urljoin_safely(base: str, link: str) -> str:
    """Return a link resolved against a base; the link itself if that is impossible."""
    try:
        return urljoin(base, link.strip()) if base else link
    except ValueError:
        return link


def _from_xml(source: str, base: str) -> FeedEntry:
    content = "".join(part if is_cdata else unescape(part) for is_cdata, part in iter_parts(source))
    opening = TAG.match(source)
    own = _attributes(opening["attributes"]).get(_BASE, "") if opening else ""
    own = own[:MAX_BASE_LENGTH]
    return FeedEntry(content, tuple(_elements(source)), urljoin_safely(base, own) if own else base)


def _from_json(item: Mapping[str, object]) -> FeedEntry:
    """Return an item of a JSON Feed; its strings are separated as attributes are."""
    elements = tuple(
        EntryElement(name.lower(), {}, value)
        for name, value in item.items()
        if isinstance(value, str)
    )
    return FeedEntry('" "'.join(_strings(item)), elements)


def _strings(value: object) -> Iterator[str]:
    """Yield every string in a parsed JSON value, in order, keys excepted."""
    pending = [value]
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            pending.extend(reversed(list(value.values())))
        elif isinstance(value, list):
            pending.extend(reversed(value))


def _elements(source: str) -> Iterator[EntryElement]:
    """Yield the direct children of an entry; a tag that is never closed ends with its parent."""
    tags = iter_tags(source)
    opening = next(tags, None)
    own_prefix = opening["name"].lower().rpartition(":")[0] if opening else ""
    child: re.Match[str] | None = None  # None if it is not used
    open_names: list[str] = []
    open_count: Counter[str] = Counter()
    for tag in tags:
        name = tag["name"].lower()
        if not tag["slash"]:
            if not open_names:
                child = tag if name.rpartition(":")[2] in _USED else None
            if not tag["attributes"].endswith("/"):
                open_names.append(name)
                open_count[name] += 1
            elif child is tag:
                yield _element(source, child, tag.end(), own_prefix)
        elif open_count[name]:
            while (closed := open_names.pop()) != name:
                open_count[closed] -= 1
            open_count[name] -= 1
            if not open_names and child:
                yield _element(source, child, tag.start(), own_prefix)
    if open_names and child:
        yield _element(source, child, len(source), own_prefix)


def _element(source: str, tag: re.Match[str], end: int, own_prefix: str) -> EntryElement:
    prefix, _, local = tag["name"].lower().rpartition(":")
    name = local if prefix == own_prefix else f"{prefix}:{local}"
    start = min(tag.end() + source.startswith(">", tag.end()), end)
    end = min(end, start + _MAX_ELEMENT)
    text = "".join(
        part if is_cdata else unescape(_ANY_TAG.sub("", part))
        for is_cdata, part in iter_parts(source[start:end])
    )
    return EntryElement(name, _attributes(tag["attributes"]), text)


def _attributes(written: str) -> dict[str, str]:
    """Return the attributes of a tag by name in lower case."""
    return {
        found[1].lower(): unescape(found[2] or found[3] or found[4] or "")
        for found in _ATTRIBUTE.finditer(written)
    }
