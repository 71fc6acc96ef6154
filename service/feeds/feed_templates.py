"""Feed templates: what a document has around its entries, rendered by feedgen once per shape.

For all feeds with the same links it differs only in texts and the date. So feedgen renders one with
markers in their places, as it does an entry (`service.feeds.entry_templates`); for each new feed it
would take a third of a millisecond while a reader waits.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Final

from service.feeds.entry_templates import (
    FIRST_MARKER,
    EntryTemplate,
    TemplatedRenderer,
    compile_template,
)
from service.feeds.feed import Feed, RenderedFeed

_SPECIMEN_UPDATED: Final = datetime(1, 1, 1, tzinfo=UTC)
_ICON_SUFFIX: Final = ".svg"
_NEEDS_FEEDGEN: Final = re.compile("[^\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML escapes or forbids: feedgen decides what becomes of them."""


def render_frame(templated: TemplatedRenderer, feed: Feed) -> RenderedFeed:
    """Render a feed without entries, as feedgen does."""
    texts = _feed_texts(feed)
    if _NEEDS_FEEDGEN.search("".join(texts)):
        return templated.renderer(feed, ())
    shape = _shape(feed, texts)
    found = templated.templates.get((templated.format, shape))
    template = found or _build_template(templated, shape, feed, texts)
    head = templated.fill(template, texts, "", (feed.updated, feed.updated))
    return RenderedFeed(head, (), *template.ending)


def _feed_texts(feed: Feed) -> list[str]:
    """Return the texts of a feed. The first is that of the authors of an entry, then id, title."""
    texts = ["", feed.id, feed.title, feed.subtitle, feed.page_url, feed.self_url, feed.hub_url]
    texts.append(feed.icon_url.removesuffix(_ICON_SUFFIX))
    texts += [url for url, _ in feed.alternates]
    texts += [url for _, url in feed.paging_links]
    return texts


def _shape(feed: Feed, texts: Sequence[str]) -> Hashable:
    """Return what decides a feed's template."""
    types, relations = (
        [type_ for _, type_ in feed.alternates],
        [rel for rel, _ in feed.paging_links],
    )
    has_icon_suffix = feed.icon_url.endswith(_ICON_SUFFIX)
    return ("feed", feed.archive, has_icon_suffix, *types, None, *relations, *map(bool, texts))


def _build_template(
    templated: TemplatedRenderer, shape: Hashable, feed: Feed, texts: Sequence[str]
) -> EntryTemplate:
    document = templated.renderer(_build_specimen(feed, texts), ())
    template = compile_template(document.head.decode(), len(texts))
    template = template._replace(ending=(document.separator, document.tail))
    templated.templates.put((templated.format, shape), template, len(document.head))
    return template


def _build_specimen(feed: Feed, texts: Sequence[str]) -> Feed:
    """Return a feed of the same shape with markers for its texts, in `_feed_texts` order."""
    markers = [text and str(FIRST_MARKER + number) for number, text in enumerate(texts)]
    marker = partial(next, iter(markers[1:]))
    return replace(
        feed,
        id=marker(),
        title=marker(),
        subtitle=marker(),
        page_url=marker(),
        self_url=marker(),
        hub_url=marker(),
        icon_url=marker() + (_ICON_SUFFIX if feed.icon_url.endswith(_ICON_SUFFIX) else ""),
        alternates=tuple([(marker(), type_) for _, type_ in feed.alternates]),
        paging_links=tuple([(rel, marker()) for rel, _ in feed.paging_links]),
        entries=(),
        newest_activity=_SPECIMEN_UPDATED,
    )
