"""The postings of a year, made of those of its months, part by part.

A term's posting is those of the months one behind the other; pairs are numbers, and sorted anew. A
part is what has the same upper bits of its hash: few megabytes of a dense year are in memory at a
time. Once a year has slots its index no longer tells whose the rare pairs are: where it is made
anew its papers tell, and some hundred megabytes of a dense year are in memory.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final
from zlib import crc32

import numpy as np
from pyroaring import BitMap
from redis import Redis

from papers.index import postings
from papers.index.bitmaps import deserialize_bitmap, serialize_bitmap
from papers.index.compaction.compactor import MergeInput
from papers.index.layout import (
    MONTH_PAPER_BITS,
    MONTHS_PER_YEAR,
    SHINGLE_BITS,
    YEAR_PAPER_BITS,
    SegmentLayout,
)
from papers.index.postings import MAX_INLINE_POSTING, PLACE_BYTES, places_of_months
from papers.index.shingles.shingle_postings import YearShingleCodec, frequent_mask, shingle_codec
from papers.index.shingles.shingle_slots import SlotCodec
from papers.index.writing.term_batch import NO_KEYS, PostingKeys, Vocabulary, sort_unique
from papers.model.arxiv_id import ArxivId, format_yymm, month_ordinal
from papers.model.paper import Paper
from papers.redis_backend import keys
from papers.redis_backend.records import read_papers

MIN_FREQUENT_PAPERS: Final = 32
"""A pair that so many papers of a year have keeps a posting when the year is over."""
_PART_SIZE_BITS: Final = 13
"""A part is as large as the index of 2^13 papers, or less."""
_BATCH_SIZE: Final = 1_000
_MERGED_FIELD_PREFIXES: Final = (b"w", b"=", b"p", b"~")
"""Fields of terms and of pairs: slots tell nothing that is of use here."""


class YearMerge:
    """The fields of a year, part by part; a part are the hashes with the same upper bits."""

    def __init__(self, redis: Redis, layout: SegmentLayout, inputs: Sequence[MergeInput]) -> None:
        self._layout = layout
        month = month_ordinal(inputs[0].months[0])
        first = month - month % MONTHS_PER_YEAR << MONTH_PAPER_BITS
        self._shingle_codec, self._slot_codec = (
            YearShingleCodec(layout, first),
            SlotCodec(layout, first),
        )
        self._part_bits = max(layout.size_bits - _PART_SIZE_BITS, 0)
        self._are_inputs_sorted = all(piece.layout.span_months == 1 for piece in inputs)
        self._readers = [_MergeReader(redis, piece, first, self._part_bits) for piece in inputs]

    def parts(self) -> Iterator[Mapping[bytes, bytes]]:
        """The fields of each part that has any."""
        for part in range(1 << self._part_bits):
            if fields := self._merge_terms(part) | self._merge_shingles(part):
                yield fields

    def _merge_terms(self, part: int) -> dict[bytes, bytes]:
        pieces: dict[bytes, list[bytes | BitMap]] = defaultdict(list)
        for source in self._readers:
            for term, piece in source.term_postings(part):
                if piece:
                    pieces[term].append(piece)
        buckets: dict[int, dict[bytes, bytes]] = defaultdict(dict)
        fields = {}
        for term, bucket in zip(pieces, self._layout.term_buckets(pieces), strict=True):
            posting = _merge_postings(pieces[term], are_sorted=self._are_inputs_sorted)
            if isinstance(posting, BitMap):
                fields[postings.term_field(term)] = serialize_bitmap(posting)
            else:
                buckets[bucket][term] = posting
        packed = {
            postings.term_bucket_field(n): postings.pack_term_bucket(small)
            for n, small in buckets.items()
        }
        return fields | packed

    def _merge_shingles(self, part: int) -> dict[bytes, bytes]:
        found = sort_unique(np.concatenate([source.shingle_keys(part) for source in self._readers]))
        shape = self._layout
        if not shape.slot_bits:
            return self._shingle_codec.encode(
                found, self._part_buckets(part, shape.shingle_bucket_bits)
            )
        named = frequent_mask(found, MIN_FREQUENT_PAPERS)
        slots = self._slot_codec.slot_keys(found[~named])
        return {
            **self._shingle_codec.encode(
                found[named], self._part_buckets(part, shape.shingle_bucket_bits)
            ),
            **self._slot_codec.encode(slots, self._part_buckets(part, shape.slot_bucket_bits)),
        }

    def _part_buckets(self, part: int, bits: int) -> Sequence[int]:
        """The buckets of a part, where the buckets of all parts have so many bits."""
        bits -= self._part_bits
        return range(part << bits, part + 1 << bits)


def _merge_postings(
    postings_by_input: Sequence[bytes | BitMap], *, are_sorted: bool
) -> bytes | BitMap:
    """The posting of a term, small or large, by those of months; they have no paper in common."""
    small = b"".join([piece for piece in postings_by_input if isinstance(piece, bytes)])
    large = [piece for piece in postings_by_input if isinstance(piece, BitMap)]
    if not large and len(small) <= PLACE_BYTES * MAX_INLINE_POSTING:
        if are_sorted or len(postings_by_input) == 1:
            return small
        return np.sort(np.frombuffer(small, "<u4")).tobytes()
    found = BitMap.union(postings.decode_doc_ids(small), *large)
    return found if len(found) > MAX_INLINE_POSTING else postings.encode_doc_ids(found)


class _MergeReader:
    """A piece that a year is made of, part by part.

    One that has fewer buckets than there are parts is small: all of it is read for each part.
    """

    def __init__(
        self, redis: Redis, input_segment: MergeInput, first_doc_id: int, part_bits: int
    ) -> None:
        self._redis, self._input, self._part_bits = redis, input_segment, part_bits
        self._shingle_codec = shingle_codec(input_segment.layout, first_doc_id)
        self._kept_doc_ids = (
            places_of_months(input_segment.months) if input_segment.layout.removed_mask else None
        )
        self._is_small = (
            min(input_segment.layout.term_bucket_bits, input_segment.layout.shingle_bucket_bits)
            < part_bits
        )
        self._field_names: dict[int, list[bytes]] = defaultdict(list)
        names: Any = redis.hkeys(keys.segment_postings(input_segment.segment))
        for name in [name for name in names if name[:1] in _MERGED_FIELD_PREFIXES]:
            self._field_names[0 if self._is_small else self._part_of_field(name)].append(name)
        self._loaded_part: tuple[int, dict[bytes, bytes]] = (-1, {})

    def term_postings(self, part: int) -> Iterator[tuple[bytes, bytes | BitMap]]:
        """The terms of a part with their postings: small as packed, large as bitmaps."""
        for name, value in self._read_part(part).items():
            if name[:1] == b"=" and self._is_in_part(part, name[1:]):
                large = deserialize_bitmap(value)
                yield name[1:], large & self._kept_doc_ids if self._kept_doc_ids else large
            elif name[:1] == b"w":
                for term, small in postings.unpack_term_bucket(value).items():
                    if self._is_in_part(part, term):
                        yield (
                            term,
                            postings.decode_doc_ids(small) & self._kept_doc_ids
                            if self._kept_doc_ids
                            else small,
                        )

    def shingle_keys(self, part: int) -> PostingKeys:
        """The keys of the pairs of a part, sorted."""
        found = (
            self._keys_from_papers if self._input.layout.slot_bits else self._keys_from_index(part)
        )
        shift = SHINGLE_BITS + YEAR_PAPER_BITS - self._part_bits
        start = np.searchsorted(found, np.uint64(part << shift))
        end = np.searchsorted(found, np.uint64((part + 1 << shift) - 1), "right")
        return self._drop_removed_months(found[start:end])

    def _keys_from_index(self, part: int) -> PostingKeys:
        fields = self._read_part(part)
        buckets = sorted(int(name[1:], 16) for name in fields if name[:1] == b"p")
        return self._shingle_codec.decode(
            buckets, (_shingle_of_field(n) for n in fields if n[:1] == b"~"), fields
        )

    def _drop_removed_months(self, found: PostingKeys) -> PostingKeys:
        """Those of papers that are still there."""
        if self._kept_doc_ids is None:
            return found
        months = [month_ordinal(month) % MONTHS_PER_YEAR for month in self._input.months]
        of_months = (found >> np.uint64(MONTH_PAPER_BITS)) % np.uint64(
            1 << YEAR_PAPER_BITS - MONTH_PAPER_BITS
        )
        kept: PostingKeys = found[np.isin(of_months, months)]
        return kept

    @cached_property
    def _keys_from_papers(self) -> PostingKeys:
        """The keys of all pairs, sorted, by the papers themselves."""
        found = [
            Vocabulary().shingle_keys(self._read_month_papers(month))
            for month in self._input.months
        ]
        return sort_unique(np.concatenate([NO_KEYS, *found]))

    def _read_month_papers(self, month: int) -> Iterator[Paper]:
        fields: Any = self._redis.hkeys(keys.month_papers(format_yymm(month)))
        ids = [ArxivId(month, int.from_bytes(field, "big")) for field in fields]
        for at in range(0, len(ids), _BATCH_SIZE):
            yield from read_papers(self._redis, ids[at : at + _BATCH_SIZE]).values()

    def _read_part(self, part: int) -> dict[bytes, bytes]:
        """The fields of a part; all those of a small piece."""
        part = 0 if self._is_small else part
        if self._loaded_part[0] != part:
            names = self._field_names[part]
            values: Any = (
                self._redis.hmget(keys.segment_postings(self._input.segment), names)
                if names
                else []
            )
            self._loaded_part = part, dict(zip(names, values, strict=True))
        return self._loaded_part[1]

    def _part_of_field(self, name: bytes) -> int:
        """The part of a field."""
        shape = self._input.layout
        if name[:1] == b"w":
            return int(name[1:], 16) >> shape.term_bucket_bits - self._part_bits
        if name[:1] == b"p":
            return int(name[1:], 16) >> shape.shingle_bucket_bits - self._part_bits
        if name[:1] == b"~":
            return _shingle_of_field(name) >> SHINGLE_BITS - self._part_bits
        return _part_of_term(name[1:], self._part_bits)

    def _is_in_part(self, part: int, term: bytes) -> bool:
        return not self._is_small or _part_of_term(term, self._part_bits) == part


def _shingle_of_field(name: bytes) -> int:
    """The pair of a field of its own."""
    return int(name[1:], 16)


def _part_of_term(term: bytes, bits: int) -> int:
    return crc32(term) >> 32 - bits
