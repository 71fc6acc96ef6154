"""The formats a feed comes in: one module each, one line each in the table.

`paper → Entry → bytes`: `entry` decides what is said, `feed` what surrounds it, a format only how
it is spelled: in XML by feedgen, each shape of an entry once (`moulds`). What was spelled for one
feed is used again in others (`spelled`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Final

from service.feeds import atom, jsonfeed, rss
from service.feeds.entry_cache import FeedRenderer, render_cached_entries
from service.feeds.entry_templates import make_templated_renderer
from service.feeds.feed import Feed


@dataclass(frozen=True, slots=True)
class FeedFormat:
    """A format: what people call it, its Content-Type, and how a feed is spelled."""

    name: str
    content_type: str
    render_parts: FeedRenderer

    def render(self, feed: Feed) -> bytes:
        """The feed as a document; the same feed gives the same bytes."""
        return render_cached_entries(self.name, self.render_parts, feed)

    @property
    def media_type(self) -> str:
        """The Content-Type without parameters, as links carry it."""
        return self.content_type.partition(";")[0]


_RENDER_ATOM: Final = make_templated_renderer(
    atom.render_atom, render_content=attrgetter("xml"), format_published=datetime.isoformat
)
_RENDER_RSS: Final = make_templated_renderer(
    rss.render_rss, render_content=attrgetter("html"), format_published=rss.format_rfc822
)

FORMATS: Final = {
    "atom": FeedFormat("Atom", atom.CONTENT_TYPE, _RENDER_ATOM),
    "rss": FeedFormat("RSS", rss.CONTENT_TYPE, _RENDER_RSS),
    "json": FeedFormat("JSON Feed", jsonfeed.CONTENT_TYPE, jsonfeed.render_json_feed),
}
"""URL suffix to format; pages name them in this order, Atom first."""
