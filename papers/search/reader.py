"""Reader: the postings and texts of many months, cached while the store does not change.

Every query begins by reading the store's revision, and in the same round trip what it needs and the
cache lacks. The cache is of one revision: once that moves, it is dropped. So a word that was just
searched (a reader types, turns a page, or sees counts beside papers) is not read again, nor is a
paper that several keywords find.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from pyroaring import BitMap
from redis import Redis

from papers.errors import StoreError
from papers.index.bitmaps import ArrayContainers, PaddedBitmap, assemble_arrays, unite_bitmaps
from papers.index.postings import decode_doc_ids, doc_ids_of_months
from papers.model.arxiv_id import ArxivId
from papers.query.ast import Node
from papers.records.packing import LazyPaper
from papers.records.unread_paper import SelectKnown, UnreadPaper
from papers.redis_backend import keys
from papers.redis_backend.connection import RedisCommand, ThreadLocalClient, read_many
from papers.redis_backend.records import open_records, read_packed_papers, read_stored_papers
from papers.search.evaluate import PostingKey
from papers.search.index_cache import IndexCache, ReadRequest
from papers.search.plan import QueryPlan, RequiredPostings
from papers.search.segments import Months, SegmentLookup, SegmentPostings
from papers.search.verify import verify

MAX_CACHE_BYTES: Final = 64_000_000
"""The estimated size at which a process drops its cache and starts a new one."""

_MAX_ATTEMPTS: Final = 50


class IndexReader:
    """Reads one Redis for all threads of a process. Raises redis-py's errors."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self._clients = ThreadLocalClient(redis)
        self._cache = IndexCache(_NO_REVISION)

    def open_session(
        self, build_requests: Callable[[IndexCache], Iterable[ReadRequest]]
    ) -> ReadSession:
        """Begin a query; `build_requests` returns what it needs and a cache does not hold.

        One round trip; two if the revision has moved since this process last read it. Then
        `build_requests` is called again, with the new cache.
        """
        redis = self._clients.client
        while True:
            cache = self._cache
            requests = [*build_requests(cache), *cache.block_requests()]
            commands = [("GET", keys.REVISION), *(request.command for request in requests)]
            revision, *replies = read_many(redis, commands)
            if revision == cache.revision and cache.byte_size < MAX_CACHE_BYTES:
                break
            self._cache = IndexCache(revision, cache.segments)
        for request, reply in zip(requests, replies, strict=True):
            request.accept(reply)
        return ReadSession(redis, cache)

    def clear_postings(self) -> None:
        """Drop the cache except revision, blocks, months and the layouts of segments."""
        known = self._cache
        self._cache = IndexCache(known.revision, known.segments, known.blocks, known.months)


_NO_REVISION: Final = object()


class ReadSession:
    """The reads of one query, in the thread that began it."""

    def __init__(self, redis: Redis, cache: IndexCache) -> None:
        self.cache = cache
        self._redis = redis

    def send(self, requests: Sequence[ReadRequest]) -> bool:
        """Send requests and cache their replies, in one round trip or none.

        Returns False if some reply was not accepted.
        """
        replies = self.read_replies([request.command for request in requests])
        return all([r.accept(reply) for r, reply in zip(requests, replies, strict=True)])

    def read_replies(self, commands: Sequence[RedisCommand]) -> list[Any]:
        """Return the replies to commands, in one round trip or none."""
        return read_many(self._redis, commands) if commands else []

    def newest_months(self, count: int) -> Months:
        """Return the newest months that may hold papers, newest first; the cache must hold them."""
        return (self.cache.months or ())[:count]

    def read_postings(self, required: RequiredPostings) -> MergedPostings:
        """Read postings of months, in one round trip or none while the layouts are as cached.

        Raises StoreError if a month is marked as compacted but its year does not have it.
        """
        months = [month for group, _ in required for month in group]
        for _ in range(_MAX_ATTEMPTS):
            lookups = self.cache.segment_lookups(required)
            if self.send(self.cache.posting_requests(lookups)):
                return MergedPostings(lookups, months)
        reason = f"one of the months {sorted(months)} is compacted, but its year does not have it"
        raise StoreError(f"the index is damaged: {reason}; restore a backup")

    def has_postings(self, plan: QueryPlan, months: Months) -> bool:
        """Return whether the postings that a plan requires of months are cached."""
        lookups = self.cache.segment_lookups(plan.required_postings(months))
        return not any(lookup.missing_keys for lookup in lookups)

    def read_refined(self, plan: QueryPlan, months: Months) -> tuple[QueryPlan, MergedPostings]:
        """Read the postings that a plan requires until it is final; see `QueryPlan.refine`.

        Returns the final plan and the postings to evaluate it on. One round trip or none, and one
        more if a phrase turns out to be ambiguous.
        """
        while True:
            read = self.read_postings(plan.required_postings(months))
            refined = plan.refine(read)
            if refined is None:
                return plan, read
            plan = refined

    def read_stored(self, doc_ids: Iterable[int]) -> dict[int, LazyPaper]:
        """Return the papers that exist by their doc ids, in one round trip or none."""
        doc_ids, known = list(doc_ids), self.cache.stored_papers
        missing = [doc_id for doc_id in doc_ids if doc_id not in known]
        self.cache.add_papers(read_stored_papers(self._redis, missing))
        return {doc_id: known[doc_id] for doc_id in doc_ids if doc_id in known}

    def read_unless_known(
        self, doc_ids: Iterable[int], select_known: SelectKnown
    ) -> dict[int, LazyPaper]:
        """Return the papers that exist by their doc ids, in one round trip or none.

        Those that `select_known` selects by their records' hashes are unread; they need not even be
        fetched if another query of this revision has seen their hashes.
        """
        doc_ids, cache = list(doc_ids), self.cache
        cached, papers = cache.record_hashes, cache.stored_papers
        hashes = {doc_id: cached[doc_id] for doc_id in doc_ids if doc_id in cached}
        known = select_known(hashes)
        missing = [doc_id for doc_id in doc_ids if doc_id not in known and doc_id not in papers]
        if missing:
            packed = read_packed_papers(self._redis, missing)
            fetched = {doc_id: hash(record) for doc_id, record in packed.items()}
            cache.add_record_hashes(fetched)
            hashes |= fetched
            known |= select_known(fetched)
            unknown = {id: record for id, record in packed.items() if id not in known}
            cache.add_papers(open_records(unknown))
        return {
            id: UnreadPaper(id, hashes[id], self._read_record) if id in known else papers[id]
            for id in doc_ids
            if id in known or id in papers
        }

    def _read_record(self, doc_id: int) -> bytes:
        """Return the record of an unread paper. Raises StoreError if it is gone."""
        packed = read_packed_papers(self._redis, [doc_id]).get(doc_id)
        if packed is None:
            raise StoreError(f"{ArxivId.from_doc_id(doc_id)} was removed during the request")
        return packed

    def verify_docs(self, residual: Node, doc_ids: BitMap) -> BitMap:
        """Return those of some papers whose texts match a residual query."""
        matched, rejected = self.cache.verified_docs(residual)
        unknown = doc_ids - matched - rejected
        if unknown:
            found = verify(residual, self.read_stored(unknown))
            self.cache.add_verified(residual, unknown, found)
        return doc_ids & matched


