"""A feed before it has a format: what it is called, where it stands, its entries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from service.feeds.entry import FeedItem

EMPTY_FEED_UPDATED: Final = datetime(1991, 8, 14, tzinfo=UTC)
"""`updated` of a feed without entries: a date for ever (arXiv's first day), not the time of day."""


@dataclass(frozen=True, slots=True)
class Feed:
    """All that a format writes. URLs are absolute and canonical.

    `id` is the same in every format and in every document of the feed; `alternates` are the same
    papers in other formats, as (URL, content type). `around` are the feed's other documents, as
    (relation, URL): `next` and its like for pages, `prev-archive` and its like for an `archive`.
    https://www.rfc-editor.org/rfc/rfc5005. `hub_url` is the WebSub hub that is told of changes.
    """

    id: str
    title: str
    subtitle: str
    page_url: str
    self_url: str
    icon_url: str
    alternates: tuple[tuple[str, str], ...]
    entries: tuple[FeedItem, ...]
    paging_links: tuple[tuple[str, str], ...] = ()
    archive: bool = False
    hub_url: str = ""

    @property
    def updated(self) -> datetime:
        """The newest moment of its content."""
        return newest_activity(self.entries)


def newest_activity(entries: Iterable[FeedItem]) -> datetime:
    """The newest moment of the entries; a fixed date where there are none."""
    return max((entry.last_activity_at for entry in entries), default=EMPTY_FEED_UPDATED)
