"""Which pairs no paper of a month has: one bit a month, where a rare phrase would read postings.

A Bloom filter of one hash, turned round: a bit is 0 where a pair may be there. So a filter that is
not there, or of another size than the reader believes, says "may be" and never a wrong "no".
Nothing is taken away: it may say too much, until the month outgrows it and it is made anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from papers import keys
from papers.asked import Asked
from papers.connection import Command
from papers.evaluate import Key
from papers.postings import Part
from papers.reading import Reading
from papers.remembered import Memory
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

    def passed(self, reading: Reading, months: Sequence[int]) -> list[int]:
        """Those of some months (YYYYMM) that may; one round trip or none."""
        memory = reading.memory
        unknown = [
            (month, pair)
            for month in months
            for pair in self._pairs
            if pair not in memory.held(month)
        ]
        told = reading.replies([_command(memory, month, pair) for month, pair in unknown])
        for (month, pair), nowhere in zip(unknown, told, strict=True):
            if nowhere:
                memory.held(month)[pair] = None
        return [month for month in months if _may(self._tree, memory.held(month))]


def _command(memory: Memory, month: int, pair: int) -> Command:
    """What asks whether a pair is nowhere in a month."""
    bits = memory.shape(month).filter_bits
    return "GETBIT", keys.month_pairs(f"{month % 10_000:04}", bits), str(pair >> (32 - bits))


def _may(node: Node, held: Mapping[Key, Part | None]) -> bool:
    if isinstance(node, And):
        return all(_may(child, held) for child in node.all)
    if isinstance(node, Or):
        return any(_may(child, held) for child in node.any)
    if not isinstance(node, Text) or not node.is_phrase:
        return True
    return all(held.get(pair, _UNKNOWN) is not None for pair in text_pairs(node))


_UNKNOWN: Final = object()
