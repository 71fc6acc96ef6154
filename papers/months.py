"""Which months a walk goes through, and how many at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from papers.matching import month_days
from papers.tree import And, Between, Named, Node, Or, leaves

NO_MONTH: Final = 999_912
"""Later than any."""

_FIRST: Final = 1_000
_GROWTH: Final = 16


def chunked(
    months: Iterable[int], papers_of: Callable[[int], int], most: int = 64
) -> Iterator[Sequence[int]]:
    """Months to read together, of some 1,000, 16,000, 256,000 … papers, and not more than `most`.

    Little is read in vain, and round trips are few.
    """
    size = _FIRST
    chunk: list[int] = []
    held = 0
    for month in months:
        chunk.append(month)
        held += papers_of(month)
        if held >= size or len(chunk) == most:
            yield chunk
            size, chunk, held = size * _GROWTH, [], 0
    if chunk:
        yield chunk


def possible_of(tree: Node, months: Iterable[int]) -> Iterator[int]:
    """Those of some months (YYYYMM) of which a paper can match: ids and days tell."""
    if any(isinstance(leaf, Named | Between) for leaf in leaves(tree)):
        return (month for month in months if possible(tree, month))
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
