"""Entries as feedgen spells them, of each shape that entries have only one.

What feedgen makes of two papers with as many categories and links differs in nothing but their
texts, numbers and dates, and in how often it says the same between two authors. So it spells a
specimen that has marks in their places, and what it makes of that is the mould of every entry of
this shape.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from datetime import UTC, datetime
from functools import partial
from html import escape
from operator import itemgetter
from typing import Final, NamedTuple

from service.cache.lru import Memory
from service.feeds.content import Content
from service.feeds.entry import Category, Item, Listing, Source
from service.feeds.entry_cache import Spell
from service.feeds.feed import Feed

MOST: Final = 4_000_000
"""Bytes of moulds that a process remembers of a format; one is some 3 kB."""

_ANY: Final = Feed(*("urn:any",) * 6, alternates=(), entries=())
_CONTENT, _NO_CONTENT = Content("<gap0/>", ""), Content("", "")
_PUBLISHED, _UPDATED = (datetime(1, 1, day, tzinfo=UTC) for day in (1, 2))
_MARK: Final = 10**15
_AUTHORS: Final = str(_MARK)
_TEXT, _NAME = "\0\1"
"""Stand between texts and between names; none of them holds what XML cannot."""
_GAP: Final = re.compile(
    r"""<gap(?P<markup>0)/> | &lt;gap(?P<html>0)/&gt;
    | 0001-01-(?P<iso>\d\d)T00:00:00\+00:00
    | \w{3},\ (?P<rfc822>\d\d)\ Jan\ 0001\ 00:00:00\ GMT
    | (?<==")1(?P<quoted>\d{15})
    | 1(?P<text>\d{15})""",
    re.VERBOSE,
)
"""A mark as it comes out; all else in a specimen is feedgen's and our own."""


class Mould(NamedTuple):
    """What entries of one shape have in common, and which of their values go into its gaps.

    `between` is what stands between two authors.
    """

    spelled: str
    between: str
    chosen: Callable[[Sequence[str]], tuple[str, ...]]


def moulded(
    spell: Spell, content: Callable[[Content], str], published: Callable[[datetime], str]
) -> Spell:
    """What a format spells, byte by byte; it is asked for feeds, and for one entry of a shape.

    `content` and `published` are how it spells these.
    """
    moulds = Memory[Hashable, Mould](MOST)

    def mould(shape: Hashable, entry: Item, texts: Sequence[str]) -> Mould:
        (spelled,) = spell(_ANY, [_specimen(entry, texts)]).entries
        made = _mould(spelled.decode(), len(texts))
        moulds.keep(shape, made, len(spelled))
        return made

    def cast(entry: Item) -> bytes:
        shape, texts = _told(entry)
        spelled, between, chosen = moulds.get(shape) or mould(shape, entry, texts)
        escaped = escape(_TEXT.join(texts), quote=False)
        plain = escaped.replace(_NAME, between).split(_TEXT)
        quoted = escaped.replace('"', "&quot;").split(_TEXT)
        dates = published(entry.published), entry.updated.isoformat()
        values = [*plain, *quoted, content(entry.content), *dates]
        return (spelled % chosen(values)).encode()

    return lambda feed, entries: spell(feed, ())._replace(entries=list(map(cast, entries)))


def _told(entry: Item) -> tuple[Hashable, list[str]]:
    """The shape of an entry, and its texts and numbers."""
    source, categories = entry.source, entry.categories
    texts = [_NAME.join(entry.authors), entry.id, entry.title, entry.summary, entry.comment]
    texts += (entry.journal_ref, entry.doi, entry.thumbnail, _number(entry.comments))
    kinds: list[object] = [bool(entry.content.xhtml), len(categories)]
    for category in categories:
        texts += (category.term, category.label)
        kinds.append(category.scheme)
    for href, rel, type_, title, comments in entry.links:
        texts += (href, title, _number(comments))
        kinds += (rel, type_)
    texts += (source.id, source.title, source.url) if source else ()
    return (*kinds, *map(bool, texts)), texts


def _specimen(entry: Item, texts: Sequence[str]) -> Listing:
    """An entry of the same shape, with marks in place of its texts; they are in `_told`'s order."""
    marks = iter([text and str(_MARK + number) for number, text in enumerate(texts)])
    mark = partial(next, marks)
    return Listing(
        authors=2 * (authors,) if (authors := mark()) else (),
        id=mark(),
        title=mark(),
        summary=mark(),
        comment=mark(),
        journal_ref=mark(),
        doi=mark(),
        thumbnail=mark(),
        comments=_count(mark()),
        categories=tuple(
            Category(mark(), mark(), category.scheme) for category in entry.categories
        ),
        links=tuple(
            link._replace(href=mark(), title=mark(), comments=_count(mark()))
            for link in entry.links
        ),
        source=Source(*marks) if entry.source else None,
        content=_CONTENT if entry.content.xhtml else _NO_CONTENT,
        published=_PUBLISHED,
        updated=_UPDATED,
        touched=_UPDATED,
    )


def _number(count: int | None) -> str:
    return "" if count is None else str(count)


def _count(number: str) -> int | None:
    return int(number) if number else None


def _mould(spelled: str, texts: int) -> Mould:
    """The mould that a specimen is.

    Of two authors it keeps one place. Its values are so many texts, these once more as they are in
    quotes, the content, and two dates.
    """
    _, between, *_ = *spelled.split(_AUTHORS), ""
    spelled = spelled.replace(f"{between}{_AUTHORS}", "", 1)
    numbers = list[int]()
    starts = {"text": 0, "quoted": texts}

    def gap(mark: re.Match[str]) -> str:
        kind = mark.lastgroup or ""
        numbers.append(starts.get(kind, 2 * texts) + int(mark[kind]))
        return "%s"

    template = _GAP.sub(gap, spelled.replace("%", "%%"))
    return Mould(template, between, itemgetter(*numbers))
