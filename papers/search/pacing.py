"""Which months a walk goes through, and how many at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from papers.model.labels import month_day_range
from papers.query.ast import And, DateRange, Field, IdFilter, Label, Node, Or, Text
from papers.search.asked import QueryLeaves
from papers.search.segments import Months, Segment

MAX_MONTH: Final = 999_912
"""Later than any."""

_FIRST_SEGMENTS_EXACT: Final = 12
_FIRST_SEGMENTS_INEXACT: Final = 4
_MAX_SEGMENTS: Final = 64
"""Volumes to read together at most: at first, and where texts may have to be read besides."""
_GROWTH_FACTOR: Final = 16
"""How many times as many papers to read as before, while none of those wanted was found."""
_SAFETY_MARGIN: Final = 1.6
"""Older months have often fewer: to read some in vain takes less than one more round trip."""
_WORD_SELECTIVITY: Final = 0.05
_LABEL_SELECTIVITY: Final = 0.1
_PHRASE_SELECTIVITY: Final = 0.001
_AUTHOR_SELECTIVITY: Final = 0.00003


class SegmentLocator(Protocol):
    """What is known of months."""

    def locate(self, months: Months) -> Sequence[Segment]:
        """Where they lie, in their order; months of a volume are read together."""


class SegmentPacer:
    """How many months to read together: little is read in vain, and round trips are few.

    At first as many papers as those `wanted` should be among if such a `share` of papers match, but
    of few volumes, fewer where postings are not `exact`; then 16 times as many as before, until
    some were found: then as many as the others should be among, by that measure. Months of a volume
    are read together whatever they are.
    """

    def __init__(
        self, wanted: int, selectivity: float, segments: SegmentLocator, *, is_exact: bool
    ) -> None:
        self._wanted, self._segments = wanted, segments
        self._first_paper_count, self._first_segment_limit = (
            wanted / selectivity,
            _FIRST_SEGMENTS_EXACT if is_exact else _FIRST_SEGMENTS_INEXACT,
        )
        self._read = self._found = 0

    def batches(self, months: Months) -> Iterator[Months]:
        """The months, cut into what to read together."""
        most = self._first_segment_limit
        while months:
            chunk = self._next_batch(months, most)
            yield chunk
            months, most = months[len(chunk) :], _MAX_SEGMENTS

    def _next_batch(self, months: Months, most: int) -> Months:
        until, end = self._read + self._next_paper_count, 0
        for count, volume in enumerate(self._segments.locate(months), 1):
            end += len(volume.months)
            self._read += volume.estimated_papers
            if self._read >= until or count == most:
                break
        return months[:end]

    @property
    def _next_paper_count(self) -> float:
        """How many papers to read next; twice as many where those found were not the right ones."""
        most = _GROWTH_FACTOR * self._read or self._first_paper_count
        if not self._found:
            return most
        missing = max(self._wanted - self._found, self._found)
        return min(self._read * missing / self._found * _SAFETY_MARGIN, most)

    def add_found(self, count: int) -> None:
        """So many were found in the months before."""
        self._found += count


def estimate_selectivity(node: Node) -> float:
    """What share of papers is likely to match, before anything is known of its words.

    Words that are asked for together occur together, so the rarest tells. Where that is too small
    some is read in vain, where it is too large there is a round trip more.
    """
    if isinstance(node, And):
        labels = [child for child in node.required if isinstance(child, Label)]
        others = (estimate_selectivity(child) for child in node.required if child not in labels)
        return min(others, default=1.0) * _LABEL_SELECTIVITY ** len(labels)
    if isinstance(node, Or):
        return min(sum(map(estimate_selectivity, node.alternatives)), 1.0)
    if not isinstance(node, Text):
        return 1.0 if isinstance(node, DateRange) else _LABEL_SELECTIVITY
    if node.field is Field.AUTHOR:
        return _AUTHOR_SELECTIVITY
    return _PHRASE_SELECTIVITY if node.is_phrase else _WORD_SELECTIVITY


def prune_months(query_leaves: QueryLeaves, months: Months) -> Months:
    """Those of some months of which a paper can match: ids and days tell."""
    if any(isinstance(leaf, IdFilter | DateRange) for leaf in query_leaves.leaves):
        return tuple(month for month in months if may_match_in_month(query_leaves.tree, month))
    return months


def may_match_in_month(node: Node, month: int) -> bool:
    """Whether any paper of a month can match: ids and days say so without asking."""
    if isinstance(node, And):
        return all(may_match_in_month(child, month) for child in node.required)
    if isinstance(node, Or):
        return any(may_match_in_month(child, month) for child in node.alternatives)
    if isinstance(node, IdFilter):
        return node.id.month == month
    return node.overlaps(*month_day_range(month)) if isinstance(node, DateRange) else True