class MergedPostings:
    """Postings of some months (YYYYMM), as bitmaps of doc ids; each is merged once."""

    def __init__(self, lookups: Sequence[SegmentLookup], months: Sequence[int]) -> None:
        self.months = months
        self._lookups = lookups
        self._complete_segments = list[SegmentPostings]()
        self._partial_segments = list[SegmentPostings]()
        partial_months = list[int]()
        for segment, _, cached in reversed(lookups):  # bitmaps are united faster from the oldest on
            if segment.is_complete:
                self._complete_segments.append(cached)
            else:
                self._partial_segments.append(cached)
                partial_months += segment.months
        self._partial_doc_ids = doc_ids_of_months(partial_months)
        self._bitmaps: dict[PostingKey, BitMap] = {}

    def estimated_papers(self) -> int:
        """Return about how many papers the months have."""
        return sum(segment.estimated_papers for segment, _, _ in self._lookups)

    def bitmap_of(self, key: PostingKey, months: Iterable[int] | None = None) -> BitMap:
        """Return the papers of a posting, in all of these months or in some of them.

        The bitmap may be the cached one that all threads share: do not change it.
        """
        found = self._bitmaps.get(key)
        if found is None:
            self._bitmaps[key] = found = self._merge(key)
        return found if months is None else found & doc_ids_of_months(months)

    def bitmap_among(self, key: PostingKey, doc_ids: BitMap) -> BitMap:
        """Return the papers of a posting that are among `doc_ids`, without merging all of it."""
        merged = self._bitmaps.get(key)
        if merged is not None:
            return merged & doc_ids
        parts = _restricted(self._complete_segments, key, doc_ids)
        if self._partial_segments:
            doc_ids = doc_ids & self._partial_doc_ids
            parts += _restricted(self._partial_segments, key, doc_ids)
        return unite_bitmaps(parts)

    def _merge(self, key: PostingKey) -> BitMap:
        """Unite the segments' postings, without the months of a year that were not requested."""
        parts = _segment_bitmaps(self._complete_segments, key)
        if self._partial_segments:
            partial = _segment_bitmaps(self._partial_segments, key)
            parts.append(unite_bitmaps(partial) & self._partial_doc_ids)
        return unite_bitmaps(parts)


def _restricted(
    segments: Iterable[SegmentPostings], key: PostingKey, doc_ids: BitMap
) -> list[BitMap]:
    parts, packed = _parts_of(segments, key)
    return [part & doc_ids for part in (*parts, *packed)]


def _segment_bitmaps(segments: Iterable[SegmentPostings], key: PostingKey) -> list[BitMap]:
    """Return bitmaps whose union is the posting of some segments."""
    large, packed = _parts_of(segments, key)
    return [*packed, *[part.unpadded if isinstance(part, PaddedBitmap) else part for part in large]]


def _parts_of(
    segments: Iterable[SegmentPostings], key: PostingKey
) -> tuple[list[BitMap | PaddedBitmap], list[BitMap]]:
    """Return the large postings of a key in some segments, and bitmaps of all small ones."""
    large, arrays = list[BitMap | PaddedBitmap](), list[ArrayContainers]()
    short = list[bytes]()
    for cached in segments:
        part = cached.get(key)
        if part is None:
            continue
        if isinstance(part, bytes):
            short.append(part)
        elif isinstance(part, ArrayContainers):
            arrays.append(part)
        else:
            large.append(part)
    packed = [decode_doc_ids(b"".join(short))] if short else []
    return large, [*packed, assemble_arrays(arrays)] if arrays else packed
