"""Percolator: which stored keywords match given papers; the reverse of a search.

    papers ─▶ their terms, inverted: an index of this batch, in memory
    keywords ─▶ each is evaluated over that index as it is over the store's months
      ─▶ where postings leave a phrase uncertain, the text is matched

A keyword costs some tens of microseconds, whatever the number of papers. For the few papers of a
page, `papers.search.saved` first selects the keywords of which a paper has a necessary term.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final, Generic, NamedTuple, TypeVar

import numpy as np
from pyroaring import BitMap

from papers.index.author_terms import name_terms
from papers.index.layout import MONTH_PAPER_BITS, MONTHS_PER_YEAR, YEAR_PAPER_BITS
from papers.index.postings import doc_ids_of_months
from papers.index.shingle_hashing import shingle_hashes
from papers.index.shingles.shingle_keys import PostingKeys, group_doc_ids
from papers.index.terms import paper_label_terms, text_shingles
from papers.index.writing.term_batch import Vocabulary
from papers.model.arxiv_id import month_ordinal
from papers.model.paper import Paper
from papers.query.ast import Node, Text
from papers.query.match import FoldedPaper, matches_node
from papers.search.evaluate import PostingKey, PrefixExpansions
from papers.search.plan import QueryPlan
from papers.search.verify import residual_query
from papers.text.text_readings import token_readings

T = TypeVar("T")
BatchPostings = Mapping[PostingKey, Sequence[Iterable[int]]]
"""Terms and shingles to the doc ids of papers that have them, in one or several pieces."""

MIN_VECTORIZED_BATCH: Final = 30
"""The number of papers from which on vectorized indexing is faster: it saves 0.2 ms a paper and
costs 4 ms a batch."""


class StoredQuery(NamedTuple, Generic[T]):
    """A query to match papers against; `residual` is what postings leave to verify."""

    key: T
    plan: QueryPlan
    residual: Node

    @classmethod
    def of(cls, key: T, root: Node) -> StoredQuery[T]:
        """Return a query tree with its plan."""
        plan = QueryPlan.of(root)
        return cls(key, plan, residual_query(plan.root))

    def matches_any(self, batch: PaperBatch) -> bool:
        """Return whether a paper of a batch matches."""
        return any(True for _ in self.matches(batch))

    def matches(self, batch: PaperBatch) -> Iterator[Paper]:
        """Yield the papers of a batch that match, oldest first."""
        plan = self.plan
        if plan.prefixes:
            plan = plan.with_expansions(batch.prefix_expansions(plan.prefixes))
        exact, possible = plan.evaluate(batch)
        for doc_id in possible & batch.doc_ids:
            if doc_id in exact or matches_node(self.residual, batch.folded(doc_id)):
                yield batch.papers[doc_id]


class Percolator(Generic[T]):
    """Matches papers against stored queries, each identified by a key of the caller's."""

    def __init__(self, queries: Iterable[tuple[T, Node]]) -> None:
        self._queries = [StoredQuery.of(key, root) for key, root in queries]
        phrases = (phrase for query in self._queries for phrase in query.plan.phrases)
        self._shingles = frozenset(hash for phrase in phrases for hash in text_shingles(phrase))
        self._sorted_shingles = np.array(sorted(self._shingles), np.uint64)

    def percolate(self, papers: Sequence[Paper]) -> Iterator[tuple[T, list[Paper]]]:
        """Yield each key whose query matches, in the order given, with the papers, oldest first.

        A paper without a description matches no query.
        """
        batch = PaperBatch.of(papers, self._index)
        for query in self._queries:
            if found := list(query.matches(batch)):
                yield query.key, found

    def _index(self, papers: Sequence[Paper]) -> BatchPostings:
        if len(papers) < MIN_VECTORIZED_BATCH:
            return _index_singly(papers, self._shingles)
        return _index_vectorized(papers, self._sorted_shingles)


