"""Caches of rendered entries: an entry is rendered once for all feeds that show it.

Most of the cost of a new feed is rendering its entries, and the papers of today are in many feeds.
The bytes of an entry in a format depend neither on the feed nor on the other entries. So they are
cached, compressed, under the paper's id and the hash of everything the entry is made from (64 bits;
Python's hash of text is keyed with a secret of the process, which runs one build of the code). That
may be the packed record: a feed whose entries are all cached unpacks no paper.

When the cache is full, the entries of the oldest paper are evicted. Feeds change with new papers,
so those are what is rendered again; and no number of feeds requested in turn empties the cache.
"""

from __future__ import annotations

import hashlib
import heapq
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import Final, NamedTuple

from papers.records.packing import LazyPaper
from papers.records.unread_paper import SelectKnown
from service.cache.lru import ByteLRU
from service.feeds.entry import Entry, FeedItem
from service.feeds.entry_compression import EntryCompression
from service.feeds.entry_templates import TemplateCache
from service.feeds.feed import EMPTY_FEED_UPDATED, Feed, FeedRenderer, stated_content

ENTRY_CACHE_BYTES: Final = 64_000_000
"""Budget of rendered entries; one takes some 1.0 kB."""
TEMPLATE_CACHE_BYTES: Final = 8_000_000
"""Budget of entry templates, of all formats; one has some 3 kB."""

