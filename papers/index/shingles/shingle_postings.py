"""Shingle postings: hash fields decoded to sorted keys, and encoded from them.

The keys are those of `papers.index.shingles.shingle_keys`, the same in a month and in a year. The
format of the fields is that of `papers.index.postings`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from papers.index.bitmaps import deserialize_bitmap, serialize_bitmap
from papers.index.layout import MONTHS_PER_YEAR, YEAR_PAPER_BITS, SegmentLayout
from papers.index.postings import (
    MAX_INLINE_PER_MONTH,
    HashFields,
    decode_doc_ids,
    shingle_bucket_field,
    shingle_field,
)
from papers.index.shingles.shingle_keys import (
    KEY_BITS,
    KEY_BYTES,
    MONTH_SHIFT,
    NO_KEYS,
    SHINGLE_SHIFT,
    YEAR_PAPER_MASK,
    PostingKeys,
    UInt64Array,
    distinct_shingles,
    first_occurrences,
    merge_keys,
    months_of_keys,
)

_COUNT_STRUCT: Final = struct.Struct("<I")


class ShingleCodec(Protocol):
    """Encodes and decodes the shingle postings of a segment."""

    def decode(
        self, buckets: Iterable[int], shingles: Iterable[int], fields: HashFields
    ) -> PostingKeys:
        """Return the sorted keys of some buckets and of shingles that may have own fields."""

    def encode(self, keys: PostingKeys, buckets: Sequence[int]) -> dict[bytes, bytes]:
        """Return the fields of sorted keys, all of which are in these sorted buckets."""

    def field_names(self, buckets: Iterable[int], shingles: Iterable[int]) -> list[bytes]:
        """Return the fields that the postings of some buckets and shingles in them may be in."""


def shingle_codec(layout: SegmentLayout, first_doc_id: int) -> ShingleCodec:
    """Return the codec of a segment; `first_doc_id` is that of its year's January."""
    return (
        MonthShingleCodec(layout)
        if layout.span_months == 1
        else YearShingleCodec(layout, first_doc_id)
    )


class MonthShingleCodec:
    """Codec of a month: a bucket is its sorted keys, and no shingle has a field of its own."""

    def __init__(self, layout: SegmentLayout) -> None:
        self._bucket_bits = layout.shingle_bucket_bits

    def decode(
        self, buckets: Iterable[int], shingles: Iterable[int], fields: HashFields
    ) -> PostingKeys:
        """Return the keys, in a read-only array; see `ShingleCodec`."""
        packed = b"".join([fields.get(shingle_bucket_field(bucket)) or b"" for bucket in buckets])
        return np.frombuffer(packed, "<u8")

    def encode(self, keys: PostingKeys, buckets: Sequence[int]) -> dict[bytes, bytes]:
        """See `ShingleCodec`."""
        ends, packed = bucket_bounds(keys, buckets, KEY_BITS - self._bucket_bits), keys.tobytes()
        spans = zip(buckets, ends[:-1], ends[1:], strict=True)
        return {
            shingle_bucket_field(bucket): packed[KEY_BYTES * start : KEY_BYTES * end]
            for bucket, start, end in spans
            if start < end
        }

    def field_names(self, buckets: Iterable[int], shingles: Iterable[int]) -> list[bytes]:
        """See `ShingleCodec`."""
        return [*map(shingle_bucket_field, buckets)]


class YearShingleCodec:
    """Codec of a year: a bucket has each shingle once, see `postings.find_shingle_in_year`."""

    def __init__(self, layout: SegmentLayout, first_doc_id: int) -> None:
        self._bucket_bits, self._first_doc_id = layout.shingle_bucket_bits, first_doc_id

    def decode(
        self, buckets: Iterable[int], shingles: Iterable[int], fields: HashFields
    ) -> PostingKeys:
        """See `ShingleCodec`."""
        packed = filter(None, map(fields.get, map(shingle_bucket_field, buckets)))
        decoded = list(map(_ShingleBucket.decode, packed))
        small = _ShingleBucket.concatenate(decoded).to_keys() if decoded else NO_KEYS
        large = [
            self._decode_own_field(shingle, own)
            for shingle in shingles
            if (own := fields.get(shingle_field(shingle)))
        ]
        return merge_keys(small, np.concatenate([NO_KEYS, *large]))

    def _decode_own_field(self, shingle: int, own: bytes) -> PostingKeys:
        papers = np.array(deserialize_bitmap(own).to_array(), np.uint64)
        keys: PostingKeys = np.uint64(shingle << YEAR_PAPER_BITS) | (
            papers - np.uint64(self._first_doc_id)
        )
        return keys

    def encode(self, keys: PostingKeys, buckets: Sequence[int]) -> dict[bytes, bytes]:
        """See `ShingleCodec`."""
        large = _needs_own_field(keys)
        fields = self._encode_own_fields(keys[large])
        small = _ShingleBucket.from_keys(keys[~large])
        ends = bucket_bounds(
            small.shingles, buckets, KEY_BITS - YEAR_PAPER_BITS - self._bucket_bits
        )
        for bucket, packed in zip(buckets, small.encode(ends), strict=True):
            if packed:
                fields[shingle_bucket_field(bucket)] = packed
        return fields

    def _encode_own_fields(self, keys: PostingKeys) -> dict[bytes, bytes]:
        shingles, indexes = distinct_shingles(keys)
        doc_ids = ((keys & YEAR_PAPER_MASK) + np.uint64(self._first_doc_id)).astype("<u4")
        ends = np.searchsorted(indexes, np.arange(len(shingles) + 1)).tolist()
        return {
            shingle_field(shingle): serialize_bitmap(decode_doc_ids(doc_ids[start:end].tobytes()))
            for shingle, start, end in zip(shingles.tolist(), ends[:-1], ends[1:], strict=True)
        }

    def field_names(self, buckets: Iterable[int], shingles: Iterable[int]) -> list[bytes]:
        """See `ShingleCodec`."""
        return [*map(shingle_bucket_field, buckets), *map(shingle_field, shingles)]


