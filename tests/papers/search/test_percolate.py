from __future__ import annotations

from datetime import date
from functools import reduce
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from papers.model.merge import lift, merge
from papers.model.paper import Paper, Sighting
from papers.query.ast import Between, all_of
from papers.query.match import Folded, holds
from papers.query.parser import Query, parse
from papers.search.percolate import MANY, Percolator, met_by
from papers.state.keywords import Keyword
from tests.papers.papers_strategies import TUESDAY, sightings
from tests.papers.query_strategies import queries
from tests.papers.test_store import announced


def records(said: list[Sighting]) -> list[Paper]:
    """A paper for each id."""
    ids = dict.fromkeys(sighting.id for sighting in said)
    return [_record([one for one in said if one.id == id]) for id in ids]


def _record(said: list[Sighting]) -> Paper:
    return reduce(merge, said[1:], lift(said[0]))


PAPERS = st.lists(sightings(), max_size=6).map(records)


@given(st.lists(queries(), max_size=10), PAPERS, st.booleans(), st.sampled_from([0, MANY]))
def test_what_is_met_is_what_holds(
    asked: list[Query], papers: list[Paper], dated: bool, many: int
) -> None:
    span = Between(date(2025, 3, 10), date(2025, 4, 2))
    trees = [all_of([query.tree, span]) if dated else query.tree for query in asked]
    described = [(paper, Folded(paper)) for paper in papers if paper.described]
    expected = {
        n: {paper.id for paper, folded in described if holds(tree, folded)}
        for n, tree in enumerate(trees)
    }
    with mock.patch("papers.search.percolate.MANY", many):
        percolated = list(Percolator(enumerate(trees)).met(papers))
    met = {n: {paper.id for paper in some} for n, some in percolated}
    assert met == {n: some for n, some in expected.items() if some}


def test_nobody_meets_nothing() -> None:
    assert list(Percolator([("a", parse("reward").tree)]).met([])) == []
    assert list(Percolator[str]([]).met([lift(announced())])) == []


def test_saved_keywords_are_met_in_their_order() -> None:
    saved = [Keyword(name, name, name, TUESDAY) for name in ("models", "zebra", "rew*", "reward")]
    paper = lift(announced(title="Reward models"))
    assert [keyword.name for keyword in met_by(paper, saved)] == ["models", "rew*", "reward"]
