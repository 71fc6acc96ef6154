"""Segments as a process knows them: months (YYYYMM), compacted years (YYYY), which month is where.

`papers.index.postings` describes how the postings of a segment are packed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from pyroaring import BitMap

from papers.index import bitmaps, postings
from papers.index.layout import MONTHS_PER_YEAR, SegmentLayout
from papers.model.arxiv_id import format_yymm, month_ordinal
from papers.redis_backend import keys
from papers.search.evaluate import PostingKey, shingle_slot_key

_MAX_YEAR: Final = 9_999
_ASSUMED_PAPERS: Final = 1 << 12
_MAX_LOCATED: Final = 256
_MAX_HASH_FIELDS: Final = 1_024

HashFields = tuple[bytes, ...]
"""Field names of a Redis hash."""
Months = tuple[int, ...]
"""Months (YYYYMM), in order."""
SegmentPosting = BitMap | bitmaps.PaddedBitmap | bitmaps.ArrayContainers | bytes
"""A posting of one segment in the form that is fastest to use; a short one stays packed."""
SegmentPostings = dict[PostingKey, SegmentPosting | None]
"""Postings of a segment, None for those it lacks; slots only for shingles without a posting."""


class Segment(NamedTuple):
    """Some months of a segment, as far as it is known.

    `period` is the segment's month (YYYYMM) or year (YYYY), `redis_key` the hash of its postings.
    `estimated_papers` is a little less than these months had when the layout was last read, and
    large for a segment never read. `is_complete`: its postings have papers of no other month.
    """

    period: int
    layout: SegmentLayout
    months: Months
    redis_key: str
    estimated_papers: int
    is_complete: bool

    @property
    def first_month_ordinal(self) -> int:
        """The ordinal of its first month (`papers.model.arxiv_id.month_ordinal`)."""
        return month_ordinal(self.period if self.period > _MAX_YEAR else self.period * 100 + 1)


class SegmentLookup(NamedTuple):
    """The postings wanted of a segment, and those of its postings that are cached."""

    segment: Segment
    keys: Sequence[PostingKey]
    cached: SegmentPostings

    @property
    def missing_keys(self) -> tuple[PostingKey, ...]:
        """The postings that are wanted and not cached."""
        cached = self.cached
        return tuple([key for key in self.keys if key not in cached])


class SegmentMap:
    """The known layouts of segments; the layout of a year says which months are in it.

    Threads share it. Every change replaces one immutable state, so no thread sees half of it.
    """

    def __init__(self) -> None:
        self._known = _KnownSegments({})
        self._hash_fields: dict[tuple[SegmentLayout, tuple[PostingKey, ...]], HashFields] = {}

    def layout_of(self, period: int) -> SegmentLayout:
        """Return the layout of a segment; the empty one if it is not known."""
        return self._known.layouts.get(period) or SegmentLayout.unpack(None)

    def set_layout(self, period: int, layout: SegmentLayout) -> None:
        """Record the layout of a segment."""
        known = self._known.layouts
        if known.get(period) != layout:
            self._known = _KnownSegments({**known, period: layout})

    def locate(self, months: Months) -> Sequence[Segment]:
        """Return the segments of months, in their order; neighbors in one year together."""
        return self._known.locate(months)

    def hash_fields(self, layout: SegmentLayout, wanted: tuple[PostingKey, ...]) -> HashFields:
        """Return `hash_fields`, cached: segments often share a layout."""
        key = (layout, wanted)
        fields = self._hash_fields.get(key)
        if fields is None:
            if len(self._hash_fields) >= _MAX_HASH_FIELDS:
                self._hash_fields.clear()
            self._hash_fields[key] = fields = hash_fields(layout, wanted)
        return fields


class _KnownSegments:
    """The layouts known at one time, and a bounded cache of `locate`."""

    def __init__(self, layouts: Mapping[int, SegmentLayout]) -> None:
        self.layouts = layouts
        years = [(year, layout) for year, layout in layouts.items() if year <= _MAX_YEAR]
        self._period_of_month = _PeriodOfMonth(
            (month, year) for year, layout in years for month in layout.months_in(year)
        )
        self._located: dict[Months, Sequence[Segment]] = {}

    def locate(self, months: Months) -> Sequence[Segment]:
        found = self._located.get(months)
        if found is None:
            if len(self._located) >= _MAX_LOCATED:
                self._located.clear()
            groups = groupby(months, self._period_of_month.__getitem__)
            found = [self._segment(period, tuple(group)) for period, group in groups]
            self._located[months] = found
        return found

    def _segment(self, period: int, months: Months) -> Segment:
        known = self.layouts.get(period)
        layout = known or SegmentLayout.unpack(None)
        papers = len(months) * (known.papers_per_month if known else _ASSUMED_PAPERS)
        is_complete = layout.is_complete(len(months))
        return Segment(period, layout, months, _redis_key(period), papers, is_complete)


class _PeriodOfMonth(dict[int, int]):
    """Maps a month to the period of its segment: itself, unless its year is known to have it."""

    def __missing__(self, month: int) -> int:
        return month


def _redis_key(period: int) -> str:
    """Return the key of a segment's postings: that of 202503 by `2503`, that of 2025 by `25`."""
    return keys.segment_postings(
        format_yymm(period) if period > _MAX_YEAR else f"{period % 100:02}"
    )


