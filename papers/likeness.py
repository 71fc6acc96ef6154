"""Papers like one: those that share its telling words.

    its words ─▶ those that tell most among its month's papers, then among the newest months' too
      ─▶ who shares them, and in the title ─▶ the sum of what a paper shares

A word tells the more the fewer papers have it and the more is made of it here: inverse document
frequency in bits, times one more than the logarithm of how often it is said. Nothing is kept for
this: all of it is read from postings.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from math import log2
from typing import Final, NamedTuple

from pyroaring import BitMap
from redis import Redis

from papers import keys
from papers.arxiv_id import ArxivId
from papers.connection import store_errors
from papers.month_reading import newest_months, term_postings
from papers.paper import Paper
from papers.terms import text_terms
from papers.text import words
from papers.tree import Field, Text

COMPARED: Final = 64
"""Words of a paper that are looked up in all months."""

TELLING: Final = 24
"""Words of a paper that are compared: the others are common or say the same."""

NEWEST_MONTHS: Final = 12
FEWEST_SHARED: Final = 2
"""Sharing one word is chance."""

_SHORTEST: Final = 3
_COMMON: Final = 0.05
"""A word that a larger part of the papers has tells nothing ..."""
_FEW: Final = 8
"""... unless there are next to no papers."""


class Like(NamedTuple):
    """A paper that is like another: how much it shares (bits), and which words, best first."""

    id: ArxivId
    bits: float
    shared: tuple[str, ...]


class Likeness:
    """Compares papers over one Redis. Raises StoreAway."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def like(self, paper: Paper, limit: int) -> list[Like]:
        """The papers most like one, best first; of two alike the newer."""
        with store_errors(self._redis):
            months = sorted({paper.id.month, *newest_months(self._redis, NEWEST_MONTHS)})
            said = _said(paper)
            compared = self._telling(said, [paper.id.month], COMPARED)
            weights = self._telling({word: said[word] for word in compared}, months, TELLING)
            found = self._postings(weights, months, Field.ANY)
            titled = self._postings(weights, months, Field.TITLE)
        shared: defaultdict[ArxivId, dict[str, float]] = defaultdict(dict)
        for twice in (found, titled):
            for (word, month), papers in twice.items():
                for number in papers:
                    held = shared[ArxivId(month, number)]
                    held[word] = held.get(word, 0.0) + weights[word]
        likes = (
            Like(id, sum(held.values()), _named(held))
            for id, held in shared.items()
            if id != paper.id and len(held) >= FEWEST_SHARED
        )
        return sorted(likes, key=lambda like: (like.bits, like.id), reverse=True)[:limit]

    def _telling(self, said: Mapping[str, float], months: list[int], most: int) -> dict[str, float]:
        """Of words and how much is made of each, those that tell most in some months: in bits."""
        counts: Counter[str] = Counter()
        for (word, _), papers in self._postings(said, months, Field.ANY).items():
            counts[word] += len(papers)
        total = self._size(months)
        rare = {w: n for w, n in counts.items() if n <= max(total * _COMMON, _FEW)}
        bits = {word: said[word] * log2((total + 1) / n) for word, n in rare.items()}
        telling = sorted(bits, key=lambda word: (-bits[word], word))[:most]
        return {word: bits[word] for word in telling}

    def _postings(
        self, compared: Iterable[str], months: list[int], field: Field
    ) -> dict[tuple[str, int], BitMap]:
        """The papers of some months that have each of some words in a field."""
        terms = {text_terms(Text(field, (word,)))[0]: word for word in compared}
        found = term_postings(self._redis, ((month, term) for month in months for term in terms))
        return {(terms[term], month): papers for (month, term), papers in found.items()}

    def _size(self, months: list[int]) -> int:
        with self._redis.pipeline(transaction=False) as pipe:
            for month in months:
                pipe.hlen(keys.month_papers(f"{month % 10_000:04}"))
            return sum(pipe.execute())


def _said(paper: Paper) -> dict[str, float]:
    """The words of a paper and how much is made of each: one of the title counts as two more."""
    said = Counter([*words(paper.title) * 3, *words(paper.abstract)])
    return {word: 1 + log2(n) for word, n in said.items() if len(word) >= _SHORTEST}


def _named(held: Mapping[str, float]) -> tuple[str, ...]:
    return tuple(sorted(held, key=lambda word: (-held[word], word)))
