"""Cache of one store revision in a process, and the requests for what it lacks.

Postings are read and cached by segment (`papers.index.postings`): a month (YYYYMM), or a year
(YYYY) for months that are compacted.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, NamedTuple

from pyroaring import BitMap

from papers.blocks.block_list import BlockList
from papers.blocks.saved_blocks import NO_BLOCKS, READ_BLOCKS, decode_blocks
from papers.index import bitmaps
from papers.index.layout import MONTHS_PER_YEAR, SegmentLayout
from papers.index.postings import COMPACTED, MAX_INLINE_POSTING
from papers.index.term_months import lists_all
from papers.model.arxiv_id import stored_month
from papers.query.ast import Node
from papers.query.request import Hits
from papers.records.packing import LazyPaper
from papers.redis_backend import keys
from papers.redis_backend.connection import RedisCommand
from papers.search.evaluate import PostingKey, PrefixExpansions
from papers.search.node_plans import possible_months
from papers.search.plan import QueryPlan, RequiredPostings
from papers.search.segments import (
    Months,
    SegmentLookup,
    SegmentMap,
    SegmentPosting,
    SegmentPostings,
    decode_postings,
)

MAX_PREFIX_WORDS: Final = 256
"""The most words of a prefix whose postings are read; a prefix of more is matched on the texts."""

_ENTRY_COST: Final = 150
_QUERY_COST: Final = 4_000
_PAPER_COST: Final = 8_000
"""Estimated bytes of a cache entry, of what is stored under a query, and of a packed paper."""
_DOC_ID_COST: Final = 8
"""An upper bound: few papers of many months lie in many small containers."""
_VERIFIED_DOC_ID_COST: Final = 4
_YEAR_BITSET_BYTES: Final = MONTHS_PER_YEAR << 13
"""The size of a bitmap with a bitset for every month of a year."""


class ReadRequest(NamedTuple):
    """A read command and the function that takes its reply: False if it must be read again."""

    command: RedisCommand
    accept: Callable[[Any], bool]


@dataclass(slots=True)
class IndexCache:
    """Everything a process caches of one store revision. Threads share it and only add to it."""

    revision: bytes | object | None
    segments: SegmentMap = field(default_factory=SegmentMap)
    """Valid across revisions: every reply carries the layout it was packed with."""
    blocks: BlockList | None = None
    """What must not be shown; None until it is read."""
    months: Months | None = None
    term_months: dict[bytes, bytes | None] = field(default_factory=dict)
    prefix_words: dict[str, list[str]] = field(default_factory=dict)
    segment_postings: dict[tuple[int, SegmentLayout], SegmentPostings] = field(default_factory=dict)
    stored_papers: dict[int, LazyPaper] = field(default_factory=dict)
    record_hashes: dict[int, int] = field(default_factory=dict)
    """By doc id: `LazyPaper.record_hash`, also of papers that are not cached."""
    verified: dict[Node, tuple[BitMap, BitMap]] = field(default_factory=dict)
    """By residual query: the doc ids whose texts match it, and those whose texts do not."""
    hits: dict[Hashable, Hits] = field(default_factory=dict)
    """By request: other formats and paging back repeat requests."""
    recent_days: Mapping[date, BitMap] | None = None
    """The papers of each day of the newest months; None until they are counted."""
    byte_size: int = 0
    """The estimated size in bytes, apart from the months (a few kilobytes)."""

    def block_requests(self) -> list[ReadRequest]:
        """Return the request for the block list, unless it is cached."""
        return [] if self.blocks is not None else [ReadRequest(READ_BLOCKS, self._accept_blocks)]

    def _accept_blocks(self, stored: Any) -> bool:
        self.blocks = decode_blocks(stored)
        return True

    @property
    def known_blocks(self) -> BlockList:
        """The block list, which every session begins by reading."""
        return self.blocks or NO_BLOCKS

    def add_hits(self, request_key: Hashable, hits: Hits) -> None:
        """Cache the result of a request; its ids may be unpacked later, so they count, too."""
        self.hits[request_key] = hits
        self.byte_size += _QUERY_COST + _ENTRY_COST * len(hits.doc_ids)

    def add_papers(self, papers: Mapping[int, LazyPaper]) -> None:
        """Cache packed papers by doc id."""
        self.stored_papers.update(papers)
        self.record_hashes.update({id: paper.record_hash for id, paper in papers.items()})
        self.byte_size += len(papers) * _PAPER_COST

    def add_record_hashes(self, hashes: Mapping[int, int]) -> None:
        """Cache the hashes of records by doc id."""
        self.byte_size -= _ENTRY_COST * len(self.record_hashes)
        self.record_hashes.update(hashes)
        self.byte_size += _ENTRY_COST * len(self.record_hashes)

    def add_recent_days(self, days: Mapping[date, BitMap]) -> None:
        """Cache the papers of the newest days."""
        self.recent_days = days
        self.byte_size += sum(map(posting_size, days.values()))

    def verified_docs(self, residual: Node) -> tuple[BitMap, BitMap]:
        """Return the bitmaps of a residual query; `add_verified` fills them."""
        known = self.verified.get(residual)
        if known is None:
            known = self.verified.setdefault(residual, (BitMap(), BitMap()))
            self.byte_size += _QUERY_COST
        return known

    def add_verified(self, residual: Node, doc_ids: BitMap, matching: BitMap) -> None:
        """Cache which of some papers' texts match a residual query."""
        matched, rejected = self.verified_docs(residual)
        matched |= matching
        rejected |= doc_ids - matching
        self.byte_size += _VERIFIED_DOC_ID_COST * len(doc_ids)

    def knows_terms(self, plan: QueryPlan) -> bool:
        """Return whether the months of all of a query's terms were read."""
        return self.term_months.keys() >= set(plan.dictionary_terms)

    def candidate_months(self, plan: QueryPlan) -> Months:
        """Return the months in which a query's terms occur as far as is known, newest first."""
        months, terms = self.months or (), plan.dictionary_terms
        known = {term: self.term_months[term] for term in terms if term in self.term_months}
        if len(known) < len(terms) or all([lists_all(of, len(months)) for of in known.values()]):
            return months
        possible = possible_months(plan.root, known)
        return months if possible is None else tuple([m for m in months if m in possible])

    def prefix_expansions(self, plan: QueryPlan) -> PrefixExpansions | None:
        """Return the words of a query's prefixes; None while some have not been read."""
        expansions: dict[str, Sequence[str] | None] = {}
        for prefix in plan.prefixes:
            (stem,) = prefix.words
            words = self.prefix_words.get(stem)
            if words is None:
                return None
            too_many = len(words) > MAX_PREFIX_WORDS
            expansions[stem] = None if too_many else [*words, prefix.implied_word]
        return expansions

    def month_requests(self) -> list[ReadRequest]:
        """Return the request for the months of the store, newest first, unless they are cached."""

        def accept(reply: Any) -> bool:
            self.months = tuple(stored_month(member.decode()) for member in reply)
            return True

        request = ReadRequest(("ZREVRANGE", keys.MONTHS, "0", "-1"), accept)
        return [request] if self.months is None else []

    def term_requests(self, plan: QueryPlan) -> list[ReadRequest]:
        """Return the requests for the months of a query's terms and the words of its prefixes."""
        terms = [term for term in plan.dictionary_terms if term not in self.term_months]

        def accept(reply: Any) -> bool:
            self.term_months.update(zip(terms, reply, strict=True))
            self.byte_size += _ENTRY_COST * len(terms)
            return True

        requests = [ReadRequest(("HMGET", keys.TERM_MONTHS, *terms), accept)] if terms else []
        if not plan.prefixes:
            return requests
        prefixes = {text.words[0] for text in plan.prefixes} - self.prefix_words.keys()
        return requests + [self._prefix_request(prefix) for prefix in sorted(prefixes)]

    def _prefix_request(self, prefix: str) -> ReadRequest:
        def accept(reply: Any) -> bool:
            self.prefix_words[prefix] = [member.decode() for member in reply]
            self.byte_size += _ENTRY_COST * (len(reply) + 1)
            return True

        start, limit = prefix.encode(), ("LIMIT", "0", str(MAX_PREFIX_WORDS + 1))
        span = (b"[" + start, b"[" + start + b"\xff")
        return ReadRequest(("ZRANGEBYLEX", keys.VOCABULARY, *span, *limit), accept)

    def segment_lookups(self, required: RequiredPostings) -> list[SegmentLookup]:
        """Return the lookups of required postings, by the segments that are known to hold them."""
        cached = self.segment_postings
        known = len(cached)
        lookups = [
            SegmentLookup(
                segment, posting_keys, cached.setdefault((segment.period, segment.layout), {})
            )
            for months, posting_keys in required
            for segment in self.segments.locate(months)
        ]
        self.byte_size += _ENTRY_COST * (len(cached) - known)
        return lookups

    def posting_requests(self, lookups: Iterable[SegmentLookup]) -> list[ReadRequest]:
        """Return the requests for postings that are not cached.

        A reply in another layout is not accepted: the posting must be looked up once more.
        """
        return [
            self._segment_request(lookup, missing)
            for lookup in lookups
            if (missing := lookup.missing_keys)
        ]

    def _segment_request(
        self, lookup: SegmentLookup, missing: tuple[PostingKey, ...]
    ) -> ReadRequest:
        segment = lookup.segment
        fields = self.segments.hash_fields(segment.layout, missing)

        def accept(reply: Any) -> bool:
            # Threads share the cache: judge the reply by the layout it was requested with.
            packed_layout, *values = reply
            if packed_layout == COMPACTED:  # the year is read next and tells its own layout
                year = segment.period // 100
                layout = self.segments.layout_of(year).with_month(segment.period)
                self.segments.set_layout(year, layout)
                return False
            layout = SegmentLayout.unpack(packed_layout)
            self.segments.set_layout(segment.period, layout)
            if layout != segment.layout:
                return False
            decoded = decode_postings(segment, missing, values)
            lookup.cached.update(decoded)
            self.byte_size += sum(map(posting_size, decoded.values()))
            return True

        return ReadRequest(("HMGET", segment.redis_key, *fields), accept)


def posting_size(posting: SegmentPosting | None) -> int:
    """Return an estimate of the bytes that a cached posting takes."""
    if posting is None:
        return _ENTRY_COST
    if isinstance(posting, bytes):
        return _ENTRY_COST + len(posting)
    if isinstance(posting, bitmaps.ArrayContainers):
        return _ENTRY_COST + len(posting.numbers) + _DOC_ID_COST * len(posting.heads)
    count = len(posting.padded if isinstance(posting, bitmaps.PaddedBitmap) else posting)
    few = _DOC_ID_COST * min(count, MAX_INLINE_POSTING)
    return _ENTRY_COST + few + min(2 * count, _YEAR_BITSET_BYTES)
