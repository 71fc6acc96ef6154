"""What a process remembers of a store at one revision, and what to ask for that it does not.

Postings are asked for and held by volume (`papers.index.postings`): by month (YYYYMM), and of
months that are closed by year (YYYY).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, NamedTuple

from pyroaring import BitMap

from papers.index import bitmaps, postings
from papers.index.layout import MONTHS_PER_YEAR, SegmentLayout
from papers.index.postings import COMPACTED, LAYOUT_FIELD, MAX_INLINE_POSTING
from papers.index.term_months import possible_months
from papers.model.arxiv_id import stored_month
from papers.model.packing import LazyPaper
from papers.query.ast import Node
from papers.query.request import Hits
from papers.redis_backend import keys
from papers.redis_backend.connection import RedisCommand
from papers.search.asked import QueryLeaves
from papers.search.evaluate import PostingKey, PrefixExpansions, ProbeTerms, shingle_slot_key
from papers.search.segments import (
    Months,
    Segment,
    SegmentLookup,
    SegmentMap,
    SegmentPosting,
    SegmentPostings,
)

MAX_PREFIX_WORDS: Final = 256
"""Words of one prefix that postings are asked for; of a prefix of more the texts are."""

_ENTRY_COST: Final = 150
_QUERY_COST: Final = 4_000
_DOC_ID_COST: Final = 8
"""More than it takes: few papers of many months lie in containers of few."""
_YEAR_BITSET_BYTES: Final = MONTHS_PER_YEAR << 13
"""Of all months of a year."""
WantedPostings = Sequence[tuple[Months, Sequence[PostingKey]]]
"""Months and what postings to read of each."""


class ReadRequest(NamedTuple):
    """A reading command, and what takes its reply: False where that was no answer."""

    command: RedisCommand
    accept: Callable[[Any], bool]


@dataclass(slots=True)
class IndexCache:
    """What a process remembers of a store at one revision. Threads share it, and only add."""

    revision: bytes | object | None
    segments: SegmentMap = field(default_factory=SegmentMap)
    """From any revision: a reply tells the shape it is of."""
    months: Months | None = None
    term_months: dict[bytes, bytes | None] = field(default_factory=dict)
    prefix_words: dict[str, list[str]] = field(default_factory=dict)
    probe_terms: dict[Node, ProbeTerms] = field(default_factory=dict)
    """By what was looked for: which words to ask for beside the pairs of its phrases."""
    segment_postings: dict[tuple[int, SegmentLayout], SegmentPostings] = field(default_factory=dict)
    stored_papers: dict[int, LazyPaper] = field(default_factory=dict)
    verified: dict[Node, tuple[BitMap, BitMap]] = field(default_factory=dict)
    """By what was looked for: the places where texts were found to hold it, and not to."""
    hits: dict[Hashable, Hits] = field(default_factory=dict)
    """By question: a reader that takes another format, or turns back, asks the same."""
    byte_size: int = 0

    def remember_hits(self, cache_key: Hashable, hits: Hits) -> None:
        """Remember what a question found."""
        self.hits[cache_key] = hits
        self.byte_size += _QUERY_COST + _ENTRY_COST * len(hits.doc_ids)

    def candidate_months(self, query_leaves: QueryLeaves) -> Months:
        """The months that may hold what a tree asks for, newest first, as far as is known."""
        months = self.months or ()
        if not self.term_months.keys() >= set(query_leaves.dictionary_terms):
            return months
        spread = possible_months(
            query_leaves.tree,
            {term: self.term_months[term] for term in query_leaves.dictionary_terms},
        )
        return months if spread is None else tuple(m for m in months if m in spread)

    def prefix_expansions(self, query_leaves: QueryLeaves) -> PrefixExpansions | None:
        """The words that a tree's prefixes stand for; None while some have not been asked for."""
        found: dict[str, Sequence[str] | None] = {}
        for prefix in query_leaves.prefixes:
            words = self.prefix_words.get(prefix.words[0])
            if words is None:
                return None
            many = len(words) > MAX_PREFIX_WORDS
            found[prefix.words[0]] = None if many else [*words, prefix.implied_word]
        return found

    def month_requests(self) -> list[ReadRequest]:
        """The request for the months there are, newest first."""

        def take(reply: Any) -> bool:
            self.months = tuple(stored_month(member.decode()) for member in reply)
            return True

        asked = ReadRequest(("ZREVRANGE", keys.MONTHS, "0", "-1"), take)
        return [asked] if self.months is None else []

    def term_requests(self, query_leaves: QueryLeaves) -> list[ReadRequest]:
        """The requests for where a tree's words occur, and what its prefixes stand for."""
        terms = [term for term in query_leaves.dictionary_terms if term not in self.term_months]

        def take_spread(reply: Any) -> bool:
            self.term_months.update(zip(terms, reply, strict=True))
            self.byte_size += _ENTRY_COST * len(terms)
            return True

        prefixes = {text.words[0] for text in query_leaves.prefixes} - self.prefix_words.keys()
        spread = [ReadRequest(("HMGET", keys.TERM_MONTHS, *terms), take_spread)] if terms else []
        return spread + [self._prefix_request(prefix) for prefix in sorted(prefixes)]

    def _prefix_request(self, prefix: str) -> ReadRequest:
        def take(reply: Any) -> bool:
            self.prefix_words[prefix] = [member.decode() for member in reply]
            return True

        start, limit = prefix.encode(), ("LIMIT", "0", str(MAX_PREFIX_WORDS + 1))
        span = (b"[" + start, b"[" + start + b"\xff")
        return ReadRequest(("ZRANGEBYLEX", keys.VOCABULARY, *span, *limit), take)

    def segment_lookups(self, wanted: WantedPostings) -> list[SegmentLookup]:
        """What is wanted, by where it lies, as far as that is known."""
        parts = self.segment_postings
        return [
            SegmentLookup(volume, asked, parts.setdefault((volume.period, volume.layout), {}))
            for months, asked in wanted
            for volume in self.segments.locate(months)
        ]

    def posting_requests(self, lookups: Iterable[SegmentLookup]) -> list[ReadRequest]:
        """The requests for postings that are not known yet.

        A reply that tells of another shape is no answer: it is to be asked for where it lies.
        """
        return [
            self._segment_request(lookup, missing)
            for lookup in lookups
            if (missing := lookup.missing_keys)
        ]

    def _segment_request(
        self, lookup: SegmentLookup, missing: tuple[PostingKey, ...]
    ) -> ReadRequest:
        volume = lookup.segment

        def take(reply: Any) -> bool:
            # Threads share what is remembered, so a reply is judged by the shape it was asked with.
            shape, *values = reply
            if shape == COMPACTED:  # the year is asked next, and will tell its own shape
                year = volume.period // 100
                self.segments.set_layout(
                    year, self.segments.layout_of(year).with_month(volume.period)
                )
                return False
            told = SegmentLayout.unpack(shape)
            self.segments.set_layout(volume.period, told)
            if told != volume.layout:
                return False
            self._store_postings(lookup, missing, values)
            return True

        return ReadRequest(("HMGET", volume.redis_key, *_hash_fields(volume.layout, missing)), take)

    def _store_postings(
        self, lookup: SegmentLookup, missing: Sequence[PostingKey], values: Sequence[bytes | None]
    ) -> None:
        volume, held, reply = lookup.segment, lookup.cached, iter(values)
        for key in missing:
            if isinstance(key, bytes):
                own, bucket = next(reply), next(reply)
                part = (
                    bitmaps.deserialize_padded(own)
                    if own
                    else postings.find_posting(bucket, key) or None
                )
            else:
                told = [next(reply) for _ in range(_shingle_field_count(volume.layout))]
                part = _shingle_posting(volume, key, told)
                if part is None and volume.layout.slot_bits:
                    self._store_posting(
                        held, shingle_slot_key(key), _slot_posting(volume, key, told)
                    )
            self._store_posting(held, key, part)

    def _store_posting(
        self, held: SegmentPostings, key: PostingKey, part: SegmentPosting | None
    ) -> None:
        held[key] = part
        self.byte_size += posting_size(part)


