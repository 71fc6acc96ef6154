from __future__ import annotations

from datetime import date
from functools import reduce
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from papers.model.merge import merge, paper_from_sighting
from papers.model.paper import Paper, Sighting
from papers.query.ast import DateRange, all_of
from papers.query.match import FoldedPaper, matches_node
from papers.query.parser import Query, parse_query
from papers.search.percolate import MIN_VECTORIZED_BATCH, Percolator, PercolatorCache
from papers.state.keywords import Keyword
from tests.papers.papers_strategies import TUESDAY, sightings
from tests.papers.query_strategies import queries
from tests.papers.test_store import announced


def records(said: list[Sighting]) -> list[Paper]:
    """A paper for each id."""
    ids = dict.fromkeys(sighting.id for sighting in said)
    return [_record([one for one in said if one.id == id]) for id in ids]


def _record(said: list[Sighting]) -> Paper:
    return reduce(merge, said[1:], paper_from_sighting(said[0]))


PAPERS = st.lists(sightings(), max_size=6).map(records)


@given(
    st.lists(queries(), max_size=10),
    PAPERS,
    st.booleans(),
    st.sampled_from([0, MIN_VECTORIZED_BATCH]),
)
def test_what_is_met_is_what_holds(
    asked: list[Query], papers: list[Paper], dated: bool, many: int
) -> None:
    span = DateRange(date(2025, 3, 10), date(2025, 4, 2))
    trees = [all_of([query.tree, span]) if dated else query.tree for query in asked]
    described = [(paper, FoldedPaper(paper)) for paper in papers if paper.is_described]
    expected = {
        n: {paper.id for paper, folded in described if matches_node(tree, folded)}
        for n, tree in enumerate(trees)
    }
    with mock.patch("papers.search.percolate.MIN_VECTORIZED_BATCH", many):
        percolated = list(Percolator(enumerate(trees)).percolate(papers))
    met = {n: {paper.id for paper in some} for n, some in percolated}
    assert met == {n: some for n, some in expected.items() if some}


def test_nobody_meets_nothing() -> None:
    assert list(Percolator([("a", parse_query("reward").tree)]).percolate([])) == []
    assert list(Percolator[str]([]).percolate([paper_from_sighting(announced())])) == []


def test_saved_keywords_are_met_in_their_order() -> None:
    saved = [Keyword(name, name, name, TUESDAY) for name in ("models", "zebra", "rew*", "reward")]
    paper = paper_from_sighting(announced(title="Reward models"))
    assert [keyword.name for keyword in PercolatorCache().matching_keywords(paper, saved)] == [
        "models",
        "rew*",
        "reward",
    ]
