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

from service.cache.lru import ByteLRU
from service.feeds.content import Content
from service.feeds.entry import AtomSource, Category, DigestEntry, FeedItem
from service.feeds.entry_cache import FeedRenderer
from service.feeds.feed import Feed

TEMPLATE_CACHE_BYTES: Final = 4_000_000
"""Bytes of moulds that a process remembers of a format; one is some 3 kB."""

_SPECIMEN_FEED: Final = Feed(*("urn:any",) * 6, alternates=(), entries=())
_SPECIMEN_CONTENT, _EMPTY_CONTENT = Content("<gap0/>", ""), Content("", "")
_SPECIMEN_PUBLISHED, _SPECIMEN_UPDATED = (datetime(1, 1, day, tzinfo=UTC) for day in (1, 2))
_FIRST_MARK: Final = 10**15
_AUTHORS_MARK: Final = str(_FIRST_MARK)
_TEXT_SEPARATOR, _NAME_SEPARATOR = "\0\1"
"""Stand between texts and between names; none of them holds what XML cannot."""
_MARK_PATTERN: Final = re.compile(
    r"""<gap(?P<markup>0)/> | &lt;gap(?P<html>0)/&gt;
    | 0001-01-(?P<iso>\d\d)T00:00:00\+00:00
    | \w{3},\ (?P<rfc822>\d\d)\ Jan\ 0001\ 00:00:00\ GMT
    | (?<==")1(?P<quoted>\d{15})
    | 1(?P<text>\d{15})""",
    re.VERBOSE,
)
"""A mark as it comes out; all else in a specimen is feedgen's and our own."""


class EntryTemplate(NamedTuple):
    """What entries of one shape have in common, and which of their values go into its gaps.

    `between` is what stands between two authors.
    """

    template: str
    author_separator: str
    select_values: Callable[[Sequence[str]], tuple[str, ...]]


def make_templated_renderer(
    render: FeedRenderer,
    render_content: Callable[[Content], str],
    format_published: Callable[[datetime], str],
) -> FeedRenderer:
    """What a format spells, byte by byte; it is asked for feeds, and for one entry of a shape.

    `content` and `published` are how it spells these.
    """
    templates = ByteLRU[Hashable, EntryTemplate](TEMPLATE_CACHE_BYTES)

    def build_template(shape: Hashable, entry: FeedItem, texts: Sequence[str]) -> EntryTemplate:
        (spelled,) = render(_SPECIMEN_FEED, [_build_specimen(entry, texts)]).entries
        made = _compile_template(spelled.decode(), len(texts))
        templates.put(shape, made, len(spelled))
        return made

    def render_entry(entry: FeedItem) -> bytes:
        shape, texts = _shape_and_values(entry)
        spelled, between, chosen = templates.get(shape) or build_template(shape, entry, texts)
        escaped = escape(_TEXT_SEPARATOR.join(texts), quote=False)
        plain = escaped.replace(_NAME_SEPARATOR, between).split(_TEXT_SEPARATOR)
        quoted = escaped.replace('"', "&quot;").split(_TEXT_SEPARATOR)
        dates = format_published(entry.published), entry.updated.isoformat()
        values = [*plain, *quoted, render_content(entry.content), *dates]
        return (spelled % chosen(values)).encode()

    return lambda feed, entries: render(feed, ())._replace(entries=list(map(render_entry, entries)))


def _shape_and_values(entry: FeedItem) -> tuple[Hashable, list[str]]:
    """The shape of an entry, and its texts and numbers."""
    source, categories = entry.source, entry.categories
    texts = [
        _NAME_SEPARATOR.join(entry.authors),
        entry.id,
        entry.title,
        entry.summary,
        entry.comment,
    ]
    texts += (entry.journal_ref, entry.doi, entry.thumbnail, _format_optional_count(entry.comments))
    kinds: list[object] = [bool(entry.content.xhtml), len(categories)]
    for category in categories:
        texts += (category.term, category.label)
        kinds.append(category.scheme)
    for href, rel, type_, title, comments in entry.links:
        texts += (href, title, _format_optional_count(comments))
        kinds += (rel, type_)
    texts += (source.id, source.title, source.url) if source else ()
    return (*kinds, *map(bool, texts)), texts


def _build_specimen(entry: FeedItem, texts: Sequence[str]) -> DigestEntry:
    """An entry of the same shape, with marks in place of its texts; they are in `_told`'s order."""
    marks = iter([text and str(_FIRST_MARK + number) for number, text in enumerate(texts)])
    mark = partial(next, marks)
    return DigestEntry(
        authors=2 * (authors,) if (authors := mark()) else (),
        id=mark(),
        title=mark(),
        summary=mark(),
        comment=mark(),
        journal_ref=mark(),
        doi=mark(),
        thumbnail=mark(),
        comments=_parse_optional_count(mark()),
        categories=tuple(
            Category(mark(), mark(), category.scheme) for category in entry.categories
        ),
        links=tuple(
            link._replace(href=mark(), title=mark(), comments=_parse_optional_count(mark()))
            for link in entry.links
        ),
        source=AtomSource(*marks) if entry.source else None,
        content=_SPECIMEN_CONTENT if entry.content.xhtml else _EMPTY_CONTENT,
        published=_SPECIMEN_PUBLISHED,
        updated=_SPECIMEN_UPDATED,
        last_activity_at=_SPECIMEN_UPDATED,
    )


def _format_optional_count(count: int | None) -> str:
    return "" if count is None else str(count)


def _parse_optional_count(number: str) -> int | None:
    return int(number) if number else None


def _compile_template(spelled: str, texts: int) -> EntryTemplate:
    """The mould that a specimen is.

    Of two authors it keeps one place. Its values are so many texts, these once more as they are in
    quotes, the content, and two dates.
    """
    _, between, *_ = *spelled.split(_AUTHORS_MARK), ""
    spelled = spelled.replace(f"{between}{_AUTHORS_MARK}", "", 1)
    numbers = list[int]()
    starts = {"text": 0, "quoted": texts}

    def placeholder(mark: re.Match[str]) -> str:
        kind = mark.lastgroup or ""
        numbers.append(starts.get(kind, 2 * texts) + int(mark[kind]))
        return "%s"

    template = _MARK_PATTERN.sub(placeholder, spelled.replace("%", "%%"))
    return EntryTemplate(template, between, itemgetter(*numbers))
