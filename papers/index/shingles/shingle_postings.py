"""The pairs of papers: fields as sorted keys, and back.

A key is a pair and a paper in its year: `pair << 20 | month << 16 | number`, the same in every
index that has it. How pairs lie in fields: see `papers.index.postings`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from papers.index.bitmaps import deserialize_bitmap, serialize_bitmap
from papers.index.layout import MONTH_PAPER_BITS, MONTHS_PER_YEAR, YEAR_PAPER_BITS, SegmentLayout
from papers.index.postings import (
    MAX_INLINE_PER_MONTH,
    decode_doc_ids,
    shingle_bucket_field,
    shingle_field,
)
from papers.index.writing.term_batch import NO_KEYS, PostingKeys, merge_keys

HashFields = Mapping[bytes, bytes | None]
UInt64Array = NDArray[np.uint64]
_KEY_BITS: Final = 64
_KEY_BYTES: Final = 8
_SHINGLE_SHIFT: Final = np.uint64(YEAR_PAPER_BITS)
_MONTH_SHIFT: Final = np.uint64(MONTH_PAPER_BITS)
_PAPER_MASK: Final = np.uint64((1 << YEAR_PAPER_BITS) - 1)
_COUNT_STRUCT: Final = struct.Struct("<I")


class ShingleCodec(Protocol):
    """How the postings of pairs lie in the fields of a volume."""

    def decode(
        self, buckets: Iterable[int], shingles: Iterable[int], fields: HashFields
    ) -> PostingKeys:
        """The keys of some buckets, and of pairs that may have fields of their own, sorted."""

    def encode(self, keys: PostingKeys, buckets: Sequence[int]) -> dict[bytes, bytes]:
        """The fields that hold sorted keys, all of these buckets, which are sorted too."""

    def field_names(self, buckets: Iterable[int], shingles: Iterable[int]) -> list[bytes]:
        """Where the postings of some buckets, and of some pairs in them, may lie."""


def shingle_codec(layout: SegmentLayout, first_doc_id: int) -> ShingleCodec:
    """How they lie in a volume of that shape, of a year that begins at that place."""
    return (
        MonthShingleCodec(layout)
        if layout.span_months == 1
        else YearShingleCodec(layout, first_doc_id)
    )


class MonthShingleCodec:
    """A bucket is its keys."""

    def __init__(self, layout: SegmentLayout) -> None:
        self._bucket_bits = layout.shingle_bucket_bits

    def decode(
        self, buckets: Iterable[int], shingles: Iterable[int], fields: HashFields
    ) -> PostingKeys:
        """See `Pairs`; no pair has a field of its own."""
        kept = b"".join([fields.get(shingle_bucket_field(bucket)) or b"" for bucket in buckets])
        return np.frombuffer(kept, "<u8")

    def encode(self, keys: PostingKeys, buckets: Sequence[int]) -> dict[bytes, bytes]:
        """See `Pairs`."""
        ends, kept = bucket_bounds(keys, buckets, _KEY_BITS - self._bucket_bits), keys.tobytes()
        spans = zip(buckets, ends[:-1], ends[1:], strict=True)
        return {
            shingle_bucket_field(bucket): kept[_KEY_BYTES * start : _KEY_BYTES * end]
            for bucket, start, end in spans
            if start < end
        }

    def field_names(self, buckets: Iterable[int], shingles: Iterable[int]) -> list[bytes]:
        """See `Pairs`."""
        return [*map(shingle_bucket_field, buckets)]


class YearShingleCodec:
    """A bucket has each pair once: its months, how many papers of each, and their numbers."""

    def __init__(self, layout: SegmentLayout, first_doc_id: int) -> None:
        self._bucket_bits, self._first_doc_id = layout.shingle_bucket_bits, first_doc_id

    def decode(
        self, buckets: Iterable[int], shingles: Iterable[int], fields: HashFields
    ) -> PostingKeys:
        """See `Pairs`."""
        kept = [value for bucket in buckets if (value := fields.get(shingle_bucket_field(bucket)))]
        large = [
            self._decode_own_field(pair, own)
            for pair in shingles
            if (own := fields.get(shingle_field(pair)))
        ]
        small = (
            _concatenate_buckets(list(map(_ShingleBucket.decode, kept))).to_keys()
            if kept
            else NO_KEYS
        )
        return merge_keys(small, np.concatenate([NO_KEYS, *large]))

    def _decode_own_field(self, shingle: int, own: bytes) -> PostingKeys:
        papers = np.array(deserialize_bitmap(own).to_array(), np.uint64)
        keys: PostingKeys = np.uint64(shingle << YEAR_PAPER_BITS) | (
            papers - np.uint64(self._first_doc_id)
        )
        return keys

    def encode(self, keys: PostingKeys, buckets: Sequence[int]) -> dict[bytes, bytes]:
        """See `Pairs`."""
        large = _needs_own_field(keys)
        fields = self._encode_own_fields(keys[large])
        small = _ShingleBucket.from_keys(keys[~large])
        ends = bucket_bounds(
            small.shingles, buckets, _KEY_BITS - YEAR_PAPER_BITS - self._bucket_bits
        )
        for bucket, packed in zip(buckets, small.encode(ends), strict=True):
            if packed:
                fields[shingle_bucket_field(bucket)] = packed
        return fields

    def _encode_own_fields(self, keys: PostingKeys) -> dict[bytes, bytes]:
        pairs, places = distinct_shingles(keys)
        papers = ((keys & _PAPER_MASK) + np.uint64(self._first_doc_id)).astype("<u4")
        ends = np.searchsorted(places, np.arange(len(pairs) + 1)).tolist()
        return {
            shingle_field(pair): serialize_bitmap(decode_doc_ids(papers[start:end].tobytes()))
            for pair, start, end in zip(pairs.tolist(), ends[:-1], ends[1:], strict=True)
        }

    def field_names(self, buckets: Iterable[int], shingles: Iterable[int]) -> list[bytes]:
        """See `Pairs`."""
        return [*map(shingle_bucket_field, buckets), *map(shingle_field, shingles)]


class _ShingleBucket(NamedTuple):
    """The small postings of pairs of a year: `months` have a bit for each month of a pair.

    `sizes` tell how many papers each of these has, `numbers` who they are.
    """

    shingles: UInt64Array
    month_masks: NDArray[np.uint16]
    sizes: NDArray[np.uint8]
    paper_numbers: NDArray[np.uint16]

    @classmethod
    def from_keys(cls, keys: PostingKeys) -> _ShingleBucket:
        """That of sorted keys."""
        starts = _run_starts(keys >> _MONTH_SHIFT)
        sizes = np.diff(starts, append=len(keys)).astype(np.uint8)
        heads = keys[starts]
        first = _run_starts(heads >> _SHINGLE_SHIFT)
        months = np.left_shift(1, _months_of_keys(heads), dtype=np.uint16)
        together = np.bitwise_or.reduceat(months, first) if len(first) else months
        return cls(heads[first] >> _SHINGLE_SHIFT, together, sizes, keys.astype("<u2"))

    @classmethod
    def decode(cls, packed: bytes) -> _ShingleBucket:
        """That of a field."""
        (count,) = _COUNT_STRUCT.unpack_from(packed)
        pairs = np.frombuffer(packed, "<u8", count, _COUNT_STRUCT.size)
        at = _COUNT_STRUCT.size + pairs.nbytes
        months = np.frombuffer(packed, "<u2", count, at)
        at += months.nbytes
        held = int(np.bitwise_count(months).sum())
        sizes = np.frombuffer(packed, np.uint8, held, at)
        return cls(pairs, months, sizes, np.frombuffer(packed[at + held :], "<u2"))

    def encode(self, ends: Sequence[int]) -> Iterable[bytes]:
        """Those from each of these pairs to the next as a field has them; empty for none."""
        rows = _prefix_sums(np.bitwise_count(self.month_masks))[ends].tolist()
        papers = _prefix_sums(self.sizes)[rows].tolist()
        pairs, months = self.shingles.tobytes(), self.month_masks.tobytes()
        sizes, numbers = self.sizes.tobytes(), self.paper_numbers.tobytes()
        for n in range(len(ends) - 1):
            start, end = ends[n], ends[n + 1]
            if start == end:
                yield b""
                continue
            yield b"".join(
                (
                    _COUNT_STRUCT.pack(end - start),
                    pairs[_KEY_BYTES * start : _KEY_BYTES * end],
                    months[2 * start : 2 * end],
                    sizes[rows[n] : rows[n + 1]],
                    numbers[2 * papers[n] : 2 * papers[n + 1]],
                )
            )

    def to_keys(self) -> PostingKeys:
        """Its keys, sorted if its pairs are."""
        held = (
            self.month_masks[:, None] >> np.arange(MONTHS_PER_YEAR, dtype=np.uint16) & 1
        ).astype(bool)
        pairs, months = np.nonzero(held)
        heads = self.shingles[pairs] << _SHINGLE_SHIFT | months.astype(np.uint64) << _MONTH_SHIFT
        keys: PostingKeys = np.repeat(heads, self.sizes) | self.paper_numbers
        return keys


def _prefix_sums(numbers: NDArray[np.uint8]) -> NDArray[np.int64]:
    """What all numbers before each make together, and all of them."""
    return np.concatenate([[0], np.cumsum(numbers, dtype=np.int64)])


def _concatenate_buckets(buckets: Sequence[_ShingleBucket]) -> _ShingleBucket:
    return _ShingleBucket(*map(np.concatenate, zip(*buckets, strict=True)))


def distinct_shingles(keys: PostingKeys) -> tuple[UInt64Array, NDArray[np.int64]]:
    """The pairs of sorted keys, each once; and which of these each key is of."""
    pairs = keys >> _SHINGLE_SHIFT
    first = _first_occurrences(pairs)
    return pairs[first], np.cumsum(first) - 1


def _first_occurrences(numbers: UInt64Array) -> NDArray[np.bool_]:
    """Of sorted numbers, which are the first of their kind."""
    first = np.ones(len(numbers), bool)
    np.not_equal(numbers[1:], numbers[:-1], out=first[1:])
    return first


def _run_starts(numbers: UInt64Array) -> NDArray[np.int64]:
    """Where among sorted numbers another begins."""
    return np.flatnonzero(_first_occurrences(numbers))


def _months_of_keys(keys: PostingKeys) -> UInt64Array:
    months: UInt64Array = (keys & _PAPER_MASK) >> _MONTH_SHIFT
    return months


def _needs_own_field(keys: PostingKeys) -> NDArray[np.bool_]:
    """Of sorted keys, which are of pairs that more papers of a month have than fit in a bucket."""
    if not len(keys):
        return np.zeros(0, bool)
    starts = _run_starts(keys >> _MONTH_SHIFT)
    sizes, first = np.diff(starts, append=len(keys)), _run_starts(keys[starts] >> _SHINGLE_SHIFT)
    large = np.maximum.reduceat(sizes, first) > MAX_INLINE_PER_MONTH
    return np.repeat(large, np.add.reduceat(sizes, first))


def bucket_bounds(numbers: UInt64Array, buckets: Sequence[int], bits_below: int) -> list[int]:
    """Where sorted numbers pass from each of the sorted buckets to the next.

    `bits` are those below a bucket's; all numbers are of these buckets.
    """
    starts = np.array([bucket << bits_below for bucket in buckets], np.uint64)
    ends: list[int] = [*np.searchsorted(numbers, starts).tolist(), len(numbers)]
    return ends


def frequent_mask(keys: PostingKeys, min_papers: int) -> NDArray[np.bool_]:
    """Of sorted keys, which are of pairs that so many papers have."""
    pairs, places = distinct_shingles(keys)
    found: NDArray[np.bool_] = (np.bincount(places, minlength=len(pairs)) >= min_papers)[places]
    return found
