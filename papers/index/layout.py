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

MONTH_PAPER_BITS: Final = 16
"""Of the number of a paper in its month."""
MONTHS_PER_YEAR: Final = 12
"""The months of a year."""
YEAR_PAPER_BITS: Final = 20
"""Of the number of a paper in its year: the month, from 0, before that in the month."""
SHINGLE_BITS: Final = 44
"""Of the hash of a pair: with that of a paper in its year they are 64. By chance a volume has
another pair of the same hash as one asked for once in a million times: a dense year has some ten
million."""

_MAX_SLOTS_PER_BUCKET_BITS: Final = 7
"""A bucket has 128 slots at most."""
_LAYOUT_STRUCT: Final = struct.Struct("<6BHH")


class SegmentLayout(NamedTuple):
    """How large a volume is, in powers of two: buckets of terms, of pairs, slots and their buckets.

    `size` is the bit length of how many papers it was made for. Where `slot_bits` are 0 there are
    no slots: every pair has a posting. `months` are 1 or 12. Of a year `held` has a bit for each
    month whose postings lie there, `gone` for each that was removed since: what postings say of it
    counts no more.
    """

    size_bits: int
    term_bucket_bits: int
    shingle_bucket_bits: int
    slot_bits: int = 0
    slot_bucket_bits: int = 0
    span_months: int = 1
    month_mask: int = 0
    removed_mask: int = 0

    @classmethod
    def for_month(cls, count: int) -> SegmentLayout:
        """The shape for a month of so many papers: a bucket is near 1.5 kB."""
        size = max(count, 1).bit_length()
        return cls(size, min(max(size - 1, 0), 12), max(size - 1, 0))

    @classmethod
    def for_year(
        cls, count: int, months: Iterable[int], *, year_ended: bool = True
    ) -> SegmentLayout:
        """The shape for so many papers of some months (YYYYMM) of a year; `over` if it has slots.

        A slot has some two papers of each month then, or more.
        """
        size = max(count, 1).bit_length()
        whole = cls(
            size_bits=size,
            term_bucket_bits=min(max(size - 2, 0), 15),
            shingle_bucket_bits=max(size - 2, 0),
            span_months=MONTHS_PER_YEAR,
            month_mask=sum(map(_month_bit, months)),
        )
        if not year_ended:
            return whole
        slot_bits = min(max(size + 1, _MAX_SLOTS_PER_BUCKET_BITS), 16)
        return whole._replace(
            shingle_bucket_bits=min(max(size - 4, 0), slot_bits),
            slot_bits=slot_bits,
            slot_bucket_bits=min(
                max(size - 4, slot_bits - _MAX_SLOTS_PER_BUCKET_BITS), slot_bits - 1
            ),
        )

    @classmethod
    def unpack(cls, packed: bytes | None) -> SegmentLayout:
        """The shape a volume has; one without papers has the smallest of a month."""
        return _unpack_layout(packed) if packed else _EMPTY_LAYOUT

    def with_month(self, month: int) -> SegmentLayout:
        """The same of a year that has a month's (YYYYMM) postings too."""
        bit = _month_bit(month)
        return self._replace(
            span_months=MONTHS_PER_YEAR,
            month_mask=self.month_mask | bit,
            removed_mask=self.removed_mask & ~bit,
        )

    def without_month(self, month: int) -> SegmentLayout:
        """The same without a month (YYYYMM) of its year."""
        bit = _month_bit(month)
        return self._replace(
            month_mask=self.month_mask & ~bit, removed_mask=self.removed_mask | bit
        )

    def months_in(self, year: int) -> list[int]:
        """The months (YYYYMM) of a year whose postings lie there."""
        return [year * 100 + n + 1 for n in range(MONTHS_PER_YEAR) if self.month_mask >> n & 1]

    @property
    def month_count(self) -> int:
        """Of how many months its postings tell."""
        return self.month_mask.bit_count() or 1

    @property
    def papers_per_month(self) -> int:
        """Some papers fewer than each of its months had when it was made."""
        return max((1 << self.size_bits - 1) // self.month_count, 1)

    def is_complete(self, months: int) -> bool:
        """Whether so many of its months are all that its postings tell of."""
        return not self.removed_mask and months == self.month_count

    @property
    def slots_per_bucket(self) -> int:
        """How many slots share a bucket."""
        return 1 << (self.slot_bits - self.slot_bucket_bits)

    def pack(self) -> bytes:
        """The value of the field `shape`."""
        return _LAYOUT_STRUCT.pack(*self)

    def term_bucket(self, term: bytes) -> int:
        """The bucket that holds a term with a small posting."""
        return crc32(term) >> (32 - self.term_bucket_bits)

    def term_buckets(self, terms: Iterable[bytes]) -> list[int]:
        """The buckets of many terms."""
        shift = 32 - self.term_bucket_bits
        return [hashed >> shift for hashed in map(crc32, terms)]

    def shingle_bucket(self, shingle: int) -> int:
        """The bucket that holds a pair."""
        return shingle >> SHINGLE_BITS - self.shingle_bucket_bits

    def slot_of(self, shingle: int) -> int:
        """The slot of a pair's hash."""
        return shingle >> SHINGLE_BITS - self.slot_bits


@lru_cache(maxsize=1024)
def _unpack_layout(packed: bytes) -> SegmentLayout:
    return SegmentLayout(*_LAYOUT_STRUCT.unpack(packed))


def _month_bit(month: int) -> int:
    return 1 << month % 100 - 1


_EMPTY_LAYOUT: Final = SegmentLayout.for_month(0)