_OVERHEAD_BYTES: Final = 200
"""What Python takes for a cached entry besides its bytes."""
_FREE_BYTES: Final = 50_000
_EVICTED_BYTES: Final = 10_000
"""Evicting the entries of a paper leaves less than this free."""
_MAX_ENTRIES_PER_PAPER: Final = 6
"""A paper's entries in formats, feeds of events, and as they were before its last changes."""
_KEY_BYTES, _DIGEST_BYTES, _TIME_BYTES = 8, 12, 8
_DIGEST: Final = slice(_KEY_BYTES, _KEY_BYTES + _DIGEST_BYTES)
_TIME: Final = slice(_DIGEST.stop, _DIGEST.stop + _TIME_BYTES)
_BODY: Final = slice(_TIME.stop, None)
_FIRST_MOMENT: Final = datetime.min.replace(tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


EntryCacheKey = tuple[int, bytes]
"""A paper's doc id, and the hash of a format and an entry."""


def entry_cache_key(doc_id: int, format: str, entry_hash: int) -> EntryCacheKey:
    """Return the key of an entry in a format; a paper's own entry has the hash of its record."""
    both = hash((format, entry_hash))
    return doc_id, both.to_bytes(_KEY_BYTES, "little", signed=True)


class EntryFacts(NamedTuple):
    """What a feed states of an entry: a digest of all it is made from, and its newest activity.

    The time is in bytes that sort as times do.
    """

    content_digest: bytes
    last_activity: bytes

    @classmethod
    def of(cls, item: FeedItem) -> EntryFacts:
        """Compute the facts of an entry."""
        content = hashlib.blake2b(stated_content(item), digest_size=_DIGEST_BYTES)
        microseconds = (item.last_activity_at - _FIRST_MOMENT) // _MICROSECOND
        return cls(content.digest(), microseconds.to_bytes(_TIME_BYTES, "big"))


class CachedEntry(bytes):
    """An entry's key and facts, and its bytes in a format, compressed.

    As one object they take a third of the memory of six.
    """

    __slots__ = ()

    @classmethod
    def of(cls, key: EntryCacheKey, facts: EntryFacts, compressed: bytes) -> CachedEntry:
        """Return an entry to cache."""
        return cls(b"".join((key[1], *facts, compressed)))

    @property
    def facts(self) -> EntryFacts:
        """What a feed states of the entry."""
        return EntryFacts(self[_DIGEST], self[_TIME])

    @property
    def compressed(self) -> memoryview:
        """The entry's bytes, compressed."""
        return memoryview(self)[_BODY]


class EntryCache:
    """Rendered entries of the newest papers, shared by the threads of a process."""

    def __init__(self, max_bytes: int, compression: EntryCompression | None = None) -> None:
        self.max_bytes, self._byte_size = max_bytes, 0
        self.compression = compression or EntryCompression()
        """Of the entries' bytes: one of another cache does not decompress them."""
        self._papers: dict[int, tuple[CachedEntry, ...]] = {}
        """By doc id, the first cached first."""
        self._doc_ids: list[int] = []
        """A heap: the oldest paper is first."""
        self._lock = threading.Lock()

    def get(self, key: EntryCacheKey) -> CachedEntry | None:
        """Return an entry, or None."""
        return self.get_all([key])[0]

    def get_all(self, keys: Sequence[EntryCacheKey | None]) -> list[CachedEntry | None]:
        """Return entries in the order of their keys, None for those that are not cached."""
        with self._lock:
            return [self._find(key) if key else None for key in keys]

    def select_known(self, format: str, record_hashes: Mapping[int, int]) -> set[int]:
        """Return the papers whose own entry in a format is cached, given hashes by doc id."""
        with self._lock:
            return {
                doc_id
                for doc_id, record_hash in record_hashes.items()
                if self._find(entry_cache_key(doc_id, format, record_hash))
            }

    def _find(self, key: EntryCacheKey) -> CachedEntry | None:
        doc_id, entry_hash = key
        for entry in self._papers.get(doc_id, ()):
            if entry.startswith(entry_hash):
                return entry
        return None

    def put(self, key: EntryCacheKey, entry: CachedEntry) -> None:
        """Store an entry; those of the oldest papers are evicted, perhaps this one."""
        doc_id, entry_hash = key
        with self._lock:
            before = self._papers.get(doc_id)
            if before is None:
                heapq.heappush(self._doc_ids, doc_id)
            others = [other for other in before or () if not other.startswith(entry_hash)]
            after = (*others[1 - _MAX_ENTRIES_PER_PAPER :], entry)
            self._papers[doc_id] = after
            self._byte_size += sum(map(_size, after)) - sum(map(_size, before or ()))
            while self._byte_size > self.max_bytes:
                evicted = self._papers.pop(heapq.heappop(self._doc_ids))
                self._byte_size -= sum(map(_size, evicted))

    def keeps(self, doc_id: int) -> bool:
        """Return False if an entry of a paper would be evicted at once: it is older than all."""
        with self._lock:
            is_full = self._byte_size > self.max_bytes - _EVICTED_BYTES
            return not (is_full and self._doc_ids and doc_id < self._doc_ids[0])

    @property
    def byte_size(self) -> int:
        """The estimated bytes of all entries."""
        return self._byte_size

    @property
    def is_full(self) -> bool:
        """True if entries of older papers than the cached ones find no room."""
        return self._byte_size > self.max_bytes - _FREE_BYTES

    def clear(self) -> None:
        """Drop all entries."""
        with self._lock:
            self._papers.clear()
            self._doc_ids.clear()
            self._byte_size = 0


def _size(entry: CachedEntry) -> int:
    return len(entry) + _OVERHEAD_BYTES


class EntryCaches:
    """What one app caches of rendered entries: their bytes, and the templates of XML formats.

    Both are pure functions of their keys: values are only evicted, they never go stale.
    """

    def __init__(self) -> None:
        self.entries = EntryCache(ENTRY_CACHE_BYTES)
        self.templates: TemplateCache = ByteLRU(TEMPLATE_CACHE_BYTES)

    def select_known(self, format: str) -> SelectKnown:
        """Return the function that selects the papers whose own entry is cached in a format."""
        return partial(self.entries.select_known, format)

    def compress_like(self, bodies: Sequence[bytes]) -> None:
        """Begin anew, with compression for entries like these."""
        self.entries = EntryCache(self.entries.max_bytes, EntryCompression.trained_on(bodies))


@dataclass(frozen=True)
class PreparedFeed:
    """A feed with what is cached of its entries in a format."""

    feed: Feed
    format: str
    renderer: FeedRenderer
    cache: EntryCache

    @cached_property
    def _keys(self) -> list[EntryCacheKey | None]:
        return [_cache_key(self.format, item) for item in self.feed.entries]

    @cached_property
    def _cached(self) -> list[CachedEntry | None]:
        return self.cache.get_all(self._keys)

    @cached_property
    def _facts(self) -> Sequence[EntryFacts]:
        found = zip(self._cached, self.feed.entries, strict=True)
        return [cached.facts if cached else EntryFacts.of(item) for cached, item in found]

    def content_digest(self) -> bytes:
        """Return a digest of all that the document is rendered from, the same in every process."""
        stated = repr(replace(self.feed, entries=())).encode()
        digests = b"".join([facts.content_digest for facts in self._facts])
        return hashlib.blake2b(stated + digests, digest_size=12).digest()

    def render(self) -> bytes:
        """Return the document; only entries that are not cached are rendered."""
        feed = replace(self.feed, newest_activity=self._newest_activity())
        missing = [number for number, cached in enumerate(self._cached) if cached is None]
        document = self.renderer(feed, [feed.entries[number] for number in missing])
        rendered = dict(zip(missing, document.entries, strict=True))
        for number, body in rendered.items():
            key = self._keys[number]
            if key and self.cache.keeps(key[0]):
                compressed = self.cache.compression.compress(body)
                self.cache.put(key, CachedEntry.of(key, self._facts[number], compressed))
        decompress = self.cache.compression.decompress
        bodies = [
            decompress(cached.compressed) if cached else rendered[number]
            for number, cached in enumerate(self._cached)
        ]
        return document.head + document.separator.join(bodies) + document.tail

    def _newest_activity(self) -> datetime:
        if not self._facts:
            return EMPTY_FEED_UPDATED
        newest = max([facts.last_activity for facts in self._facts])
        return _FIRST_MOMENT + _MICROSECOND * int.from_bytes(newest, "big")


def _cache_key(format: str, item: FeedItem) -> EntryCacheKey | None:
    """Return the key of a paper's entry; None for a digest entry, which is not cached."""
    return _paper_key(format, item) if isinstance(item, Entry) else None


def _paper_key(format: str, entry: Entry) -> EntryCacheKey:
    record = entry.record
    if not isinstance(record, LazyPaper):
        return entry_cache_key(record.id.doc_id, format, hash(entry))
    entry_hash = record.record_hash if entry.is_plain else hash(entry)
    return entry_cache_key(record.doc_id, format, entry_hash)
