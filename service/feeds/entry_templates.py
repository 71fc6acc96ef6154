"""Entry templates: feedgen renders one entry of each shape, the others are filled in.

feedgen's output for two entries with as many categories and links differs only in their texts,
numbers and dates, and in how many authors it repeats. So feedgen renders a specimen that has
markers in their places, and its output becomes the template of every entry of that shape.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from html import escape
from operator import attrgetter, itemgetter
from typing import Any, Final, NamedTuple

from service.cache.lru import ByteLRU
from service.feeds.content import Content
from service.feeds.entry import TEXT_FIELDS, AtomSource, Category, DigestEntry, FeedItem
from service.feeds.feed import Feed, FeedRenderer

SPECIMEN_FEED: Final = Feed(*("urn:any",) * 6, alternates=(), entries=())
"""A feed for entries that are rendered without one."""
_SPECIMEN_CONTENT, _EMPTY_CONTENT = Content("<gap0/>", ""), Content("", "")
_SPECIMEN_PUBLISHED, _SPECIMEN_UPDATED = (datetime(1, 1, day, tzinfo=UTC) for day in (1, 2))
FIRST_MARKER: Final = 10**15
"""The marker of the first text; each has the next number."""
_AUTHORS_MARKER: Final = str(FIRST_MARKER)
_TITLE: Final = 1 + TEXT_FIELDS.index("title")
"""The place of the title among an entry's texts, which begin with the authors."""
_TEXT_SEPARATOR, _NAME_SEPARATOR = "\0\1"
"""The separators of texts and of names: XML allows neither, so no text contains one."""
_MARKER_PATTERN: Final = re.compile(
    r"""<gap(?P<markup>0)/> | &lt;gap(?P<html>0)/&gt;
    | 0001-01-(?P<iso>\d\d)T00:00:00\+00:00
    | \w{3},\ (?P<rfc822>\d\d)\ Jan\ 0001\ 00:00:00\ GMT
    | (?<==")1(?P<quoted>\d{15})
    | 1(?P<text>\d{15})""",
    re.VERBOSE,
)
"""A marker as a format writes it. Nothing else in a rendered specimen matches."""
_text_fields: Final = attrgetter(*TEXT_FIELDS)


class XmlValues(NamedTuple):
    """How an XML format writes the values that are not plain text, and titles once escaped."""

    render_content: Callable[[Content], str]
    format_published: Callable[[datetime], str]
    encode_title: Callable[[str], str] = str


class EntryTemplate(NamedTuple):
    """The common text of entries of one shape, with `%s` for each value that `select_values` picks.

    `author_separator` is the text between two authors; `ending` is what a feed has after one entry
    and after all.
    """

    template: str
    author_separator: str
    select_values: Callable[[Sequence[str]], tuple[str, ...]]
    ending: tuple[bytes, bytes] = (b"", b"")


TemplateCache = ByteLRU[tuple[str, Hashable], EntryTemplate]
"""Templates by format and shape."""


@dataclass(frozen=True, slots=True)
class TemplatedRenderer:
    """Renders what `renderer` would, byte by byte, and calls it once per new shape."""

    format: str
    renderer: FeedRenderer
    xml: XmlValues
    templates: TemplateCache

    def render_entry(self, entry: FeedItem) -> bytes:
        """Render an entry."""
        shape, texts = _shape_and_texts(entry)
        found = self.templates.get((self.format, shape))
        template = found or self._build_template(shape, entry, texts)
        content = self.xml.render_content(entry.content)
        return self.fill(template, texts, content, (entry.published, entry.updated))

    def fill(
        self,
        template: EntryTemplate,
        texts: Sequence[str],
        content: str,
        dates: tuple[datetime, datetime],
    ) -> bytes:
        """Return a template with its values; `dates` are published and updated."""
        escaped = escape(_TEXT_SEPARATOR.join(texts), quote=False)
        plain = escaped.replace(_NAME_SEPARATOR, template.author_separator).split(_TEXT_SEPARATOR)
        plain[_TITLE] = self.xml.encode_title(plain[_TITLE])
        quoted = escaped.replace('"', "&quot;").split(_TEXT_SEPARATOR)
        published, updated = dates
        formatted = self.xml.format_published(published), updated.isoformat()
        values = [*plain, *quoted, content, *formatted]
        return (template.template % template.select_values(values)).encode()

    def _build_template(
        self, shape: Hashable, entry: FeedItem, texts: Sequence[str]
    ) -> EntryTemplate:
        (body,) = self.renderer(SPECIMEN_FEED, [_build_specimen(entry, texts)]).entries
        template = compile_template(body.decode(), len(texts))
        self.templates.put((self.format, shape), template, len(body))
        return template


def _shape_and_texts(entry: FeedItem) -> tuple[Hashable, list[str]]:
    """Return what decides an entry's template, and the entry's texts and numbers."""
    source, categories = entry.source, entry.categories
    texts = [_NAME_SEPARATOR.join(entry.authors), *_text_fields(entry)]
    texts.append(_format_optional_count(entry.comments))
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
    """Return an entry of the same shape with markers for its texts, in `_shape_and_texts` order."""
    markers = iter([text and str(FIRST_MARKER + number) for number, text in enumerate(texts)])
    marker = partial(next, markers)
    authors = marker()
    fields: dict[str, Any] = {name: marker() for name in TEXT_FIELDS}
    return DigestEntry(
        **fields,
        authors=(authors, authors) if authors else (),
        comments=_parse_optional_count(marker()),
        categories=tuple(
            Category(marker(), marker(), category.scheme) for category in entry.categories
        ),
        links=tuple(
            link._replace(href=marker(), title=marker(), comments=_parse_optional_count(marker()))
            for link in entry.links
        ),
        source=AtomSource(*markers) if entry.source else None,
        content=_SPECIMEN_CONTENT if entry.content.xhtml else _EMPTY_CONTENT,
        published=_SPECIMEN_PUBLISHED,
        updated=_SPECIMEN_UPDATED,
        last_activity_at=_SPECIMEN_UPDATED,
    )


def _format_optional_count(count: int | None) -> str:
    return "" if count is None else str(count)


def _parse_optional_count(number: str) -> int | None:
    return int(number) if number else None


def compile_template(body: str, text_count: int) -> EntryTemplate:
    """Turn a rendered specimen into a template.

    Two authors become one placeholder. The values are `text_count` texts, the same texts escaped
    for attributes, the content, and two dates.
    """
    _, separator, *_ = *body.split(_AUTHORS_MARKER), ""
    body = body.replace(f"{separator}{_AUTHORS_MARKER}", "", 1)
    numbers = list[int]()
    starts = {"text": 0, "quoted": text_count}

    def placeholder(marker: re.Match[str]) -> str:
        kind = marker.lastgroup or ""
        numbers.append(starts.get(kind, 2 * text_count) + int(marker[kind]))
        return "%s"

    template = _MARKER_PATTERN.sub(placeholder, body.replace("%", "%%"))
    return EntryTemplate(template, separator, itemgetter(*numbers))
