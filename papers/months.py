"""Which months a walk goes through, and how many at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from papers.asked import Asked
from papers.matching import month_days
from papers.tree import And, Between, Named, Node, Or

NO_MONTH: Final = 999_912
"""Later than any."""

_FIRST: Final = 1_000
GROWTH: Final = 16
"""How many times as many papers to read as before, while none of those wanted was found."""
_MARGIN: Final = 1.25


class Pace:
    """How many months to read together: little is read in vain, and round trips are few.

    At first some 1,000 papers, then `growth` times as many as before, until some of those `wanted`
    were found: then as many as the others should be among, by that measure.
    """

    def __init__(self, wanted: int, papers_of: Callable[[int], int], growth: int = GROWTH) -> None:
        self._wanted, self._papers_of, self._growth = wanted, papers_of, growth
        self._read = self._found = 0

    def chunks(self, months: Iterator[int], most: int) -> Iterator[Sequence[int]]:
        """The months, `most` together at most."""
        while chunk := self._chunk(months, most):
            yield chunk

    def _chunk(self, months: Iterator[int], most: int) -> list[int]:
        chunk: list[int] = []
        until = self._read + self._next
        for month in months:
            chunk.append(month)
            self._read += self._papers_of(month)
            if self._read >= until or len(chunk) == most:
                break
        return chunk

    @property
    def _next(self) -> float:
        """How many papers to read next; twice as many where those found were not the right ones."""
        most = self._growth * self._read or _FIRST
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
