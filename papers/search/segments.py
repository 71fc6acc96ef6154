"""Volumes as a process knows them: months (YYYYMM) and years (YYYY), and where months lie.

How the postings of one are packed is told in `papers.index.postings`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Final, NamedTuple

from pyroaring import BitMap

from papers.index import bitmaps
from papers.index.layout import SegmentLayout
from papers.model.arxiv_id import format_yymm, month_ordinal
from papers.redis_backend import keys
from papers.search.evaluate import PostingKey

_MAX_YEAR: Final = 9_999
_ASSUMED_PAPERS: Final = 1 << 12
_MAX_LOCATED: Final = 256

Months = tuple[int, ...]
"""Months (YYYYMM), in order."""
SegmentPosting = BitMap | bitmaps.PaddedBitmap | bytes
"""A posting of a volume as it is sooner read; that of few papers as it was packed."""
SegmentPostings = dict[PostingKey, SegmentPosting | None]
"""Postings of a volume, None where it has none; those of slots only of pairs that have none."""


class Segment(NamedTuple):
    """Some months of a volume as far as it is known: its own month (YYYYMM), or a year's (YYYY).

    `key` is where its postings lie. `papers` are some fewer than these months had when it was last
    read; one never read may be large. `is_whole`: these months are all that its postings tell of.
    """

    period: int
    layout: SegmentLayout
    months: Months
    redis_key: str
    estimated_papers: int
    is_complete: bool

    @property
    def first_doc_id_of_month(self) -> int:
        """The place of its first month."""
        number = self.period
        return month_ordinal(number if number > _MAX_YEAR else number * 100 + 1)


class SegmentLookup(NamedTuple):
    """What is wanted of a volume, and what is known of it."""

    segment: Segment
    keys: Sequence[PostingKey]
    cached: SegmentPostings

    @property
    def missing_keys(self) -> tuple[PostingKey, ...]:
        """What is wanted and not known."""
        held = self.cached
        return tuple([key for key in self.keys if key not in held])


class SegmentMap:
    """The shapes of volumes as far as they are known: those of years say which months lie there.

    Threads share it, and none sees half of a change.
    """

    def __init__(self) -> None:
        self._known = _KnownSegments({})

    def layout_of(self, period: int) -> SegmentLayout:
        """That of a volume; the smallest where it is not known."""
        return self._known.layouts.get(period) or SegmentLayout.unpack(None)

    def set_layout(self, period: int, layout: SegmentLayout) -> None:
        """A volume's shape is known."""
        known = self._known.layouts
        if known.get(period) != layout:
            self._known = _KnownSegments({**known, period: layout})

    def locate(self, months: Months) -> Sequence[Segment]:
        """Where months lie, as far as is known: those of a year that follow one another at once."""
        return self._known.locate(months)


class _KnownSegments:
    """What is known at one time, and what was found by that."""

    def __init__(self, layouts: Mapping[int, SegmentLayout]) -> None:
        self.layouts = layouts
        years = [(year, shape) for year, shape in layouts.items() if year <= _MAX_YEAR]
        self._segment_of_month = _SegmentOfMonth(
            (m, year) for year, shape in years for m in shape.months_in(year)
        )
        self._located: dict[Months, Sequence[Segment]] = {}

    def locate(self, months: Months) -> Sequence[Segment]:
        found = self._located.get(months)
        if found is None:
            if len(self._located) >= _MAX_LOCATED:
                self._located.clear()
            groups = groupby(months, self._segment_of_month.__getitem__)
            found = [self._segment(number, tuple(group)) for number, group in groups]
            self._located[months] = found
        return found

    def _segment(self, number: int, months: Months) -> Segment:
        known = self.layouts.get(number)
        shape, papers = (
            known or SegmentLayout.unpack(None),
            known.papers_per_month if known else _ASSUMED_PAPERS,
        )
        whole = shape.is_complete(len(months))
        return Segment(number, shape, months, _terms_key(number), len(months) * papers, whole)


class _SegmentOfMonth(dict[int, int]):
    """In which volume a month lies: in its own, where its year is not known to have it."""

    def __missing__(self, month: int) -> int:
        return month


@lru_cache(maxsize=1024)
def _terms_key(period: int) -> str:
    """Where the postings of one lie: those of 202503 as `2503`, of 2025 as `25`."""
    return keys.segment_postings(
        format_yymm(period) if period > _MAX_YEAR else f"{period % 100:02}"
    )
