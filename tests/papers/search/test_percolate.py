from __future__ import annotations

from datetime import date
from functools import reduce
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.index.shingle_hashing import shingle_hashes
from papers.model.merge import merge, paper_from_sighting
from papers.model.paper import Paper, Sighting
from papers.query.ast import DateRange, all_of
from papers.query.match import FoldedPaper, matches_node
from papers.query.parser import Query, parse_query
from papers.search.evaluate import PostingKey
from papers.search.percolate import (
    MIN_VECTORIZED_BATCH,
    BatchPostings,
    Percolator,
    PercolatorCache,
    _index_singly,
    _index_vectorized,
)
from papers.state.keywords import Keyword
from papers.text.folding import tokenize
from tests.papers.papers_strategies import TUESDAY, sightings
from tests.papers.query_strategies import queries
from tests.papers.test_store import announced


def merged_papers(seen: list[Sighting]) -> list[Paper]:
    """Merge sightings into one paper per id."""
    ids = dict.fromkeys(sighting.id for sighting in seen)
    return [_merge([sighting for sighting in seen if sighting.id == id]) for id in ids]


def _merge(seen: list[Sighting]) -> Paper:
    return reduce(merge, seen[1:], paper_from_sighting(seen[0]))


PAPERS = st.lists(sightings(), max_size=6).map(merged_papers)


@given(
    st.lists(queries(), max_size=10),
    PAPERS,
    st.booleans(),
    st.sampled_from([0, MIN_VECTORIZED_BATCH]),
)
def test_percolator_matches_what_a_scan_matches(
    keywords: list[Query], papers: list[Paper], has_dates: bool, min_vectorized: int
) -> None:
    span = DateRange(date(2025, 3, 10), date(2025, 4, 2))
    trees = [all_of([query.tree, span]) if has_dates else query.tree for query in keywords]
    described = [(paper, FoldedPaper(paper)) for paper in papers if paper.is_described]
    expected = {
        n: {paper.id for paper, folded in described if matches_node(tree, folded)}
        for n, tree in enumerate(trees)
    }
    with mock.patch("papers.search.percolate.MIN_VECTORIZED_BATCH", min_vectorized):
        percolated = list(Percolator(enumerate(trees)).percolate(papers))
    found = {n: {paper.id for paper in matching} for n, matching in percolated}
    assert found == {n: matching for n, matching in expected.items() if matching}


def test_no_papers_or_no_queries_match_nothing() -> None:
    assert list(Percolator([("a", parse_query("reward").tree)]).percolate([])) == []
    assert list(Percolator[str]([]).percolate([paper_from_sighting(announced())])) == []


def test_matching_keywords_keep_their_order() -> None:
    saved = [Keyword(name, name, name, TUESDAY) for name in ("models", "zebra", "rew*", "reward")]
    paper = paper_from_sighting(announced(title="Reward models"))
    assert [keyword.name for keyword in PercolatorCache().matching_keywords(paper, saved)] == [
        "models",
        "rew*",
        "reward",
    ]


def test_percolator_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("papers.search.percolate._MAX_CACHED_PERCOLATORS", 2)
    cache, paper = PercolatorCache(), paper_from_sighting(announced(title="Reward models"))
    saved = [Keyword(name, name, name, TUESDAY) for name in ("models", "zebra", "reward", "rew*")]
    for keyword in saved:
        expected = () if keyword.name == "zebra" else (keyword,)
        for _ in range(2):
            assert cache.matching_keywords(paper, [keyword]) == expected
            assert 1 <= len(cache._percolators) <= 2


@given(PAPERS)
def test_both_ways_to_index_a_batch_agree(papers: list[Paper]) -> None:
    described = [paper for paper in papers if paper.is_described]
    texts = [text for paper in described for text in (paper.title, paper.abstract)]
    shingles = frozenset(hash for text in texts for hash in shingle_hashes(tokenize(text)))
    singly = _index_singly(described, shingles)
    vectorized = _index_vectorized(described, np.array(sorted(shingles), np.uint64))
    assert as_sets(vectorized) == as_sets(singly)


def as_sets(index: BatchPostings) -> dict[PostingKey, set[int]]:
    return {key: {doc_id for piece in pieces for doc_id in piece} for key, pieces in index.items()}
