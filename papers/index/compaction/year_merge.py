"""Merges the postings of months into those of a year, part by part.

The posting of a term is the concatenation of the months' ones; shingle keys are sorted together. A
part is the terms and shingles whose hashes have the same upper bits, so that only a few megabytes
of a dense year are in memory at a time. The index of a year with slots no longer says which papers
have a rare shingle: when such a year is merged again its shingles are hashed from the papers
themselves, which takes some hundred megabytes for a dense year.
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
from papers.index.postings import (
    DOC_ID_BYTES,
    MAX_INLINE_POSTING,
    SHINGLE,
    SHINGLE_BUCKET,
    TERM,
    TERM_BUCKET,
    doc_ids_of_months,
    field_number,
)
from papers.index.shingles.shingle_keys import (
    NO_KEYS,
    PostingKeys,
    months_of_keys,
    sort_unique,
)
from papers.index.shingles.shingle_postings import YearShingleCodec, frequent_mask, shingle_codec
from papers.index.shingles.shingle_slots import SlotCodec
from papers.index.writing.term_batch import Vocabulary
from papers.model.arxiv_id import ArxivId, format_yymm, month_ordinal
from papers.model.paper import Paper
from papers.redis_backend import keys
from papers.redis_backend.records import read_papers

MIN_FREQUENT_PAPERS: Final = 32
"""A shingle of at least this many papers keeps its posting when the year has ended."""
_PART_SIZE_BITS: Final = 13
"""A part has at most the postings that 2^13 papers would have."""
_BATCH_SIZE: Final = 1_000
_MERGED_FIELD_KINDS: Final = (TERM_BUCKET, TERM, SHINGLE_BUCKET, SHINGLE)
"""Not slots: they do not say which shingles a paper has."""


class YearMerge:
    """The merged fields of a year."""

    def __init__(self, redis: Redis, layout: SegmentLayout, inputs: Sequence[MergeInput]) -> None:
        self._layout = layout
        month = month_ordinal(inputs[0].months[0])
        first = month - month % MONTHS_PER_YEAR << MONTH_PAPER_BITS
        self._shingle_codec, self._slot_codec = (
            YearShingleCodec(layout, first),
            SlotCodec(layout, first),
        )
        self._part_bits = max(layout.size_bits - _PART_SIZE_BITS, 0)
        self._are_inputs_sorted = all(source.layout.span_months == 1 for source in inputs)
        self._readers = [_MergeReader(redis, source, first, self._part_bits) for source in inputs]

    @property
    def part_count(self) -> int:
        """The number of parts."""
        return 1 << self._part_bits

    def part(self, number: int) -> Mapping[bytes, bytes]:
        """Return the fields of a part."""
        return self._merge_terms(number) | self._merge_shingles(number)

    def _merge_terms(self, part: int) -> dict[bytes, bytes]:
        by_term: dict[bytes, list[bytes | BitMap]] = defaultdict(list)
        for reader in self._readers:
            for term, posting in reader.term_postings(part):
                if posting:
                    by_term[term].append(posting)
        buckets: dict[int, dict[bytes, bytes]] = defaultdict(dict)
        fields = {}
        for term, bucket in zip(by_term, self._layout.term_buckets(by_term), strict=True):
            merged = _merge_postings(by_term[term], are_sorted=self._are_inputs_sorted)
            if isinstance(merged, BitMap):
                fields[postings.term_field(term)] = serialize_bitmap(merged)
            else:
                buckets[bucket][term] = merged
        packed = {
            postings.term_bucket_field(n): postings.pack_term_bucket(small)
            for n, small in buckets.items()
        }
        return fields | packed

    def _merge_shingles(self, part: int) -> dict[bytes, bytes]:
        found = sort_unique(np.concatenate([reader.shingle_keys(part) for reader in self._readers]))
        layout = self._layout
        if not layout.slot_bits:
            return self._shingle_codec.encode(
                found, self._part_buckets(part, layout.shingle_bucket_bits)
            )
        frequent = frequent_mask(found, MIN_FREQUENT_PAPERS)
        slots = self._slot_codec.slot_keys(found[~frequent])
        return {
            **self._shingle_codec.encode(
                found[frequent], self._part_buckets(part, layout.shingle_bucket_bits)
            ),
            **self._slot_codec.encode(slots, self._part_buckets(part, layout.slot_bucket_bits)),
        }

    def _part_buckets(self, part: int, bits: int) -> Sequence[int]:
        """Return the buckets of a part; `bits` is the size of the numbers of all buckets."""
        bits -= self._part_bits
        return range(part << bits, part + 1 << bits)


def _merge_postings(
    postings_by_input: Sequence[bytes | BitMap], *, are_sorted: bool
) -> bytes | BitMap:
    """Merge a term's postings of inputs without common papers: bytes if small, or a bitmap."""
    small = b"".join([some for some in postings_by_input if isinstance(some, bytes)])
    large = [some for some in postings_by_input if isinstance(some, BitMap)]
    if not large and len(small) <= DOC_ID_BYTES * MAX_INLINE_POSTING:
        if are_sorted or len(postings_by_input) == 1:
            return small
        return np.sort(np.frombuffer(small, "<u4")).tobytes()
    found = BitMap.union(postings.decode_doc_ids(small), *large)
    return found if len(found) > MAX_INLINE_POSTING else postings.encode_doc_ids(found)