class PaperBatch:
    """Implements `papers.search.evaluate.Postings` for a batch of papers."""

    def __init__(
        self, papers: Sequence[Paper], index: Callable[[Sequence[Paper]], BatchPostings]
    ) -> None:
        self.papers: Mapping[int, Paper] = {paper.id.doc_id: paper for paper in papers}
        self.doc_ids = BitMap(self.papers)
        self.months: Sequence[int] = sorted({paper.id.month for paper in self.papers.values()})
        self._folded: dict[int, FoldedPaper] = {}
        self._index = index([*self.papers.values()])
        self._bitmaps: dict[PostingKey, BitMap] = {}

    @classmethod
    def of(
        cls, papers: Iterable[Paper], index: Callable[[Sequence[Paper]], BatchPostings]
    ) -> PaperBatch:
        """Return papers as a batch, without those that have no description: they match nothing."""
        return cls([paper for paper in papers if paper.is_described], index)

    def bitmap_of(self, key: PostingKey, months: Iterable[int] | None = None) -> BitMap:
        """Return the papers of a posting, in all months or in some of them."""
        if key not in self._bitmaps:
            self._bitmaps[key] = BitMap.union(BitMap(), *map(BitMap, self._index.get(key, ())))
        found = self._bitmaps[key]
        return found if months is None else found & doc_ids_of_months(months)

    def bitmap_among(self, key: PostingKey, doc_ids: BitMap) -> BitMap:
        """Return the papers of a posting that are among `doc_ids`."""
        return self.bitmap_of(key) & doc_ids

    def folded(self, doc_id: int) -> FoldedPaper:
        """Return a paper with folded text; its text is folded once."""
        if doc_id not in self._folded:
            self._folded[doc_id] = FoldedPaper(self.papers[doc_id])
        return self._folded[doc_id]

    def prefix_expansions(self, prefixes: Iterable[Text]) -> PrefixExpansions:
        """Return the batch's words that begin with each prefix."""
        return {
            text.words[0]: [*self._words_with_prefix(text.words[0]), text.implied_word]
            for text in prefixes
        }

    def _words_with_prefix(self, prefix: str) -> list[str]:
        start = bisect_left(self._vocabulary, prefix)
        end = bisect_left(self._vocabulary, prefix + _MAX_CHARACTER)
        return self._vocabulary[start:end]

    @cached_property
    def _vocabulary(self) -> list[str]:
        keys = (key for key in self._index if isinstance(key, bytes) and key[:1] == b"w")
        return sorted(key[1:].decode() for key in keys)


_MAX_CHARACTER: Final = "\U0010ffff"
_TEXT_FIELDS: Final = (
    ("t", "title"),
    ("w", "abstract"),
    ("m", "comment"),
    ("o", "organization"),
)


def _index_singly(papers: Iterable[Paper], shingles: frozenset[int]) -> BatchPostings:
    """Index papers one by one, with the given shingles only."""
    found: defaultdict[PostingKey, list[int]] = defaultdict(list)
    for paper in papers:
        for key in paper_posting_keys(paper, shingles):
            found[key].append(paper.id.doc_id)
    return {key: [doc_ids] for key, doc_ids in found.items()}


def paper_posting_keys(paper: Paper, shingles: frozenset[int] | None = None) -> set[PostingKey]:
    """Return the terms of a paper, and those of its shingles that are given; None gives all."""
    texts = {kind: token_readings(getattr(paper, name)) for kind, name in _TEXT_FIELDS}
    found: set[PostingKey] = {label.encode() for label in paper_label_terms(paper)}
    found |= {term.encode() for name in paper.authors for term in name_terms(name)}
    for kind, (words, closed) in texts.items():
        terms = "w" + kind if kind == "t" else kind
        read = set(words).union(*closed)
        found |= {f"{term}{word}".encode() for term in terms for word in read}
    if shingles is None or shingles:
        readings = [(words, *closed) for words, closed in (texts["t"], texts["w"])]
        hashes = {hash for of in readings for words in of for hash in shingle_hashes(words)}
        found |= hashes if shingles is None else hashes & shingles
    return found


def _index_vectorized(papers: Sequence[Paper], shingles: PostingKeys) -> BatchPostings:
    """Index papers together, with the given shingles only, which must be sorted."""
    found: defaultdict[PostingKey, list[Iterable[int]]] = defaultdict(list)
    vocabulary = Vocabulary()
    for month in {paper.id.month for paper in papers}:
        ordinal = month_ordinal(month)
        january = ordinal - ordinal % MONTHS_PER_YEAR
        batch = vocabulary.batch_keys(paper for paper in papers if paper.id.month == month)
        for number, packed in group_doc_ids(batch.term_keys, ordinal << MONTH_PAPER_BITS):
            found[vocabulary.terms[number]].append(array("I", packed))
        selected = _select_shingles(batch.shingle_keys, shingles)
        for shingle, packed in group_doc_ids(
            selected, january << MONTH_PAPER_BITS, YEAR_PAPER_BITS
        ):
            found[shingle].append(array("I", packed))
    return found


def _select_shingles(keys: PostingKeys, shingles: PostingKeys) -> PostingKeys:
    """Return the keys of the given shingles; both arrays are sorted."""
    if not len(shingles):
        return keys[:0]
    of_keys = keys >> np.uint64(YEAR_PAPER_BITS)
    selected: PostingKeys = keys[shingles[np.searchsorted(shingles[:-1], of_keys)] == of_keys]
    return selected
