"""Reading: postings of many months, and texts, remembered while the store stays as it is.

Every question begins by asking for the store's revision, and in the same round trip for what it
needs and this process does not remember. What is remembered is of one revision: once that moves,
all of it is forgotten. A word asked for a moment ago (someone is typing, or turns a page, or a page
shows counts beside papers) costs no reading twice, nor does a paper that several keywords find.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from pyroaring import BitMap
from redis import Redis

from papers.errors import StoreError
from papers.index.bitmaps import PaddedBitmap
from papers.index.postings import decode_doc_ids, places_of_months
from papers.model.packing import LazyPaper
from papers.query.ast import Node
from papers.redis_backend import keys
from papers.redis_backend.connection import RedisCommand, ThreadLocalClient, read_many
from papers.redis_backend.records import read_stored_papers
from papers.search.evaluate import Candidates, PostingKey
from papers.search.index_cache import IndexCache, ReadRequest, WantedPostings
from papers.search.plan import QueryPlan
from papers.search.segments import Months, SegmentLookup, SegmentPosting, SegmentPostings
from papers.search.verify import verify

MAX_CACHE_BYTES: Final = 64_000_000
"""Bytes, about: a process that remembers more forgets all and begins anew."""

_MAX_ATTEMPTS: Final = 50
_PAPER_COST: Final = 8_000
_DOC_ID_COST: Final = 4


class IndexReader:
    """Reads from one Redis, for all who ask it in a process. Raises redis-py's errors."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self._clients = ThreadLocalClient(redis)
        self._cache = IndexCache(_NO_REVISION)

    def open_session(
        self, build_requests: Callable[[IndexCache], Iterable[ReadRequest]]
    ) -> ReadSession:
        """Begin a question: `wants` names what it needs and the memory it is given does not hold.

        One round trip; two where the revision has moved since this process last asked.
        """
        redis = self._clients.client
        while True:
            memory = self._cache
            requests = list(build_requests(memory))
            asked = [("GET", keys.REVISION), *(request.command for request in requests)]
            revision, *replies = read_many(redis, asked)
            if revision == memory.revision and memory.byte_size < MAX_CACHE_BYTES:
                break
            self._cache = IndexCache(revision, memory.segments)
        for request, reply in zip(requests, replies, strict=True):
            request.accept(reply)
        return ReadSession(redis, memory)

    def clear_postings(self) -> None:
        """Forget words and postings; the revision, the months and their shapes stay."""
        known = self._cache
        self._cache = IndexCache(known.revision, known.segments, known.months)


_NO_REVISION: Final = object()


class ReadSession:
    """One question's reading, in the thread that began it."""

    def __init__(self, redis: Redis, cache: IndexCache) -> None:
        self.cache = cache
        self._redis = redis

    def send(self, requests: Sequence[ReadRequest]) -> bool:
        """Ask, and let the replies be remembered; one round trip, none for nothing.

        False where some reply was no answer.
        """
        replies = self.read_replies([request.command for request in requests])
        return all([r.accept(reply) for r, reply in zip(requests, replies, strict=True)])

    def read_replies(self, commands: Sequence[RedisCommand]) -> list[Any]:
        """The replies to commands; one round trip, none for nothing."""
        return read_many(self._redis, commands) if commands else []

    def newest_months(self, count: int) -> Months:
        """The newest months that may hold papers, newest first, once asked for."""
        return (self.cache.months or ())[:count]

    def read_postings(self, wanted: WantedPostings) -> MergedPostings:
        """Postings of months; one round trip while the volumes' shapes are as remembered.

        Raises StoreError where the store says of a month that it lies with its year, and of the
        year that it does not.
        """
        months = [month for here, _ in wanted for month in here]
        for _ in range(_MAX_ATTEMPTS):
            lookups = self.cache.segment_lookups(wanted)
            if self.send(self.cache.posting_requests(lookups)):
                return MergedPostings(lookups, months)
        said = f"one of the months {sorted(months)} is closed, and its year has it not"
        raise StoreError(f"the index is damaged: {said}; restore a backup")

    def read_candidates(
        self, plan: QueryPlan, months: Months, refine: Callable[[Months], QueryPlan]
    ) -> tuple[QueryPlan, Candidates]:
        """Who may match in some months, and the plan that told: in the end one that asks for words.

        Those are asked for in months of which slots tell of a phrase. Any month may come to lie in
        a year that has slots while it is read, so what was read is looked at again.
        """
        bare, told = plan, months if plan.has_probe_terms else ()
        while True:
            others = tuple([month for month in months if month not in told]) if told else months
            read = self.read_postings([*bare.wanted_postings(others), *plan.wanted_postings(told)])
            doubtful = tuple([month for month in plan.ambiguous_months(read) if month not in told])
            if not doubtful:
                return plan, plan.evaluate(read)
            plan = refine(doubtful)
            told += doubtful

    def read_stored(self, places: Iterable[int]) -> dict[int, LazyPaper]:
        """The papers that exist, by their places; one round trip or none."""
        places, known = list(places), self.cache.stored_papers
        read = read_stored_papers(self._redis, [place for place in places if place not in known])
        known.update(read)
        self.cache.byte_size += len(read) * _PAPER_COST
        return {place: known[place] for place in places if place in known}

    def verify_docs(self, node: Node, places: BitMap) -> BitMap:
        """Those of some places whose papers, by their texts, are what a tree asks for."""
        held, barred = self.cache.verified.setdefault(node, (BitMap(), BitMap()))
        unknown = places - held - barred
        if unknown:
            found = verify(node, self.read_stored(unknown))
            held |= found
            barred |= unknown - found
            self.cache.byte_size += _DOC_ID_COST * len(unknown)
        return places & held


