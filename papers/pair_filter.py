"""Which pairs no paper of a month has: one bit a month, where a rare phrase would read postings.

A Bloom filter of one hash, turned round: a bit is 0 where a pair may be there. So a filter that is
not there, or of another size than the reader believes, says "may be" and never a wrong "no".
Nothing is taken away: it may say too much, until the month outgrows it and it is made anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from papers import keys
from papers.asked import Asked
from papers.evaluate import Key
from papers.postings import Part
from papers.reading import Memory, Request
from papers.terms import text_pairs
from papers.tree import And, Node, Or, Text


class PairFilter:
    """The months that may hold what the phrases of a keyword ask for."""

    def __init__(self, asked: Asked) -> None:
        self._tree = asked.tree
        phrases = [text for text in asked.texts if text.is_phrase]
        self._pairs = sorted({pair for text in phrases for pair in text_pairs(text)})

    @property
    def asks(self) -> bool:
        """Whether there is a phrase to ask about."""
        return bool(self._pairs)

    def asked(self, memory: Memory, months: Iterable[int]) -> list[Request]:
        """The requests for what is not known yet of some months (YYYYMM)."""
        return [
            self._asked(memory, month, pair)
            for month in months
            for pair in self._pairs
            if pair not in memory.held(month)
        ]

    def _asked(self, memory: Memory, month: int, pair: int) -> Request:
        held, bits = memory.held(month), memory.shape(month).filter_bits

        def take(nowhere: Any) -> None:
            if nowhere:
                held[pair] = None

        place = str(pair >> (32 - bits))
        return Request(("GETBIT", keys.month_pairs(f"{month % 10_000:04}", bits), place), take)

    def passed(self, memory: Memory, months: Iterable[int]) -> list[int]:
        """Those of some months (YYYYMM) that may, by what is known of them."""
        return [month for month in months if _may(self._tree, memory.held(month))]


def _may(node: Node, held: Mapping[Key, Part | None]) -> bool:
    if isinstance(node, And):
        return all(_may(child, held) for child in node.all)
    if isinstance(node, Or):
        return any(_may(child, held) for child in node.any)
    if not isinstance(node, Text) or not node.is_phrase:
        return True
    return all(held.get(pair, _UNKNOWN) is not None for pair in text_pairs(node))


_UNKNOWN: Final = object()
