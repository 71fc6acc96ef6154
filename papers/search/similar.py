"""Papers like one: those that share its telling words.

    its words ─▶ those that tell most among its month's papers, then among the newest months' too
      ─▶ who shares them, and in the title ─▶ the sum of what a paper shares

A word tells the more the fewer papers have it and the more is made of it here: inverse document
frequency in bits, times one more than the logarithm of how often it is said. Nothing is kept for
this: all of it is read from postings.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from heapq import nlargest
from math import log2
from typing import Final, NamedTuple

from pyroaring import BitMap

from papers.index.terms import text_terms
from papers.model.arxiv_id import ArxivId, format_yymm
from papers.model.paper import Paper
from papers.query.ast import Field, Text
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors
from papers.search.index_cache import IndexCache
from papers.search.reader import IndexReader, ReadSession
from papers.text.folding import tokenize

MAX_CANDIDATE_TERMS: Final = 64
"""Words of a paper that are looked up in all months."""

MAX_QUERY_TERMS: Final = 24
"""Words of a paper that are compared: the others are common or say the same."""

NEWEST_MONTHS: Final = 12
_MIN_WORD_LENGTH: Final = 3
_MAX_DOCUMENT_SHARE: Final = 0.05
"""A word that a larger part of the papers has tells nothing ..."""
_ALWAYS_RARE: Final = 8
"""... unless there are next to no papers."""


class SimilarPaper(NamedTuple):
    """A paper that is like another: how much it shares (bits), and which words, best first."""

    id: ArxivId
    score: float
    shared_words: tuple[str, ...]


class MoreLikeThis:
    """Compares papers that a reader reads. Raises StoreAway."""

    def __init__(self, reader: IndexReader) -> None:
        self._redis, self._reader = reader.redis, reader

    def similar_to(self, paper: Paper, limit: int) -> list[SimilarPaper]:
        """The papers most like one, best first; of two alike the newer."""
        with translate_store_errors(self._redis):
            reading = self._reader.open_session(IndexCache.month_requests)
            months = sorted({paper.id.month, *reading.newest_months(NEWEST_MONTHS)})
            said = _term_weights(paper)
            compared = self._select_terms(reading, said, [paper.id.month], MAX_CANDIDATE_TERMS)
            in_these = {word: said[word] for word in compared}
            weights = self._select_terms(reading, in_these, months, MAX_QUERY_TERMS)
            found = _postings(reading, weights, months, Field.ANY)
            titled = _postings(reading, weights, months, Field.TITLE)
        sharing = _sharing_two_words(found.values())
        sharing.discard(paper.id.doc_id)
        shared: defaultdict[int, dict[str, float]] = defaultdict(dict)
        for postings in (found, titled):
            for word, places in postings.items():
                for place in places & sharing:
                    held = shared[place]
                    held[word] = held.get(word, 0.0) + weights[word]
        bits = {place: sum(held.values()) for place, held in shared.items()}
        best = nlargest(limit, bits, key=lambda place: (bits[place], place))
        return [
            SimilarPaper(ArxivId.from_doc_id(place), bits[place], _words_by_weight(shared[place]))
            for place in best
        ]

    def _select_terms(
        self,
        reading: ReadSession,
        term_weights: Mapping[str, float],
        months: Sequence[int],
        limit: int,
    ) -> dict[str, float]:
        """Of words and how much is made of each, those that tell most in some months: in bits."""
        found = _postings(reading, term_weights, months, Field.ANY)
        total = self._paper_count(months)
        rare = {
            w: len(p)
            for w, p in found.items()
            if 0 < len(p) <= max(total * _MAX_DOCUMENT_SHARE, _ALWAYS_RARE)
        }
        bits = {word: term_weights[word] * log2((total + 1) / n) for word, n in rare.items()}
        telling = sorted(bits, key=lambda word: (-bits[word], word))[:limit]
        return {word: bits[word] for word in telling}

    def _paper_count(self, months: Sequence[int]) -> int:
        with self._redis.pipeline(transaction=False) as pipe:
            for month in months:
                pipe.hlen(keys.month_papers(format_yymm(month)))
            return sum(pipe.execute())


def _postings(
    reading: ReadSession, compared: Iterable[str], months: Sequence[int], field: Field
) -> dict[str, BitMap]:
    """The places of the papers of some months that have each of some words in a field."""
    terms = {text_terms(Text(field, (word,)))[0]: word for word in compared}
    read = reading.read_postings([(tuple(months), tuple(terms))])
    return {word: read.bitmap_of(term) for term, word in terms.items()}


def _sharing_two_words(postings: Iterable[BitMap]) -> BitMap:
    """The places of papers that share two words or more: sharing one is chance."""
    once, twice = BitMap(), BitMap()
    for places in postings:
        twice |= once & places
        once |= places
    return twice


def _term_weights(paper: Paper) -> dict[str, float]:
    """The words of a paper and how much is made of each: one of the title counts as two more."""
    said = Counter([*tokenize(paper.title) * 3, *tokenize(paper.abstract)])
    return {word: 1 + log2(n) for word, n in said.items() if len(word) >= _MIN_WORD_LENGTH}


def _words_by_weight(held: Mapping[str, float]) -> tuple[str, ...]:
    return tuple(sorted(held, key=lambda word: (-held[word], word)))
