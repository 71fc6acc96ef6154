"""A feed independent of its format (`Feed`), and rendered in one (`RenderedFeed`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Final, NamedTuple

from papers.records.packing import serialize_visible
from service.feeds.entry import Entry, FeedItem

_ALL_OF_ARXIV: Final = (True, ())
"""Whose words nearly every paper is in: arXiv states it, and no community describes it."""
EMPTY_FEED_UPDATED: Final = datetime(1991, 8, 14, tzinfo=UTC)
"""`updated` of a feed without entries: a constant (arXiv's first day), not the current time."""


@dataclass(frozen=True, slots=True)
class Feed:
    """Everything that a format writes. URLs are absolute and canonical.

    `id` is the same in every format and in every document of the feed. `alternates` are the same
    papers in other formats, as (URL, media type). `paging_links` lead to the feed's other
    documents, as (relation, URL): `next` etc. for pages, `prev-archive` etc. for an `archive`.
    https://www.rfc-editor.org/rfc/rfc5005. `hub_url` is the WebSub hub that announces changes.
    `is_complete` is False if the search was cut off. `newest_activity` is that of its entries, if
    it is known without them.
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
    is_complete: bool = True
    newest_activity: datetime | None = None

    @property
    def updated(self) -> datetime:
        """The newest activity of its entries; a fixed date if there are none."""
        times = (entry.last_activity_at for entry in self.entries)
        return self.newest_activity or max(times, default=EMPTY_FEED_UPDATED)

    @property
    def image_url(self) -> str:
        """The icon as PNG, which RSS requires; the file is beside the SVG."""
        return f"{self.icon_url.removesuffix('.svg')}.png"


def stated_content(item: FeedItem) -> bytes:
    """Return everything that an entry is made from; the bytes of a paper mark their own end."""
    if not isinstance(item, Entry):
        return repr(item).encode()
    paper = item.paper
    whose = (paper.is_from_arxiv, paper.describing_communities)
    extra = "" if whose == _ALL_OF_ARXIV else repr(whose)
    if not item.is_plain:
        others = [getattr(item, field.name) for field in fields(item) if field.name != "record"]
        extra += repr((type(item).__name__, *others))
    return b"".join((str(paper.id).encode(), serialize_visible(paper), extra.encode()))


class RenderedFeed(NamedTuple):
    """A document in parts: the bytes before, between and after its entries."""

    head: bytes
    entries: Sequence[bytes]
    separator: bytes
    tail: bytes


FeedRenderer = Callable[[Feed, Sequence[FeedItem]], RenderedFeed]
"""Renders a feed in one format, with the given entries instead of the feed's own."""


def split_entries(document: bytes, start: bytes, end: bytes) -> RenderedFeed:
    """Split an XML document whose entries begin with the tag `start`, and that ends with `end`.

    Text and attribute values have `&lt;` for `<`, so `start` occurs only as a tag.
    """
    *parts, last = document.split(start)
    before, *entries = *parts, last.removesuffix(end)
    return RenderedFeed(before, [start + entry for entry in entries], b"", end)
