"""Feeds: papers to entries, entries to Atom, RSS and JSON Feed.

May import: papers.config, papers.model, papers.query, papers.records, service.cache,
service.markup.
Start with: feed.py (Feed), entry.py (Entry); a new format is a module and a row of `FORMATS`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from papers.config.feed_formats import FEED_FORMATS, FeedMediaType
from service.feeds import atom, jsonfeed, rss
from service.feeds.entry import FeedItem
from service.feeds.entry_cache import EntryCaches, PreparedFeed
from service.feeds.entry_templates import TemplatedRenderer, XmlValues
from service.feeds.feed import Feed, FeedRenderer, RenderedFeed


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

    def render_parts(
        self, feed: Feed, entries: Sequence[FeedItem], caches: EntryCaches
    ) -> RenderedFeed:
        """Render a feed with these entries, each of them anew."""
        if self.xml is None:
            return self.renderer(feed, entries)
        templated = TemplatedRenderer(self.name, self.renderer, self.xml, caches.templates)
        return templated.render(feed, entries)

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


FORMATS: Final = {
    "atom": FeedFormat(FEED_FORMATS["atom"], atom.render_atom, atom.XML_VALUES),
    "rss": FeedFormat(FEED_FORMATS["rss"], rss.render_rss, rss.XML_VALUES),
    "json": FeedFormat(FEED_FORMATS["json"], jsonfeed.render_json_feed),
}
"""URL suffix to format: the rows of `papers.config.feed_formats` with their renderers."""
