"""The formats a feed comes in: one module each, one line each in the table.

`paper → Entry → bytes`: `entry` decides what is said, `feed` what surrounds it, a format only how
it is spelled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from service.feeds import atom, jsonfeed, rss
from service.feeds.feed import Feed


@dataclass(frozen=True, slots=True)
class Format:
    """A format: what people call it, its Content-Type, and how a feed becomes bytes."""

    name: str
    content_type: str
    render: Callable[[Feed], bytes]

    @property
    def media_type(self) -> str:
        """The Content-Type without parameters, as links carry it."""
        return self.content_type.partition(";")[0]


FORMATS: Final = {
    "atom": Format("Atom", atom.CONTENT_TYPE, atom.render),
    "rss": Format("RSS", rss.CONTENT_TYPE, rss.render),
    "json": Format("JSON Feed", jsonfeed.CONTENT_TYPE, jsonfeed.render),
}
"""URL suffix to format; pages name them in this order, Atom first."""
