"""How large a segment is: a month, or the closed months of a year.

It says where in the segment's hash a posting lies (`papers.index.postings`), and grows with the
segment; closing is `papers.index.compaction.compactor`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple
from zlib import crc32

PAPER_BITS: Final = 16
"""Of the number of a paper in its month."""
YEAR: Final = 12
"""The months of a year."""
YEAR_BITS: Final = 20
"""Of the number of a paper in its year: the month, from 0, before that in the month."""
PAIR_BITS: Final = 44
"""Of the hash of a pair: with that of a paper in its year they are 64. By chance a volume has
another pair of the same hash as one asked for once in a million times: a dense year has some ten
million."""

_MOST_SLOTS_BITS: Final = 7
"""A bucket has 128 slots at most."""
_PACKED: Final = struct.Struct("<6BHH")


class Shape(NamedTuple):
    """How large a volume is, in powers of two: buckets of terms, of pairs, slots and their buckets.

    `size` is the bit length of how many papers it was made for. Where `slot_bits` are 0 there are
    no slots: every pair has a posting. `months` are 1 or 12. Of a year `held` has a bit for each
    month whose postings lie there, `gone` for each that was removed since: what postings say of it
    counts no more.
    """

    size: int
    bucket_bits: int
    pair_bucket_bits: int
    slot_bits: int = 0
    slot_bucket_bits: int = 0
    months: int = 1
    held: int = 0
    gone: int = 0

    @classmethod
    def for_papers(cls, count: int) -> Shape:
        """The shape for a month of so many papers: a bucket is near 1.5 kB."""
        size = max(count, 1).bit_length()
        return cls(size, min(max(size - 1, 0), 12), max(size - 1, 0))

    @classmethod
    def for_year(cls, count: int, months: Iterable[int], *, over: bool = True) -> Shape:
        """The shape for so many papers of some months (YYYYMM) of a year; `over` if it has slots.

        A slot has some two papers of each month then, or more.
        """
        size = max(count, 1).bit_length()
        whole = cls(
            size=size,
            bucket_bits=min(max(size - 2, 0), 15),
            pair_bucket_bits=max(size - 2, 0),
            months=YEAR,
            held=sum(map(_bit, months)),
        )
        if not over:
            return whole
        slot_bits = min(max(size + 1, _MOST_SLOTS_BITS), 16)
        return whole._replace(
            pair_bucket_bits=min(max(size - 4, 0), slot_bits),
            slot_bits=slot_bits,
            slot_bucket_bits=min(max(size - 4, slot_bits - _MOST_SLOTS_BITS), slot_bits - 1),
        )

    @classmethod
    def unpack(cls, packed: bytes | None) -> Shape:
        """The shape a volume has; one without papers has the smallest of a month."""
        return _unpacked(packed) if packed else _SMALLEST

    def with_month(self, month: int) -> Shape:
        """The same of a year that has a month's (YYYYMM) postings too."""
        bit = _bit(month)
        return self._replace(months=YEAR, held=self.held | bit, gone=self.gone & ~bit)

    def without(self, month: int) -> Shape:
        """The same without a month (YYYYMM) of its year."""
        bit = _bit(month)
        return self._replace(held=self.held & ~bit, gone=self.gone | bit)

    def months_of(self, year: int) -> list[int]:
        """The months (YYYYMM) of a year whose postings lie there."""
        return [year * 100 + n + 1 for n in range(YEAR) if self.held >> n & 1]

    @property
    def told(self) -> int:
        """Of how many months its postings tell."""
        return self.held.bit_count() or 1

    @property
    def papers(self) -> int:
        """Some papers fewer than each of its months had when it was made."""
        return max((1 << self.size - 1) // self.told, 1)

    def is_whole(self, months: int) -> bool:
        """Whether so many of its months are all that its postings tell of."""
        return not self.gone and months == self.told

    @property
    def slots_a_bucket(self) -> int:
        """How many slots share a bucket."""
        return 1 << (self.slot_bits - self.slot_bucket_bits)

    def pack(self) -> bytes:
        """The value of the field `shape`."""
        return _PACKED.pack(*self)

    def bucket(self, term: bytes) -> int:
        """The bucket that holds a term with a small posting."""
        return crc32(term) >> (32 - self.bucket_bits)

    def buckets(self, terms: Iterable[bytes]) -> list[int]:
        """The buckets of many terms."""
        shift = 32 - self.bucket_bits
        return [hashed >> shift for hashed in map(crc32, terms)]

    def pair_bucket(self, pair: int) -> int:
        """The bucket that holds a pair."""
        return pair >> PAIR_BITS - self.pair_bucket_bits

    def slot(self, pair: int) -> int:
        """The slot of a pair's hash."""
        return pair >> PAIR_BITS - self.slot_bits


@lru_cache(maxsize=1024)
def _unpacked(packed: bytes) -> Shape:
    return Shape(*_PACKED.unpack(packed))


def _bit(month: int) -> int:
    return 1 << month % 100 - 1


_SMALLEST: Final = Shape.for_papers(0)
