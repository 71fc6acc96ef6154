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

from papers.index.bitmaps import deserialized, serialized
from papers.index.layout import PAPER_BITS, YEAR, YEAR_BITS, Shape
from papers.index.postings import LARGEST_OF_MONTH, bitmap, pair_field, pairs_field
from papers.index.term_batch import NO_KEYS, Keys, together

Fields = Mapping[bytes, bytes | None]
Numbers = NDArray[np.uint64]
_KEY_BITS: Final = 64
_KEY_BYTES: Final = 8
_BELOW: Final = np.uint64(YEAR_BITS)
_MONTHS: Final = np.uint64(PAPER_BITS)
_PAPER: Final = np.uint64((1 << YEAR_BITS) - 1)
_COUNT: Final = struct.Struct("<I")


class Pairs(Protocol):
    """How the postings of pairs lie in the fields of a volume."""

    def unpacked(self, buckets: Iterable[int], pairs: Iterable[int], fields: Fields) -> Keys:
        """The keys of some buckets, and of pairs that may have fields of their own, sorted."""

    def packed(self, keys: Keys, buckets: Sequence[int]) -> dict[bytes, bytes]:
        """The fields that hold sorted keys, all of these buckets, which are sorted too."""

    def fields(self, buckets: Iterable[int], pairs: Iterable[int]) -> list[bytes]:
        """Where the postings of some buckets, and of some pairs in them, may lie."""


def pairs_in(shape: Shape, first: int) -> Pairs:
    """How they lie in a volume of that shape, of a year that begins at that place."""
    return InMonth(shape) if shape.months == 1 else InYear(shape, first)


class InMonth:
    """A bucket is its keys."""

    def __init__(self, shape: Shape) -> None:
        self._bits = shape.pair_bucket_bits

    def unpacked(self, buckets: Iterable[int], pairs: Iterable[int], fields: Fields) -> Keys:
        """See `Pairs`; no pair has a field of its own."""
        kept = b"".join([fields.get(pairs_field(bucket)) or b"" for bucket in buckets])
        return np.frombuffer(kept, "<u8")

    def packed(self, keys: Keys, buckets: Sequence[int]) -> dict[bytes, bytes]:
        """See `Pairs`."""
        ends, kept = bounds(keys, buckets, _KEY_BITS - self._bits), keys.tobytes()
        spans = zip(buckets, ends[:-1], ends[1:], strict=True)
        return {
            pairs_field(bucket): kept[_KEY_BYTES * start : _KEY_BYTES * end]
            for bucket, start, end in spans
            if start < end
        }

    def fields(self, buckets: Iterable[int], pairs: Iterable[int]) -> list[bytes]:
        """See `Pairs`."""
        return [*map(pairs_field, buckets)]


class InYear:
    """A bucket has each pair once: its months, how many papers of each, and their numbers."""

    def __init__(self, shape: Shape, first: int) -> None:
        self._bits, self._first = shape.pair_bucket_bits, first

    def unpacked(self, buckets: Iterable[int], pairs: Iterable[int], fields: Fields) -> Keys:
        """See `Pairs`."""
        kept = [value for bucket in buckets if (value := fields.get(pairs_field(bucket)))]
        large = [self._large(pair, own) for pair in pairs if (own := fields.get(pair_field(pair)))]
        small = _together(list(map(_Bucket.unpacked, kept))).keys() if kept else NO_KEYS
        return together(small, np.concatenate([NO_KEYS, *large]))

    def _large(self, pair: int, own: bytes) -> Keys:
        papers = np.array(deserialized(own).to_array(), np.uint64)
        keys: Keys = np.uint64(pair << YEAR_BITS) | (papers - np.uint64(self._first))
        return keys

    def packed(self, keys: Keys, buckets: Sequence[int]) -> dict[bytes, bytes]:
        """See `Pairs`."""
        large = _is_large(keys)
        fields = self._of_their_own(keys[large])
        small = _Bucket.of(keys[~large])
        ends = bounds(small.pairs, buckets, _KEY_BITS - YEAR_BITS - self._bits)
        for bucket, packed in zip(buckets, small.packed(ends), strict=True):
            if packed:
                fields[pairs_field(bucket)] = packed
        return fields

    def _of_their_own(self, keys: Keys) -> dict[bytes, bytes]:
        pairs, places = distinct(keys)
        papers = ((keys & _PAPER) + np.uint64(self._first)).astype("<u4")
        ends = np.searchsorted(places, np.arange(len(pairs) + 1)).tolist()
        return {
            pair_field(pair): serialized(bitmap(papers[start:end].tobytes()))
            for pair, start, end in zip(pairs.tolist(), ends[:-1], ends[1:], strict=True)
        }

    def fields(self, buckets: Iterable[int], pairs: Iterable[int]) -> list[bytes]:
        """See `Pairs`."""
        return [*map(pairs_field, buckets), *map(pair_field, pairs)]


