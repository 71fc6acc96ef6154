"""Index of a batch of papers, for queries that are not known yet: all of its terms and shingles."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from papers.index.layout import MONTH_PAPER_BITS, MONTHS_PER_YEAR
from papers.index.shingles.shingle_keys import (
    SHINGLE_SHIFT,
    YEAR_PAPER_MASK,
    PostingKeys,
    group_doc_ids,
)
from papers.index.writing.term_batch import Vocabulary
from papers.model.arxiv_id import month_ordinal
from papers.model.paper import Paper
from papers.search.evaluate import PostingKey
from papers.search.percolate import MIN_VECTORIZED_BATCH, BatchPostings, paper_posting_keys


def index_batch(papers: Sequence[Paper]) -> BatchPostings:
    """Return the postings of papers, by every term and every shingle."""
    if len(papers) >= MIN_VECTORIZED_BATCH:
        return _VectorizedIndex(papers)
    found: defaultdict[PostingKey, list[int]] = defaultdict(list)
    for paper in papers:
        for key in paper_posting_keys(paper):
            found[key].append(paper.id.doc_id)
    return {key: [doc_ids] for key, doc_ids in found.items()}


class _VectorizedIndex(Mapping[PostingKey, Sequence[Iterable[int]]]):
    """Terms in a dictionary; shingles, of which there are ten times as many, in sorted arrays."""

    def __init__(self, papers: Sequence[Paper]) -> None:
        self._terms: defaultdict[bytes, list[Iterable[int]]] = defaultdict(list)
        self._shingles: list[tuple[int, PostingKeys]] = []
        vocabulary = Vocabulary()
        for month in sorted({paper.id.month for paper in papers}):
            ordinal = month_ordinal(month)
            january = ordinal - ordinal % MONTHS_PER_YEAR
            batch = vocabulary.batch_keys(paper for paper in papers if paper.id.month == month)
            for number, packed in group_doc_ids(batch.term_keys, ordinal << MONTH_PAPER_BITS):
                self._terms[vocabulary.terms[number]].append(array("I", packed))
            self._shingles.append((january << MONTH_PAPER_BITS, batch.shingle_keys))

    def __getitem__(self, key: PostingKey) -> Sequence[Iterable[int]]:
        """Return the doc ids of a term or shingle, by month. Raises KeyError if there are none."""
        found = self._terms.get(key) if isinstance(key, bytes) else self._of_shingle(key)
        if not found:
            raise KeyError(key)
        return found

    def __iter__(self) -> Iterator[PostingKey]:
        return iter(self._terms)

    def __len__(self) -> int:
        return len(self._terms)

    def _of_shingle(self, shingle: int) -> list[Iterable[int]]:
        parts: list[Iterable[int]] = []
        if shingle < 0:  # the key of a slot, which only compacted years have
            return parts
        first = np.uint64(shingle) << SHINGLE_SHIFT
        for first_doc_id, shingle_keys in self._shingles:
            start = np.searchsorted(shingle_keys, first)
            end = np.searchsorted(shingle_keys, first | YEAR_PAPER_MASK, side="right")
            if start < end:
                numbers: Any = shingle_keys[start:end] & YEAR_PAPER_MASK
                parts.append([first_doc_id + number for number in numbers.tolist()])
        return parts
