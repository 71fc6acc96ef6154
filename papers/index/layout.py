"""Segment layout: how many buckets and slots a segment has.

A segment is a month, or the compacted months of a year. Its layout says in which field of the
segment's hash a posting is (`papers.index.postings`), and grows with the segment by doubling.
Compaction is `papers.index.compaction.compactor`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple
from zlib import crc32

MONTH_PAPER_BITS: Final = 16
"""Bits of a paper's number in its month."""
MONTHS_PER_YEAR: Final = 12
YEAR_PAPER_BITS: Final = 20
"""Bits of a paper's number in its year: the month, from 0, above the number in the month."""
SHINGLE_BITS: Final = 44
"""Bits of a shingle's hash; with the bits of a paper in its year they are 64. A dense year has some
ten million shingles, so a shingle that no paper has collides with one of them once in a million."""

_MAX_SLOTS_PER_BUCKET_BITS: Final = 7
"""At most 128 slots share a bucket."""
_LAYOUT_STRUCT: Final = struct.Struct("<6BHH")


class SegmentLayout(NamedTuple):
    """The numbers of buckets and slots of a segment, as powers of two.

    `size_bits` is the bit length of the number of papers it was made for. With `slot_bits` 0 there
    are no slots: every shingle has a posting. `span_months` is 1 or 12. In a year `month_mask` has
    a bit for each month whose postings it has, `removed_mask` for each month that was removed
    since: readers ignore what postings say of it.

    The order of the fields is the stored format: see `pack`.
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
        """Return the layout of a month of `count` papers: its buckets are about 1.5 kB."""
        size = max(count, 1).bit_length()
        return cls(size, min(max(size - 1, 0), 12), max(size - 1, 0))

    @classmethod
    def for_year(
        cls, count: int, months: Iterable[int], *, year_ended: bool = True
    ) -> SegmentLayout:
        """Return the layout of a year of `count` papers in some months (YYYYMM).

        Only a year that has ended has slots; a slot has about two papers of each month, or more.
        """
        size = max(count, 1).bit_length()
        without_slots = cls(
            size_bits=size,
            term_bucket_bits=min(max(size - 2, 0), 15),
            shingle_bucket_bits=max(size - 2, 0),
            span_months=MONTHS_PER_YEAR,
            month_mask=sum(map(_month_bit, months)),
        )
        if not year_ended:
            return without_slots
        slot_bits = min(max(size + 1, _MAX_SLOTS_PER_BUCKET_BITS), 16)
        return without_slots._replace(
            shingle_bucket_bits=min(max(size - 4, 0), slot_bits),
            slot_bits=slot_bits,
            slot_bucket_bits=min(
                max(size - 4, slot_bits - _MAX_SLOTS_PER_BUCKET_BITS), slot_bits - 1
            ),
        )

    @classmethod
    def unpack(cls, packed: bytes | None) -> SegmentLayout:
        """Decode a layout; None, or an empty value, is the smallest layout of a month."""
        return _unpack(packed) if packed else _EMPTY_LAYOUT

    def with_month(self, month: int) -> SegmentLayout:
        """Return this layout of a year with the postings of one more month (YYYYMM)."""
        bit = _month_bit(month)
        return self._replace(
            span_months=MONTHS_PER_YEAR,
            month_mask=self.month_mask | bit,
            removed_mask=self.removed_mask & ~bit,
        )

    def without_month(self, month: int) -> SegmentLayout:
        """Return this layout of a year with a month (YYYYMM) marked as removed."""
        bit = _month_bit(month)
        return self._replace(
            month_mask=self.month_mask & ~bit, removed_mask=self.removed_mask | bit
        )

    def months_in(self, year: int) -> list[int]:
        """Return the months (YYYYMM) of `year` whose postings the segment has."""
        return [year * 100 + n + 1 for n in range(MONTHS_PER_YEAR) if self.month_mask >> n & 1]

    @property
    def month_count(self) -> int:
        """The number of months whose postings it has."""
        return self.month_mask.bit_count() or 1

    @property
    def papers_per_month(self) -> int:
        """A lower bound of the mean papers of a month when the layout was made."""
        return max((1 << self.size_bits - 1) // self.month_count, 1)

    def is_complete(self, months: int) -> bool:
        """Return whether `months` is the number of months whose postings it has, none removed."""
        return not self.removed_mask and months == self.month_count

    @property
    def slots_per_bucket(self) -> int:
        """The number of slots that share a bucket."""
        return 1 << (self.slot_bits - self.slot_bucket_bits)

    def pack(self) -> bytes:
        """Encode the layout as the value of `postings.LAYOUT_FIELD`."""
        return _LAYOUT_STRUCT.pack(*self)

    def term_bucket(self, term: bytes) -> int:
        """Return the bucket of a term with a small posting."""
        return crc32(term) >> (32 - self.term_bucket_bits)

    def term_buckets(self, terms: Iterable[bytes]) -> list[int]:
        """Return the buckets of many terms, in their order."""
        shift = 32 - self.term_bucket_bits
        return [hashed >> shift for hashed in map(crc32, terms)]

    def shingle_bucket(self, shingle: int) -> int:
        """Return the bucket of a shingle."""
        return shingle >> SHINGLE_BITS - self.shingle_bucket_bits

    def slot_of(self, shingle: int) -> int:
        """Return the slot of a shingle."""
        return shingle >> SHINGLE_BITS - self.slot_bits


@lru_cache(maxsize=256)
def _unpack(packed: bytes) -> SegmentLayout:
    """Decode a layout: a search reads the same few of them again and again."""
    return SegmentLayout(*_LAYOUT_STRUCT.unpack(packed))


def _month_bit(month: int) -> int:
    return 1 << month % 100 - 1


_EMPTY_LAYOUT: Final = SegmentLayout.for_month(0)
