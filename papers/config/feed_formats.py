"""The table of output formats: URL suffix, name, Content-Type and renderer of a feed.

A new format is a module in `service/feeds/formats/` and a row here. Workers ping a hub for each
format and may not import the service, so the table is here and names the module of the renderer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class FeedMediaType:
    """A format's display name, its Content-Type with parameters, and the module that renders it."""

    name: str
    """Unique among formats."""
    content_type: str
    renderer: str
    """The module in `service.feeds.formats`: it has `RENDERER`, and, for feedgen, `XML_VALUES`."""

    @property
    def media_type(self) -> str:
        """The Content-Type without parameters, as links carry it."""
        return self.content_type.partition(";")[0]


FEED_FORMATS: Final = {
    "atom": FeedMediaType("Atom", "application/atom+xml; charset=utf-8", "atom"),
    "rss": FeedMediaType("RSS", "application/rss+xml; charset=utf-8", "rss"),
    "json": FeedMediaType("JSON Feed", "application/feed+json", "jsonfeed"),
}
"""URL suffix to format, in the order in which pages list them."""
