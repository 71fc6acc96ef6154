"""Estimates before anything is read, and from them: how many months to read in a round trip."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

from papers.index.author_terms import author_query_terms
from papers.index.terms import label_terms, text_shingles, text_terms, title_terms
from papers.model.labels import month_day_range
from papers.query.ast import (
    And,
    Author,
    DateRange,
    Field,
    IdFilter,
    Label,
    Leaf,
    MinVotes,
    Node,
    Or,
    Text,
)
from papers.search.evaluate import PICKED_TERM, PostingKey, PrefixExpansions, prefix_terms
from papers.search.segments import Months, Segment

_FIRST_SEGMENTS_EXACT: Final = 12
_FIRST_SEGMENTS_INEXACT: Final = 4
_MAX_SEGMENTS: Final = 64
"""The most segments to read in one round trip: at first (fewer where texts may have to be read
besides), and later."""
_GROWTH_FACTOR: Final = 16
"""How many times as many papers as before to read while none that match were found."""
_SAFETY_MARGIN: Final = 1.6
"""Older months often match less: reading some in vain costs less than another round trip."""
_WORD_SELECTIVITY: Final = 0.05
_LABEL_SELECTIVITY: Final = 0.1
_PHRASE_SELECTIVITY: Final = 0.001
_AUTHOR_SELECTIVITY: Final = 0.00003


class SegmentLocator(Protocol):
    """Knows which segment holds the postings of a month."""

    def locate(self, months: Months) -> Sequence[Segment]:
        """Return the segments of months, in their order; neighbors in one segment together."""


class SegmentPacer:
    """Decides how many months to read together: few postings in vain, and few round trips.

    The first batch has as many papers as should hold the `wanted` ones by the estimated
    `selectivity`, but few segments, fewer if the query is not `is_exact`. Later batches have 16
    times as many papers as before until some match; then as many as should hold the missing ones by
    the share found so far. Months of one segment are always read together.
    """

    def __init__(
        self, wanted: int, selectivity: float, segments: SegmentLocator, *, is_exact: bool
    ) -> None:
        self._wanted, self._segments = wanted, segments
        self._first_papers = wanted / selectivity
        self._first_segments = _FIRST_SEGMENTS_EXACT if is_exact else _FIRST_SEGMENTS_INEXACT
        self._read = self._found = 0

    def batches(self, months: Months) -> Iterator[Months]:
        """Cut months into batches to read together; call `add_found` between batches."""
        max_segments = self._first_segments
        while months:
            batch = self._next_batch(months, max_segments)
            yield batch
            months, max_segments = months[len(batch) :], _MAX_SEGMENTS

    def _next_batch(self, months: Months, max_segments: int) -> Months:
        target, end = self._read + self._next_papers, 0
        for count, segment in enumerate(self._segments.locate(months), 1):
            end += len(segment.months)
            self._read += segment.estimated_papers
            if self._read >= target or count == max_segments:
                break
        return months[:end]

    @property
    def _next_papers(self) -> float:
        """The number of papers to read next; doubled if the papers found did not match."""
        limit = _GROWTH_FACTOR * self._read or self._first_papers
        if not self._found:
            return limit
        missing = max(self._wanted - self._found, self._found)
        return min(self._read * missing / self._found * _SAFETY_MARGIN, limit)

    def add_found(self, count: int) -> None:
        """Count the candidates found in the last batch."""
        self._found += count


def estimate_selectivity(node: Node) -> float:
    """Return the share of papers that is likely to match, before anything is known of its words.

    Too small an estimate reads postings in vain, too large a one costs a round trip more.
    """
    return NODE_ESTIMATES[type(node)].selectivity(node)


def may_match_in_month(node: Node, month: int) -> bool:
    """Return False if ids and date ranges exclude every paper of a month (YYYYMM)."""
    return NODE_ESTIMATES[type(node)].may_match(node, month)


def prune_months(root: Node, leaves: Sequence[Leaf], months: Months) -> Months:
    """Return the months in which a paper can match, by ids and date ranges alone."""
    if all(NODE_ESTIMATES[type(leaf)].may_match is _any_month for leaf in leaves):
        return months
    return tuple(month for month in months if may_match_in_month(root, month))


def posting_keys(leaf: Leaf, expansions: PrefixExpansions) -> Sequence[PostingKey]:
    """Return the postings that a leaf needs of every month."""
    return NODE_ESTIMATES[type(leaf)].posting_keys(leaf, expansions)


def _any_month(node: Node, month: int) -> bool:
    return True


def _and_selectivity(node: And) -> float:
    """Words that are searched together occur together, so the rarest decides; labels do not."""
    labels = [child for child in node.required if isinstance(child, Label)]
    others = (estimate_selectivity(child) for child in node.required if child not in labels)
    return min(others, default=1.0) * _LABEL_SELECTIVITY ** len(labels)


def _or_selectivity(node: Or) -> float:
    return min(sum(map(estimate_selectivity, node.alternatives)), 1.0)


def _text_selectivity(text: Text) -> float:
    return _PHRASE_SELECTIVITY if text.is_phrase else _WORD_SELECTIVITY


def _label_selectivity(node: Label | IdFilter | MinVotes) -> float:
    return _LABEL_SELECTIVITY


def _text_keys(text: Text, expansions: PrefixExpansions) -> Sequence[PostingKey]:
    if text.is_prefix:
        return prefix_terms(text, expansions)
    if text.is_phrase and (shingles := text_shingles(text)):
        return shingles
    return text_terms(text) + (title_terms(text) if text.field is Field.ABSTRACT else ())


def _author_selectivity(author: Author) -> float:
    return _AUTHOR_SELECTIVITY


def _author_keys(author: Author, expansions: PrefixExpansions) -> Sequence[PostingKey]:
    return [term for terms in author_query_terms(author) for term in terms.all_terms]


def _no_keys(node: Node, expansions: PrefixExpansions) -> Sequence[PostingKey]:
    return ()


class NodeEstimates(NamedTuple):
    """What is known of one node type before anything is read; see the functions of these names."""

    selectivity: Callable[[Any], float]
    may_match: Callable[[Any, int], bool]
    posting_keys: Callable[[Any, PrefixExpansions], Sequence[PostingKey]]


NODE_ESTIMATES: Final[Mapping[type, NodeEstimates]] = {
    And: NodeEstimates(
        _and_selectivity,
        lambda node, month: all(may_match_in_month(child, month) for child in node.required),
        _no_keys,
    ),
    Or: NodeEstimates(
        _or_selectivity,
        lambda node, month: any(may_match_in_month(child, month) for child in node.alternatives),
        _no_keys,
    ),
    Text: NodeEstimates(_text_selectivity, _any_month, _text_keys),
    Author: NodeEstimates(_author_selectivity, _any_month, _author_keys),
    Label: NodeEstimates(_label_selectivity, _any_month, lambda node, _: label_terms(node)),
    IdFilter: NodeEstimates(
        _label_selectivity, lambda node, month: node.id.month == month, _no_keys
    ),
    MinVotes: NodeEstimates(_label_selectivity, _any_month, lambda *_: [PICKED_TERM]),
    DateRange: NodeEstimates(
        lambda _: 1.0, lambda node, month: node.overlaps(*month_day_range(month)), _no_keys
    ),
}
"""One row per node type. The postings of a date range differ by month (see `QueryPlan`)."""