class _MergeReader:
    """Reads an input of the merge part by part.

    An input with fewer buckets than there are parts is small: it is read whole, once.
    """

    def __init__(
        self, redis: Redis, input_segment: MergeInput, first_doc_id: int, part_bits: int
    ) -> None:
        self._redis, self._input, self._part_bits = redis, input_segment, part_bits
        self._shingle_codec = shingle_codec(input_segment.layout, first_doc_id)
        self._kept_doc_ids = (
            doc_ids_of_months(input_segment.months) if input_segment.layout.removed_mask else None
        )
        self._is_small = (
            min(input_segment.layout.term_bucket_bits, input_segment.layout.shingle_bucket_bits)
            < part_bits
        )
        self._field_names: dict[int, list[bytes]] = defaultdict(list)
        names: Any = redis.hkeys(keys.segment_postings(input_segment.segment))
        for name in [name for name in names if name[:1] in _MERGED_FIELD_KINDS]:
            self._field_names[0 if self._is_small else self._part_of_field(name)].append(name)
        self._loaded_part: tuple[int, dict[bytes, bytes]] = (-1, {})

    def term_postings(self, part: int) -> Iterator[tuple[bytes, bytes | BitMap]]:
        """Yield the terms of a part with their postings: small ones packed, others as bitmaps."""
        for name, value in self._read_part(part).items():
            if name[:1] == TERM and self._is_in_part(part, name[1:]):
                large = deserialize_bitmap(value)
                yield name[1:], large & self._kept_doc_ids if self._kept_doc_ids else large
            elif name[:1] == TERM_BUCKET:
                for term, small in postings.unpack_term_bucket(value).items():
                    if self._is_in_part(part, term):
                        yield (
                            term,
                            postings.decode_doc_ids(small) & self._kept_doc_ids
                            if self._kept_doc_ids
                            else small,
                        )

    def shingle_keys(self, part: int) -> PostingKeys:
        """Return the sorted shingle keys of a part."""
        found = (
            self._keys_from_papers if self._input.layout.slot_bits else self._keys_from_index(part)
        )
        shift = SHINGLE_BITS + YEAR_PAPER_BITS - self._part_bits
        start = np.searchsorted(found, np.uint64(part << shift))
        end = np.searchsorted(found, np.uint64((part + 1 << shift) - 1), "right")
        return self._drop_removed_months(found[start:end])

    def _keys_from_index(self, part: int) -> PostingKeys:
        fields = self._read_part(part)
        buckets = sorted(field_number(name) for name in fields if name[:1] == SHINGLE_BUCKET)
        shingles = (field_number(name) for name in fields if name[:1] == SHINGLE)
        return self._shingle_codec.decode(buckets, shingles, fields)

    def _drop_removed_months(self, found: PostingKeys) -> PostingKeys:
        """Return the keys of months that were not removed."""
        if self._kept_doc_ids is None:
            return found
        months = [month_ordinal(month) % MONTHS_PER_YEAR for month in self._input.months]
        kept: PostingKeys = found[np.isin(months_of_keys(found), months)]
        return kept

    @cached_property
    def _keys_from_papers(self) -> PostingKeys:
        """The sorted keys of all shingles, from the papers themselves."""
        found = [
            Vocabulary().shingle_keys(self._read_month_papers(month))
            for month in self._input.months
        ]
        return sort_unique(np.concatenate([NO_KEYS, *found]))

    def _read_month_papers(self, month: int) -> Iterator[Paper]:
        fields: Any = self._redis.hkeys(keys.month_papers(format_yymm(month)))
        ids = [ArxivId(month, keys.paper_number(field)) for field in fields]
        for at in range(0, len(ids), _BATCH_SIZE):
            yield from read_papers(self._redis, ids[at : at + _BATCH_SIZE]).values()

    def _read_part(self, part: int) -> dict[bytes, bytes]:
        """Read the fields of a part, or all fields of a small input. Keeps the last part read."""
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
        layout = self._input.layout
        if name[:1] == TERM_BUCKET:
            return field_number(name) >> layout.term_bucket_bits - self._part_bits
        if name[:1] == SHINGLE_BUCKET:
            return field_number(name) >> layout.shingle_bucket_bits - self._part_bits
        if name[:1] == SHINGLE:
            return field_number(name) >> SHINGLE_BITS - self._part_bits
        return _part_of_term(name[1:], self._part_bits)

    def _is_in_part(self, part: int, term: bytes) -> bool:
        return not self._is_small or _part_of_term(term, self._part_bits) == part


def _part_of_term(term: bytes, bits: int) -> int:
    return crc32(term) >> 32 - bits