class MergedPostings:
    """Postings of some months (YYYYMM), as bitmaps of places; each is put together once."""

    def __init__(self, lookups: Sequence[SegmentLookup], months: Sequence[int]) -> None:
        self.months = months
        self._complete_segments, self._partial_segments, here = (
            list[SegmentPostings](),
            list[SegmentPostings](),
            list[int](),
        )
        for volume, _, held in reversed(lookups):  # bitmaps are sooner joined from the oldest on
            if volume.is_complete:
                self._complete_segments.append(held)
            else:
                self._partial_segments.append(held)
                here += volume.months
        self._partial_doc_ids = places_of_months(here)
        self._bitmaps: dict[PostingKey, BitMap] = {}

    def bitmap_of(self, key: PostingKey, months: Iterable[int] | None = None) -> BitMap:
        """The papers of these months, or of some of them, that have it.

        It may be what is remembered, for all threads: not to be changed.
        """
        found = self._bitmaps.get(key)
        if found is None:
            self._bitmaps[key] = found = self._merge(key)
        return found if months is None else found & places_of_months(months)

    def bitmap_among(self, key: PostingKey, places: BitMap) -> BitMap:
        """Those of some papers of these months that have it."""
        joined = self._bitmaps.get(key)
        if joined is not None:
            return joined & places
        volumes = (*self._complete_segments, *self._partial_segments)
        return _union([_restrict(part, places) for held in volumes if (part := held.get(key))])

    def _merge(self, key: PostingKey) -> BitMap:
        """Of a year in part only the months that are asked for; others may be there no more."""
        parts = _segment_bitmaps(self._complete_segments, key)
        if self._partial_segments:
            some = _segment_bitmaps(self._partial_segments, key)
            parts.append(_union(some) & self._partial_doc_ids)
        return _union(parts)


def _union(parts: Sequence[BitMap]) -> BitMap:
    """All of them; where it is one, that very one."""
    return parts[0] if len(parts) == 1 else BitMap.union(BitMap(), *parts)


def _restrict(part: SegmentPosting, places: BitMap) -> BitMap:
    return (decode_doc_ids(part) if isinstance(part, bytes) else part) & places


def _segment_bitmaps(volumes: Iterable[SegmentPostings], key: PostingKey) -> list[BitMap]:
    """Bitmaps that together are what some volumes have of a posting."""
    parts = [part for held in volumes if (part := held.get(key))]
    small = b"".join([part for part in parts if isinstance(part, bytes)])
    large = [part for part in parts if not isinstance(part, bytes)]
    whole = [part.unpadded if isinstance(part, PaddedBitmap) else part for part in large]
    return [*whole, decode_doc_ids(small)] if small else whole
