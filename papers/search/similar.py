"""More like this: papers that share another paper's distinctive words.

    its words ─▶ the most distinctive ones among its month's papers, then among recent months, too
      ─▶ papers that share them, in any text and in the title ─▶ the sum of the shared weights

A word's weight is its inverse document frequency in bits, times one more than the binary logarithm
of how often the paper has it. Nothing is stored for this: everything is read from postings.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from heapq import nlargest
from math import log2
from typing import Final, NamedTuple

from pyroaring import BitMap

from papers.index.terms import label_term, text_terms
from papers.model.arxiv_id import ArxivId, format_yymm
from papers.model.labels import Flag
from papers.model.paper import Paper
from papers.query.ast import Field, Label, LabelKind, Text
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors
from papers.search.index_cache import IndexCache
from papers.search.reader import IndexReader, ReadSession
from papers.text.folding import tokenize

MAX_CANDIDATE_TERMS: Final = 64
"""Words of a paper that are looked up in all months."""

MAX_QUERY_TERMS: Final = 24
"""Words of a paper that are compared: the others are common or add nothing."""

NEWEST_MONTHS: Final = 12
_MIN_WORD_LENGTH: Final = 3
_MAX_DOCUMENT_SHARE: Final = 0.05
"""A word in a larger share of the papers is not distinctive ..."""
_ALWAYS_RARE: Final = 8
"""... unless at most this many papers have it."""

_COMMUNITY_WORDS: Final = label_term(Label(LabelKind.FLAG, Flag.COMMUNITY_WORDS))
TermWeights = Mapping[str, float]
"""Words and the weight of each: how often the paper has it, and in bits once it is looked up."""


class SimilarPaper(NamedTuple):
    """A similar paper: the weight it shares (bits), and the shared words, heaviest first."""

    id: ArxivId
    score: float
    shared_words: tuple[str, ...]


class MoreLikeThis:
    """Finds papers that are like another. Raises StoreUnavailable."""

    def __init__(self, reader: IndexReader) -> None:
        self._redis, self._reader = reader.redis, reader

    def similar_to(self, paper: Paper, limit: int) -> list[SimilarPaper]:
        """Return the papers most like one, best first; equal ones newest first."""
        with translate_store_errors(self._redis):
            session = self._reader.open_session(IndexCache.month_requests)
            months = sorted({paper.id.month, *session.newest_months(NEWEST_MONTHS)})
            counted = _term_weights(paper)
            distinctive = self._select_terms(
                session, counted, [paper.id.month], MAX_CANDIDATE_TERMS
            )
            candidates = {word: counted[word] for word in distinctive}
            weights = self._select_terms(session, candidates, months, MAX_QUERY_TERMS)
            in_any = _postings(session, weights, months, Field.ANY)
            in_title = _postings(session, weights, months, Field.TITLE)
            in_community_words = session.read_postings(
                [(tuple(months), (_COMMUNITY_WORDS,))]
            ).bitmap_of(_COMMUNITY_WORDS)
        sharing = _sharing_two_words(in_any.values())
        sharing.discard(paper.id.doc_id)
        sharing -= in_community_words
        return _best(_shared_weights(weights, sharing, (in_any, in_title)), limit)

    def _select_terms(
        self, session: ReadSession, weights: TermWeights, months: Sequence[int], limit: int
    ) -> TermWeights:
        """Return the most distinctive words in some months, with their weights in bits."""
        found = _postings(session, weights, months, Field.ANY)
        total = self._paper_count(months)
        max_papers = max(total * _MAX_DOCUMENT_SHARE, _ALWAYS_RARE)
        rare = {word: len(ids) for word, ids in found.items() if 0 < len(ids) <= max_papers}
        bits = {word: weights[word] * log2((total + 1) / n) for word, n in rare.items()}
        return {word: bits[word] for word in _heaviest(bits)[:limit]}

    def _paper_count(self, months: Sequence[int]) -> int:
        with self._redis.pipeline(transaction=False) as pipe:
            for month in months:
                pipe.hlen(keys.month_papers(format_yymm(month)))
            return sum(pipe.execute())


def _postings(
    session: ReadSession, words: Iterable[str], months: Sequence[int], field: Field
) -> dict[str, BitMap]:
    """Read the papers of some months that have each word in a field."""
    terms = {text_terms(Text(field, (word,)))[0]: word for word in words}
    read = session.read_postings([(tuple(months), tuple(terms))])
    return {word: read.bitmap_of(term) for term, word in terms.items()}


def _sharing_two_words(postings: Iterable[BitMap]) -> BitMap:
    """Return the papers that share two words or more: a single one may be chance."""
    once, twice = BitMap(), BitMap()
    for doc_ids in postings:
        twice |= once & doc_ids
        once |= doc_ids
    return twice


def _shared_weights(
    weights: TermWeights, sharing: BitMap, fields: Iterable[Mapping[str, BitMap]]
) -> dict[int, dict[str, float]]:
    """Return the weights that each of some papers shares; a word counts once per field."""
    shared: defaultdict[int, dict[str, float]] = defaultdict(dict)
    for postings in fields:
        for word, doc_ids in postings.items():
            for doc_id in doc_ids & sharing:
                of_paper = shared[doc_id]
                of_paper[word] = of_paper.get(word, 0.0) + weights[word]
    return shared


def _best(shared: Mapping[int, TermWeights], limit: int) -> list[SimilarPaper]:
    scores = {doc_id: sum(weights.values()) for doc_id, weights in shared.items()}
    best = nlargest(limit, scores, key=lambda doc_id: (scores[doc_id], doc_id))
    return [
        SimilarPaper(ArxivId.from_doc_id(doc_id), scores[doc_id], tuple(_heaviest(shared[doc_id])))
        for doc_id in best
    ]


def _term_weights(paper: Paper) -> TermWeights:
    """Weigh a paper's words by how often it has them; one in the title counts three times."""
    counts = Counter([*tokenize(paper.title) * 3, *tokenize(paper.abstract)])
    return {word: 1 + log2(n) for word, n in counts.items() if len(word) >= _MIN_WORD_LENGTH}


def _heaviest(weights: TermWeights) -> list[str]:
    """Sort words by weight, heaviest first, equal ones alphabetically."""
    return sorted(weights, key=lambda word: (-weights[word], word))
