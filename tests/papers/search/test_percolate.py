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
from papers.query.ast import DateRange, Node, all_of
from papers.query.match import FoldedPaper, matches_node
from papers.query.parser import Query, parse_query
from papers.search.evaluate import PostingKey
from papers.search.percolate import (
    MIN_VECTORIZED_BATCH,
    BatchPostings,
    Percolator,
    _index_singly,
    _index_vectorized,
)
from papers.search.saved.percolator_cache import PercolatorCache
from papers.state.keyword_directory import KeywordList, KeywordsVersion
from papers.state.keyword_record import Keyword
from papers.text.folding import tokenize
from tests.papers.papers_strategies import TUESDAY, sightings
from tests.papers.query_strategies import queries
from tests.papers.sightings import announced


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


def listed(*texts: str, token: bytes = b"1") -> KeywordList:
    """The list of keywords with these queries and names, in this order."""
    keywords = [Keyword(text, text, text, TUESDAY) for text in texts]
    return KeywordList(KeywordsVersion(token, len(keywords)), keywords)


@given(st.lists(queries(), max_size=10), PAPERS)
def test_cache_finds_every_keyword_that_a_scan_finds(
    keywords: list[Query], papers: list[Paper]
) -> None:
    saved = listed(*dict.fromkeys(query.canonical for query in keywords))
    found = PercolatorCache().matching_keywords(papers, saved, 99)
    for paper, matched in zip(papers, found, strict=True):
        folded = FoldedPaper(paper)
        trees = {keyword.slug: parse_query(keyword.query).tree for keyword in saved.keywords}
        expected = [
            slug
            for slug, tree in trees.items()
            if paper.is_from_arxiv and paper.is_described and matches_node(tree, folded)
        ]
        assert [keyword.slug for keyword in matched] == expected


REWARD_PAPER = paper_from_sighting(announced(title="Reward models"))


def test_matching_keywords_keep_their_order_and_are_bounded() -> None:
    cache, saved = PercolatorCache(), listed("models", "zebra", "rew*", "reward")
    (found,) = cache.matching_keywords([REWARD_PAPER], saved, 9)
    assert [keyword.name for keyword in found] == ["models", "rew*", "reward"]
    (found,) = cache.matching_keywords([REWARD_PAPER], saved, 2)
    assert [keyword.name for keyword in found] == ["models", "rew*"]
    assert cache.matching_keywords([], saved, 9) == []


def test_cache_follows_the_list() -> None:
    cache = PercolatorCache()
    for number, texts in enumerate((["models"], ["models", "reward"], [], ["zebra", "reward"])):
        saved = listed(*texts, token=b"%d" % number)
        (found,) = cache.matching_keywords([REWARD_PAPER], saved, 9)
        assert [keyword.name for keyword in found] == [t for t in texts if t != "zebra"]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("Reward   Model", "reward models"),
        ("model reward", "reward models"),
        ('"reward model"', None),
        ("reward", None),
        ("rl or rlhf", "rl OR rlhf"),
    ],
)
def test_keyword_with_an_equal_query_is_found(query: str, name: str | None) -> None:
    saved = listed("zebra", "reward models", "rl OR rlhf", "rlhf OR rl")
    found = PercolatorCache().same_query(parse_query(query), saved)
    assert (found and found.name) == name
    assert PercolatorCache().same_query(parse_query(query), listed()) is None


@pytest.fixture
def evaluated(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The queries that are evaluated."""
    found = list[str]()

    def percolator(queries: list[tuple[str, Node]]) -> Percolator[str]:
        found.extend(text for text, _ in queries)
        return Percolator(queries)

    monkeypatch.setattr("papers.search.saved.percolator_cache.Percolator", percolator)
    return found


def test_few_of_many_keywords_are_evaluated(evaluated: list[str]) -> None:
    """Each is looked up by the rarer of its words, which the paper does not have."""
    rare = ["".join("abcdefghij"[int(digit)] for digit in str(number)) for number in range(500)]
    texts = [f"reward word{letters}" for letters in rare]
    PercolatorCache().matching_keywords([REWARD_PAPER], listed(*texts, "reward models"), 9)
    assert evaluated == ["reward models"]


def test_query_of_many_keywords_is_evaluated_once(evaluated: list[str]) -> None:
    names = {f"k{number:03}": "reward" for number in range(100)}
    keywords = [Keyword(name, name, text, TUESDAY) for name, text in names.items()]
    saved = KeywordList(KeywordsVersion(b"1", len(keywords)), keywords)
    (found,) = PercolatorCache().matching_keywords([REWARD_PAPER], saved, 9)
    assert [keyword.name for keyword in found] == sorted(names)[:9]
    assert evaluated == ["reward"]


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
