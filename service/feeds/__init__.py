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
from service.feeds.entry_cache import Spell, joined
from service.feeds.entry_templates import moulded
from service.feeds.feed import Feed


@dataclass(frozen=True, slots=True)
class Format:
    """A format: what people call it, its Content-Type, and how a feed is spelled."""

    name: str
    content_type: str
    spell: Spell

    def render(self, feed: Feed) -> bytes:
        """The feed as a document; the same feed gives the same bytes."""
        return joined(self.name, self.spell, feed)

    @property
    def media_type(self) -> str:
        """The Content-Type without parameters, as links carry it."""
        return self.content_type.partition(";")[0]


_ATOM: Final = moulded(atom.spell, content=attrgetter("xml"), published=datetime.isoformat)
_RSS: Final = moulded(rss.spell, content=attrgetter("html"), published=rss.rfc822)

FORMATS: Final = {
    "atom": Format("Atom", atom.CONTENT_TYPE, _ATOM),
    "rss": Format("RSS", rss.CONTENT_TYPE, _RSS),
    "json": Format("JSON Feed", jsonfeed.CONTENT_TYPE, jsonfeed.spell),
}
"""URL suffix to format; pages name them in this order, Atom first."""