def posting_size(posting: SegmentPosting | None) -> int:
    """About what a posting takes in memory."""
    if isinstance(posting, bytes):
        return _ENTRY_COST + len(posting)
    count = len(posting.padded if isinstance(posting, bitmaps.PaddedBitmap) else posting or ())
    return (
        _ENTRY_COST
        + _DOC_ID_COST * min(count, MAX_INLINE_POSTING)
        + min(2 * count, _YEAR_BITSET_BYTES)
    )


def _shingle_field_count(shape: SegmentLayout) -> int:
    """In how many fields the posting of a pair may lie, and that of its slot."""
    if shape.span_months == 1:
        return 1
    return 4 if shape.slot_bits else 2


def _shingle_posting(
    volume: Segment, pair: int, told: Sequence[bytes | None]
) -> SegmentPosting | None:
    """The posting of a pair, if it has one."""
    year = volume.first_doc_id_of_month - volume.first_doc_id_of_month % MONTHS_PER_YEAR
    if volume.layout.span_months == 1:
        return postings.find_shingle_in_month(told[0], pair, year)
    return (
        bitmaps.deserialize_padded(told[0])
        if told[0]
        else postings.find_shingle_in_year(told[1], pair, year)
    )


def _slot_posting(
    volume: Segment, pair: int, told: Sequence[bytes | None]
) -> SegmentPosting | None:
    """That of its slot."""
    own, bucket = told[2:]
    if own:
        return bitmaps.deserialize_padded(own)
    return postings.find_slot(
        bucket, volume.layout.slot_of(pair), volume.layout, volume.first_doc_id_of_month
    )


@lru_cache(maxsize=1024)
def _hash_fields(shape: SegmentLayout, wanted: tuple[PostingKey, ...]) -> tuple[bytes, ...]:
    """The fields of postings in a volume of that shape: `shape` first, then those of each."""
    names = [LAYOUT_FIELD]
    for key in wanted:
        if isinstance(key, bytes):
            names += [postings.term_field(key), postings.term_bucket_field(shape.term_bucket(key))]
            continue
        slot = shape.slot_of(key)
        every = (
            *(
                postings.shingle_field(key),
                postings.shingle_bucket_field(shape.shingle_bucket(key)),
            ),
            *(
                postings.slot_field(slot),
                postings.slot_bucket_field(slot // shape.slots_per_bucket),
            ),
        )
        names += every[1:2] if shape.span_months == 1 else every[: _shingle_field_count(shape)]
    return tuple(names)