class _ShingleBucket(NamedTuple):
    """Small postings of sorted shingles of a year, as columns.

    `month_masks` have a bit for each month of a shingle, `sizes` the number of papers in each such
    month, `paper_numbers` those papers' numbers in their months.
    """

    shingles: UInt64Array
    month_masks: NDArray[np.uint16]
    sizes: NDArray[np.uint8]
    paper_numbers: NDArray[np.uint16]

    @classmethod
    def from_keys(cls, keys: PostingKeys) -> _ShingleBucket:
        """Return the bucket of sorted keys."""
        starts = _run_starts(keys >> MONTH_SHIFT)
        sizes = np.diff(starts, append=len(keys)).astype(np.uint8)
        heads = keys[starts]
        first = _run_starts(heads >> SHINGLE_SHIFT)
        months = np.left_shift(1, months_of_keys(heads), dtype=np.uint16)
        together = np.bitwise_or.reduceat(months, first) if len(first) else months
        return cls(heads[first] >> SHINGLE_SHIFT, together, sizes, keys.astype("<u2"))

    @classmethod
    def decode(cls, packed: bytes) -> _ShingleBucket:
        """Decode the value of a field."""
        (count,) = _COUNT_STRUCT.unpack_from(packed)
        shingles = np.frombuffer(packed, "<u8", count, _COUNT_STRUCT.size)
        at = _COUNT_STRUCT.size + shingles.nbytes
        months = np.frombuffer(packed, "<u2", count, at)
        at += months.nbytes
        size_count = int(np.bitwise_count(months).sum())
        sizes = np.frombuffer(packed, np.uint8, size_count, at)
        numbers = np.frombuffer(packed[at + size_count :], "<u2")
        return cls(shingles, months, sizes, numbers)

    @classmethod
    def concatenate(cls, buckets: Sequence[_ShingleBucket]) -> _ShingleBucket:
        """Return one or more buckets as one."""
        return cls(*map(np.concatenate, zip(*buckets, strict=True)))

    def encode(self, ends: Sequence[int]) -> Iterable[bytes]:
        """Yield the field value of the shingles between consecutive indexes; b"" for none."""
        rows = _prefix_sums(np.bitwise_count(self.month_masks))[ends].tolist()
        papers = _prefix_sums(self.sizes)[rows].tolist()
        shingles, months = self.shingles.tobytes(), self.month_masks.tobytes()
        sizes, numbers = self.sizes.tobytes(), self.paper_numbers.tobytes()
        for n in range(len(ends) - 1):
            start, end = ends[n], ends[n + 1]
            if start == end:
                yield b""
                continue
            yield b"".join(
                (
                    _COUNT_STRUCT.pack(end - start),
                    shingles[KEY_BYTES * start : KEY_BYTES * end],
                    months[2 * start : 2 * end],
                    sizes[rows[n] : rows[n + 1]],
                    numbers[2 * papers[n] : 2 * papers[n + 1]],
                )
            )

    def to_keys(self) -> PostingKeys:
        """Return the keys, sorted if the shingles are."""
        has_month = (
            self.month_masks[:, None] >> np.arange(MONTHS_PER_YEAR, dtype=np.uint16) & 1
        ).astype(bool)
        indexes, months = np.nonzero(has_month)
        heads = self.shingles[indexes] << SHINGLE_SHIFT | months.astype(np.uint64) << MONTH_SHIFT
        keys: PostingKeys = np.repeat(heads, self.sizes) | self.paper_numbers
        return keys


def _prefix_sums(numbers: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the sum of the numbers before each index, and of all of them last."""
    return np.concatenate([[0], np.cumsum(numbers, dtype=np.int64)])


def _run_starts(numbers: UInt64Array) -> NDArray[np.int64]:
    """Return the indexes where runs of equal sorted numbers begin."""
    return np.flatnonzero(first_occurrences(numbers))


def _needs_own_field(keys: PostingKeys) -> NDArray[np.bool_]:
    """Return a mask of the sorted keys whose shingle is too frequent in a month for a bucket."""
    if not len(keys):
        return np.zeros(0, bool)
    starts = _run_starts(keys >> MONTH_SHIFT)
    sizes, first = np.diff(starts, append=len(keys)), _run_starts(keys[starts] >> SHINGLE_SHIFT)
    large = np.maximum.reduceat(sizes, first) > MAX_INLINE_PER_MONTH
    return np.repeat(large, np.add.reduceat(sizes, first))


def bucket_bounds(numbers: UInt64Array, buckets: Sequence[int], bits_below: int) -> list[int]:
    """Return the index where each sorted bucket begins in sorted numbers, and their length last.

    A bucket is a number without its lowest `bits_below` bits; all numbers are in these buckets.
    """
    starts = np.array([bucket << bits_below for bucket in buckets], np.uint64)
    ends: list[int] = [*np.searchsorted(numbers, starts).tolist(), len(numbers)]
    return ends


def frequent_mask(keys: PostingKeys, min_papers: int) -> NDArray[np.bool_]:
    """Return a mask of the sorted keys whose shingle at least `min_papers` papers have."""
    shingles, indexes = distinct_shingles(keys)
    is_frequent = np.bincount(indexes, minlength=len(shingles)) >= min_papers
    mask: NDArray[np.bool_] = is_frequent[indexes]
    return mask
