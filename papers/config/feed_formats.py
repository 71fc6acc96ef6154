"""The formats of a feed: URL suffix, name and Content-Type.

Workers ping a hub for each format and may not import the service, so the table is here. The
renderers are in `service.feeds.FORMATS`, one for each row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class FeedMediaType:
    """A format's display name and its Content-Type with parameters."""

    name: str
    content_type: str

    @property
    def media_type(self) -> str:
        """The Content-Type without parameters, as links carry it."""
        return self.content_type.partition(";")[0]


FEED_FORMATS: Final = {
    "atom": FeedMediaType("Atom", "application/atom+xml; charset=utf-8"),
    "rss": FeedMediaType("RSS", "application/rss+xml; charset=utf-8"),
    "json": FeedMediaType("JSON Feed", "application/feed+json"),
}
"""URL suffix to format, in the order in which pages list them."""