class _Bucket(NamedTuple):
    """The small postings of pairs of a year: `months` have a bit for each month of a pair.

    `sizes` tell how many papers each of these has, `numbers` who they are.
    """

    pairs: Numbers
    months: NDArray[np.uint16]
    sizes: NDArray[np.uint8]
    numbers: NDArray[np.uint16]

    @classmethod
    def of(cls, keys: Keys) -> _Bucket:
        """That of sorted keys."""
        starts = _starts(keys >> _MONTHS)
        sizes = np.diff(starts, append=len(keys)).astype(np.uint8)
        heads = keys[starts]
        first = _starts(heads >> _BELOW)
        months = np.left_shift(1, _months(heads), dtype=np.uint16)
        together = np.bitwise_or.reduceat(months, first) if len(first) else months
        return cls(heads[first] >> _BELOW, together, sizes, keys.astype("<u2"))

    @classmethod
    def unpacked(cls, packed: bytes) -> _Bucket:
        """That of a field."""
        (count,) = _COUNT.unpack_from(packed)
        pairs = np.frombuffer(packed, "<u8", count, _COUNT.size)
        at = _COUNT.size + pairs.nbytes
        months = np.frombuffer(packed, "<u2", count, at)
        at += months.nbytes
        held = int(np.bitwise_count(months).sum())
        sizes = np.frombuffer(packed, np.uint8, held, at)
        return cls(pairs, months, sizes, np.frombuffer(packed[at + held :], "<u2"))

    def packed(self, ends: Sequence[int]) -> Iterable[bytes]:
        """Those from each of these pairs to the next as a field has them; empty for none."""
        rows = _sums(np.bitwise_count(self.months))[ends].tolist()
        papers = _sums(self.sizes)[rows].tolist()
        pairs, months = self.pairs.tobytes(), self.months.tobytes()
        sizes, numbers = self.sizes.tobytes(), self.numbers.tobytes()
        for n in range(len(ends) - 1):
            start, end = ends[n], ends[n + 1]
            if start == end:
                yield b""
                continue
            yield b"".join(
                (
                    _COUNT.pack(end - start),
                    pairs[_KEY_BYTES * start : _KEY_BYTES * end],
                    months[2 * start : 2 * end],
                    sizes[rows[n] : rows[n + 1]],
                    numbers[2 * papers[n] : 2 * papers[n + 1]],
                )
            )

    def keys(self) -> Keys:
        """Its keys, sorted if its pairs are."""
        held = (self.months[:, None] >> np.arange(YEAR, dtype=np.uint16) & 1).astype(bool)
        pairs, months = np.nonzero(held)
        heads = self.pairs[pairs] << _BELOW | months.astype(np.uint64) << _MONTHS
        keys: Keys = np.repeat(heads, self.sizes) | self.numbers
        return keys


def _sums(numbers: NDArray[np.uint8]) -> NDArray[np.int64]:
    """What all numbers before each make together, and all of them."""
    return np.concatenate([[0], np.cumsum(numbers, dtype=np.int64)])


def _together(buckets: Sequence[_Bucket]) -> _Bucket:
    return _Bucket(*map(np.concatenate, zip(*buckets, strict=True)))


def distinct(keys: Keys) -> tuple[Numbers, NDArray[np.int64]]:
    """The pairs of sorted keys, each once; and which of these each key is of."""
    pairs = keys >> _BELOW
    first = _is_first(pairs)
    return pairs[first], np.cumsum(first) - 1


def _is_first(numbers: Numbers) -> NDArray[np.bool_]:
    """Of sorted numbers, which are the first of their kind."""
    first = np.ones(len(numbers), bool)
    np.not_equal(numbers[1:], numbers[:-1], out=first[1:])
    return first


def _starts(numbers: Numbers) -> NDArray[np.int64]:
    """Where among sorted numbers another begins."""
    return np.flatnonzero(_is_first(numbers))


def _months(keys: Keys) -> Numbers:
    months: Numbers = (keys & _PAPER) >> _MONTHS
    return months


def _is_large(keys: Keys) -> NDArray[np.bool_]:
    """Of sorted keys, which are of pairs that more papers of a month have than fit in a bucket."""
    if not len(keys):
        return np.zeros(0, bool)
    starts = _starts(keys >> _MONTHS)
    sizes, first = np.diff(starts, append=len(keys)), _starts(keys[starts] >> _BELOW)
    large = np.maximum.reduceat(sizes, first) > LARGEST_OF_MONTH
    return np.repeat(large, np.add.reduceat(sizes, first))


def bounds(numbers: Numbers, buckets: Sequence[int], bits: int) -> list[int]:
    """Where sorted numbers pass from each of the sorted buckets to the next.

    `bits` are those below a bucket's; all numbers are of these buckets.
    """
    starts = np.array([bucket << bits for bucket in buckets], np.uint64)
    ends: list[int] = [*np.searchsorted(numbers, starts).tolist(), len(numbers)]
    return ends


def frequent(keys: Keys, fewest: int) -> NDArray[np.bool_]:
    """Of sorted keys, which are of pairs that so many papers have."""
    pairs, places = distinct(keys)
    found: NDArray[np.bool_] = (np.bincount(places, minlength=len(pairs)) >= fewest)[places]
    return found
