"""Which months a walk goes through, and how many at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final, Protocol

from papers.asked import Asked
from papers.matching import month_days
from papers.tree import And, Between, Named, Node, Or

NO_MONTH: Final = 999_912
"""Later than any."""

_FIRST: Final = 1_000
_GROWTH: Final = 16
"""How many times as many papers to read as before, while none of those wanted was found."""
_MARGIN: Final = 1.25


class Memory(Protocol):
    """What is known of months (YYYYMM)."""

    def volume(self, month: int) -> int:
        """Where its postings lie: the same for months that are read together."""

    def papers(self, month: int) -> int:
        """About how many papers it has."""


class Pace:
    """How many months to read together: little is read in vain, and round trips are few.

    At first some 1,000 papers, then 16 times as many as before, until some of those `wanted` were
    found: then as many as the others should be among, by that measure. Months of a volume are
    read together whatever they are.
    """

    def __init__(self, wanted: int, memory: Memory) -> None:
        self._wanted, self._memory = wanted, memory
        self._read = self._found = 0

    def chunks(self, months: Iterable[int], most: int) -> Iterator[Sequence[int]]:
        """The months, of `most` volumes together at most."""
        volumes = (list(group) for _, group in groupby(months, self._memory.volume))
        while chunk := self._chunk(volumes, most):
            yield chunk

    def _chunk(self, volumes: Iterator[list[int]], most: int) -> list[int]:
        chunk: list[int] = []
        until = self._read + self._next
        for count, volume in enumerate(volumes, 1):
            chunk += volume
            self._read += self._memory.papers(volume[0]) * len(volume)
            if self._read >= until or count == most:
                break
        return chunk

    @property
    def _next(self) -> float:
        """How many papers to read next; twice as many where those found were not the right ones."""
        most = _GROWTH * self._read or _FIRST
        if not self._found:
            return most
        missing = max(self._wanted - self._found, self._found)
        return min(self._read * missing / self._found * _MARGIN, most)

    def found(self, count: int) -> None:
        """So many were found in the months before."""
        self._found += count


def possible_of(asked: Asked, months: Iterable[int]) -> Iterator[int]:
    """Those of some months (YYYYMM) of which a paper can match: ids and days tell."""
    if any(isinstance(leaf, Named | Between) for leaf in asked.leaves):
        return (month for month in months if possible(asked.tree, month))
    return iter(months)


def possible(node: Node, month: int) -> bool:
    """Whether any paper of a month can match: ids and days say so without asking."""
    if isinstance(node, And):
        return all(possible(child, month) for child in node.all)
    if isinstance(node, Or):
        return any(possible(child, month) for child in node.any)
    if isinstance(node, Named):
        return node.id.month == month
    return node.meets(*month_days(month)) if isinstance(node, Between) else True
