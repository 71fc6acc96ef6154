"""Feeds: papers to entries, entries to Atom, RSS and JSON Feed.

May import: papers.config, papers.model, papers.query, papers.records, service.cache,
service.markup.
Start with: feed.py (Feed), entry.py (Entry). A new format is a module of `service.feeds.formats`
and a row of `papers.config.feed_formats`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any, Final

from papers.config.feed_formats import FEED_FORMATS, FeedMediaType
from service.feeds.entry import FeedItem
from service.feeds.entry_cache import EntryCaches, render_cached_entries
from service.feeds.entry_templates import TemplatedRenderer, XmlValues
from service.feeds.feed import Feed, FeedRenderer, RenderedFeed


@dataclass(frozen=True, slots=True)
class FeedFormat:
    """An output format: its media type and its renderer; `xml` is set if feedgen renders it."""

    media: FeedMediaType
    renderer: FeedRenderer
    xml: XmlValues | None = None

    def render(self, feed: Feed, caches: EntryCaches) -> bytes:
        """Render a feed as a document; equal feeds give equal bytes."""
        render = partial(self.render_parts, caches=caches)
        return render_cached_entries(self.name, render, feed, caches.entries)

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


def load_format(media: FeedMediaType) -> FeedFormat:
    """Return a row of the table of formats with the renderer that its module defines."""
    module: Any = import_module(f"{__name__}.formats.{media.renderer}")
    return FeedFormat(media, module.RENDERER, getattr(module, "XML_VALUES", None))


FORMATS: Final = {suffix: load_format(media) for suffix, media in FEED_FORMATS.items()}
"""URL suffix to format: the rows of `papers.config.feed_formats` with their renderers."""
