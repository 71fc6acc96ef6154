"""Caches of rendered entries: an entry is rendered once for all feeds that show it.

Most of the cost of a new feed is rendering its entries, and the papers of today are in many feeds.
The bytes of an entry in a format depend neither on the feed nor on the other entries. So they are
cached under the paper's id and the hash of everything the entry is made from (64 bits; Python's
hash of text is keyed with a secret of the process).
"""

from __future__ import annotations

from typing import Final

from service.cache.lru import ByteLRU
from service.feeds.entry import Entry, FeedItem
from service.feeds.entry_templates import TemplateCache
from service.feeds.feed import Feed, FeedRenderer

ENTRY_CACHE_BYTES: Final = 32_000_000
"""Budget of rendered entries; one has some 4 kB."""
TEMPLATE_CACHE_BYTES: Final = 8_000_000
"""Budget of entry templates, of all formats; one has some 3 kB."""

EntryCacheKey = tuple[str, int, int]
"""Name of the format, doc id, hash of the entry."""
EntryCache = ByteLRU[EntryCacheKey, bytes]


class EntryCaches:
    """What one app caches of rendered entries: their bytes, and the templates of XML formats.

    Both are pure functions of their keys: values are only evicted, they never go stale.
    """

    def __init__(self) -> None:
        self.entries: EntryCache = ByteLRU(ENTRY_CACHE_BYTES)
        self.templates: TemplateCache = ByteLRU(TEMPLATE_CACHE_BYTES)


def render_cached_entries(
    format: str, render: FeedRenderer, feed: Feed, cache: EntryCache
) -> bytes:
    """Return a feed's document in a format; only entries that are not cached are rendered."""
    keys = [_entry_cache_key(format, entry) for entry in feed.entries]
    bodies = [key and cache.get(key) for key in keys]
    missing = [number for number, body in enumerate(bodies) if body is None]
    document = render(feed, [feed.entries[number] for number in missing])
    for number, body in zip(missing, document.entries, strict=True):
        bodies[number] = body
        if key := keys[number]:
            cache.put(key, body, len(body))
    return document.head + document.separator.join(filter(None, bodies)) + document.tail


def _entry_cache_key(format: str, entry: FeedItem) -> EntryCacheKey | None:
    """Return the key of a paper's entry; None for a digest entry, which is not cached."""
    return (format, entry.paper.id.doc_id, hash(entry)) if isinstance(entry, Entry) else None
