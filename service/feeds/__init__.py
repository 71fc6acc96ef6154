"""Feeds: papers to entries, entries to Atom, RSS and JSON Feed.

May import: papers.config, papers.counted, papers.model, papers.query, papers.records,
service.cache, service.markup.
Start with: feed.py (Feed), entry.py (Entry). A new format is a module of `service.feeds.formats`
and a row of `papers.config.feed_formats`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from itertools import chain, islice
from typing import Any, Final

from papers.config.feed_formats import FEED_FORMATS, FeedMediaType
from papers.records.packing import PaperRecord
from service.feeds.entry import Entry, FeedItem
from service.feeds.entry_cache import EntryCaches, PreparedFeed
from service.feeds.entry_compression import TRAINING_ENTRIES
from service.feeds.entry_templates import SPECIMEN_FEED, TemplatedRenderer, XmlValues
from service.feeds.feed import Feed, FeedRenderer, RenderedFeed
from service.feeds.feed_templates import render_frame

_RENDERED_AT_ONCE: Final = 10
_PAUSE_FACTOR: Final = 9
"""Of rendering ahead: some 2 ms, then a pause of so many times as long."""


@dataclass(frozen=True, slots=True)
class FeedFormat:
    """An output format: its media type and its renderer; `xml` is set if feedgen renders it."""

    media: FeedMediaType
    renderer: FeedRenderer
    xml: XmlValues | None = None

    def prepare(self, feed: Feed, caches: EntryCaches) -> PreparedFeed:
        """Return a feed to render, with what is cached of its entries."""
        renderer = partial(self.render_parts, caches=caches)
        return PreparedFeed(feed, self.name, renderer, caches.entries)

    def render(self, feed: Feed, caches: EntryCaches) -> bytes:
        """Render a feed as a document; equal feeds give equal bytes."""
        return self.prepare(feed, caches).render()

    def render_ahead(
        self,
        records: Iterable[PaperRecord],
        caches: EntryCaches,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Render and cache entries of papers until the cache is full, while readers wait for none.

        A few at a time, with pauses that leave most of the processor to others. The first ones also
        show what entries have in common, so that more of them find room.
        """
        left = map(Entry, records)
        first = list(islice(left, TRAINING_ENTRIES))
        bodies = list[bytes]()
        for some in _paced(first, pause):
            bodies += self.render_parts(SPECIMEN_FEED, some, caches).entries
        caches.compress_like(bodies)
        for some in _paced(chain(first, left), pause):
            self.render(replace(SPECIMEN_FEED, entries=some), caches)
            if caches.entries.is_full:
                return

    def render_parts(
        self, feed: Feed, entries: Sequence[FeedItem], caches: EntryCaches
    ) -> RenderedFeed:
        """Render a feed with these entries, each of them anew."""
        if self.xml is None:
            return self.renderer(feed, entries)
        templated = TemplatedRenderer(self.name, self.renderer, self.xml, caches.templates)
        rendered = [templated.render_entry(entry) for entry in entries]
        return render_frame(templated, feed)._replace(entries=rendered)

    @property
    def name(self) -> str:
        """The display name, unique among formats."""
        return self.media.name

    @property
    def content_type(self) -> str:
        """The Content-Type with parameters."""
        return self.media.content_type

    @property
    def media_type(self) -> str:
        """The Content-Type without parameters, as links carry it."""
        return self.media.media_type


def _paced(entries: Iterable[Entry], pause: Callable[[float], None]) -> Iterator[tuple[Entry, ...]]:
    """Yield some entries at a time, and pause after what was done with them."""
    left = iter(entries)
    while some := tuple(islice(left, _RENDERED_AT_ONCE)):
        began = time.thread_time()
        yield some
        pause((time.thread_time() - began) * _PAUSE_FACTOR)


def load_format(media: FeedMediaType) -> FeedFormat:
    """Return a row of the table of formats with the renderer that its module defines."""
    module: Any = import_module(f"{__name__}.formats.{media.renderer}")
    return FeedFormat(media, module.RENDERER, getattr(module, "XML_VALUES", None))


FORMATS: Final = {suffix: load_format(media) for suffix, media in FEED_FORMATS.items()}
"""URL suffix to format: the rows of `papers.config.feed_formats` with their renderers."""