def hash_fields(layout: SegmentLayout, wanted: Iterable[PostingKey]) -> HashFields:
    """Return the hash fields to read of a segment: its layout, then the fields of each posting."""
    names = [postings.LAYOUT_FIELD]
    for key in wanted:
        if isinstance(key, bytes):
            bucket = layout.term_bucket(key)
            names += [postings.term_field(key), postings.term_bucket_field(bucket)]
        else:
            names += _shingle_fields(layout, key)
    return tuple(names)


def _shingle_fields(layout: SegmentLayout, shingle: int) -> list[bytes]:
    bucket_field = postings.shingle_bucket_field(layout.shingle_bucket(shingle))
    if layout.span_months == 1:
        return [bucket_field]
    names = [postings.shingle_field(shingle), bucket_field]
    if layout.slot_bits:
        slot = layout.slot_of(shingle)
        bucket = slot // layout.slots_per_bucket
        names += [postings.slot_field(slot), postings.slot_bucket_field(bucket)]
    return names


def decode_postings(
    segment: Segment, wanted: Iterable[PostingKey], values: Iterable[bytes | None]
) -> SegmentPostings:
    """Decode the values of `hash_fields`, without the layout's, into postings.

    A shingle without a posting has the posting of its slot instead, if the segment has slots.
    """
    reply, decoded = iter(values), SegmentPostings()
    for key in wanted:
        if isinstance(key, bytes):
            own, bucket = next(reply), next(reply)
            decoded[key] = (
                bitmaps.deserialize_padded(own)
                if own
                else postings.find_posting(bucket, key) or None
            )
        else:
            decoded[key] = posting = _shingle_posting(segment, key, reply)
            if segment.layout.slot_bits:
                own, bucket = next(reply), next(reply)
                if posting is None:
                    decoded[shingle_slot_key(key)] = _slot_posting(segment, key, own, bucket)
    return decoded


def _shingle_posting(
    segment: Segment, shingle: int, reply: Iterator[bytes | None]
) -> SegmentPosting | None:
    january = segment.first_month_ordinal // MONTHS_PER_YEAR * MONTHS_PER_YEAR
    if segment.layout.span_months == 1:
        return postings.find_shingle_in_month(next(reply), shingle, january)
    own, bucket = next(reply), next(reply)
    if own:
        return bitmaps.deserialize_padded(own)
    return postings.find_shingle_in_year(bucket, shingle, january)


def _slot_posting(
    segment: Segment, shingle: int, own: bytes | None, bucket: bytes | None
) -> SegmentPosting | None:
    if own:
        return bitmaps.deserialize_padded(own)
    slot = segment.layout.slot_of(shingle)
    return postings.find_slot(bucket, slot, segment.layout, segment.first_month_ordinal)
