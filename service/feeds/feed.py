"""A feed before it has a format (`Feed`), and as a document of one (`RenderedFeed`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple

from service.feeds.entry import FeedItem

EMPTY_FEED_UPDATED: Final = datetime(1991, 8, 14, tzinfo=UTC)
"""`updated` of a feed without entries: a constant (arXiv's first day), not the current time."""


@dataclass(frozen=True, slots=True)
class Feed:
    """Everything that a format writes. URLs are absolute and canonical.

    `id` is the same in every format and in every document of the feed. `alternates` are the same
    papers in other formats, as (URL, media type). `paging_links` lead to the feed's other
    documents, as (relation, URL): `next` etc. for pages, `prev-archive` etc. for an `archive`.
    https://www.rfc-editor.org/rfc/rfc5005. `hub_url` is the WebSub hub that announces changes.
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
        """The newest activity of its entries."""
        return newest_activity(self.entries)


class RenderedFeed(NamedTuple):
    """A document in parts: the bytes before, between and after its entries."""

    head: bytes
    entries: Sequence[bytes]
    separator: bytes
    tail: bytes


FeedRenderer = Callable[[Feed, Sequence[FeedItem]], RenderedFeed]
"""Renders a feed in one format, with the given entries instead of the feed's own."""


def newest_activity(entries: Iterable[FeedItem]) -> datetime:
    """Return the newest activity of the entries; a fixed date if there are none."""
    return max((entry.last_activity_at for entry in entries), default=EMPTY_FEED_UPDATED)


def split_entries(document: bytes, start: bytes, end: bytes) -> RenderedFeed:
    """Split an XML document whose entries begin with the tag `start`, and that ends with `end`.

    Text and attribute values have `&lt;` for `<`, so `start` occurs only as a tag.
    """
    *parts, last = document.split(start)
    before, *entries = *parts, last.removesuffix(end)
    return RenderedFeed(before, [start + entry for entry in entries], b"", end)
