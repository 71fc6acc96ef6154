"""Which months a walk goes through, and how many at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from papers.query.ast import And, Between, Field, Label, Named, Node, Or, Text
from papers.query.match import month_days
from papers.search.asked import Asked
from papers.search.segments import Months, Volume

NO_MONTH: Final = 999_912
"""Later than any."""

_AT_FIRST: Final = 12
_WITH_TEXTS: Final = 4
_MOST: Final = 64
"""Volumes to read together at most: at first, and where texts may have to be read besides."""
_GROWTH: Final = 16
"""How many times as many papers to read as before, while none of those wanted was found."""
_MARGIN: Final = 1.6
"""Older months have often fewer: to read some in vain takes less than one more round trip."""
_OF_WORD: Final = 0.05
_OF_LABEL: Final = 0.1
_OF_PHRASE: Final = 0.001
_OF_NAME: Final = 0.00003


class Shapes(Protocol):
    """What is known of months."""

    def volumes(self, months: Months) -> Sequence[Volume]:
        """Where they lie, in their order; months of a volume are read together."""


class Pace:
    """How many months to read together: little is read in vain, and round trips are few.

    At first as many papers as those `wanted` should be among if such a `share` of papers match, but
    of few volumes, fewer where postings are not `exact`; then 16 times as many as before, until
    some were found: then as many as the others should be among, by that measure. Months of a volume
    are read together whatever they are.
    """

    def __init__(self, wanted: int, share: float, shapes: Shapes, *, exact: bool) -> None:
        self._wanted, self._shapes = wanted, shapes
        self._first, self._most = wanted / share, _AT_FIRST if exact else _WITH_TEXTS
        self._read = self._found = 0

    def chunks(self, months: Months) -> Iterator[Months]:
        """The months, cut into what to read together."""
        most = self._most
        while months:
            chunk = self._chunk(months, most)
            yield chunk
            months, most = months[len(chunk) :], _MOST

    def _chunk(self, months: Months, most: int) -> Months:
        until, end = self._read + self._next, 0
        for count, volume in enumerate(self._shapes.volumes(months), 1):
            end += len(volume.months)
            self._read += volume.papers
            if self._read >= until or count == most:
                break
        return months[:end]

    @property
    def _next(self) -> float:
        """How many papers to read next; twice as many where those found were not the right ones."""
        most = _GROWTH * self._read or self._first
        if not self._found:
            return most
        missing = max(self._wanted - self._found, self._found)
        return min(self._read * missing / self._found * _MARGIN, most)

    def found(self, count: int) -> None:
        """So many were found in the months before."""
        self._found += count


def likely_share(node: Node) -> float:
    """What share of papers is likely to match, before anything is known of its words.

    Words that are asked for together occur together, so the rarest tells. Where that is too small
    some is read in vain, where it is too large there is a round trip more.
    """
    if isinstance(node, And):
        labels = [child for child in node.all if isinstance(child, Label)]
        others = (likely_share(child) for child in node.all if child not in labels)
        return min(others, default=1.0) * _OF_LABEL ** len(labels)
    if isinstance(node, Or):
        return min(sum(map(likely_share, node.any)), 1.0)
    if not isinstance(node, Text):
        return 1.0 if isinstance(node, Between) else _OF_LABEL
    if node.field is Field.AUTHOR:
        return _OF_NAME
    return _OF_PHRASE if node.is_phrase else _OF_WORD


def possible_of(asked: Asked, months: Months) -> Months:
    """Those of some months of which a paper can match: ids and days tell."""
    if any(isinstance(leaf, Named | Between) for leaf in asked.leaves):
        return tuple(month for month in months if possible(asked.tree, month))
    return months


def possible(node: Node, month: int) -> bool:
    """Whether any paper of a month can match: ids and days say so without asking."""
    if isinstance(node, And):
        return all(possible(child, month) for child in node.all)
    if isinstance(node, Or):
        return any(possible(child, month) for child in node.any)
    if isinstance(node, Named):
        return node.id.month == month
    return node.meets(*month_days(month)) if isinstance(node, Between) else True
