"""Which pairs no paper of a month has: one bit a month, where a rare phrase would read postings.

A Bloom filter of one hash, turned round: a bit is 0 where a pair may be there. So a filter that is
not there, or of another size than the reader believes, says "may be" and never a wrong "no".
Nothing is taken away: it may say too much, until the month outgrows it and it is made anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from redis import Redis

from papers import keys
from papers.connection import read_many
from papers.postings import Shape
from papers.terms import text_pairs
from papers.tree import And, Node, Or, Text, leaves


class PairFilter:
    """The months that may hold what the phrases of a keyword ask for."""

    def __init__(self, tree: Node) -> None:
        self._tree = tree
        texts = [leaf for leaf in leaves(tree) if isinstance(leaf, Text) and not leaf.prefix]
        self._pairs = sorted({pair for text in texts for pair in text_pairs(text)})

    @property
    def asks(self) -> bool:
        """Whether there is a phrase to ask about."""
        return bool(self._pairs)

    def passed(
        self, redis: Redis, months: Sequence[int], shape_of: Callable[[int], Shape]
    ) -> list[int]:
        """The months (YYYYMM) that may, one round trip."""
        asked = [
            ("GETBIT", keys.month_pairs(f"{month % 10_000:04}", bits), str(pair >> (32 - bits)))
            for month, bits in ((month, shape_of(month).filter_bits) for month in months)
            for pair in self._pairs
        ]
        replies = iter(read_many(redis, asked) if asked else ())
        there = {month: {pair for pair in self._pairs if not next(replies)} for month in months}
        return [month for month in months if _may(self._tree, there[month])]


def _may(node: Node, there: set[int]) -> bool:
    if isinstance(node, And):
        return all(_may(child, there) for child in node.all)
    if isinstance(node, Or):
        return any(_may(child, there) for child in node.any)
    return not isinstance(node, Text) or node.prefix or text_pairs(node) <= there
