"""The entries of a format as bytes, spelled once for all feeds that show them.

To spell its entries is much of what a new feed costs, and papers of today are in many feeds. What
an entry is in a format depends on nothing around it: neither on the feed nor on its other entries.
So its bytes are remembered by the paper's id and the hash of all that it is made from (of 64 bits,
and of text with a secret of the process), and put into the next feed as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from service.cache.lru import ByteLRU
from service.feeds.entry import Entry, FeedItem
from service.feeds.feed import Feed

ENTRY_CACHE_BYTES: Final = 32_000_000
"""Bytes of entries that a process remembers; one is some 4 kB."""

EntryCacheKey = tuple[str, int, int]
EntryCache = ByteLRU[EntryCacheKey, bytes]
ENTRY_CACHE: Final = EntryCache(ENTRY_CACHE_BYTES)


class RenderedFeed(NamedTuple):
    """A document: its entries, what stands before, between and behind them."""

    head: bytes
    entries: Sequence[bytes]
    separator: bytes
    tail: bytes


FeedRenderer = Callable[[Feed, Sequence[FeedItem]], RenderedFeed]
"""A feed as a document of a format, with these entries in place of all."""


def split_entries(document: bytes, start: bytes, end: bytes) -> RenderedFeed:
    """An XML document whose entries each begin with the tag `start`, and that ends with `end`.

    In text and in values XML has `&lt;` for `<`: where a tag seems to stand, it does.
    """
    *parts, last = document.split(start)
    before, *entries = *parts, last.removesuffix(end)
    return RenderedFeed(before, [start + entry for entry in entries], b"", end)


def render_cached_entries(
    format: str, render: FeedRenderer, feed: Feed, cache: EntryCache = ENTRY_CACHE
) -> bytes:
    """The document of a feed in a format; only entries that are not remembered are spelled."""
    keys = [_entry_cache_key(format, entry) for entry in feed.entries]
    known = [key and cache.get(key) for key in keys]
    unknown = [number for number, spelled in enumerate(known) if spelled is None]
    document = render(feed, [feed.entries[number] for number in unknown])
    for number, spelled in zip(unknown, document.entries, strict=True):
        known[number] = spelled
        if key := keys[number]:
            cache.put(key, spelled, len(spelled))
    return document.head + document.separator.join(filter(None, known)) + document.tail


def _entry_cache_key(format: str, entry: FeedItem) -> EntryCacheKey | None:
    """What an entry is remembered by; of a listing nothing is."""
    return (format, entry.paper.id.doc_id, hash(entry)) if isinstance(entry, Entry) else None
