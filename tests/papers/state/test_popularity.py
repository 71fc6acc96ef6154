from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper, Pick
from papers.state.voting.popularity import (
    PRIOR_PICKS,
    popularity,
    rank_by_votes,
    rank_trending,
    vote_units,
)

TODAY = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def picked(number: int, votes: int | None, community: str = "hf", *, days_ago: int = 0) -> Paper:
    pick = Pick(community, NOON - timedelta(days=days_ago), votes=votes)
    return Paper(ArxivId(202611, number), picks=(pick,))


def also_picked(paper: Paper, votes: int, community: str) -> Paper:
    pick = replace(paper.picks[0], community=community, votes=votes)
    return paper._replace(picks=(*paper.picks, pick))


def numbers(papers: list[Paper]) -> list[int]:
    return [paper.id.number for paper in papers]


@given(st.lists(st.none() | st.integers(0, 1_000), max_size=12))
def test_of_one_community_the_numbers_decide(votes: list[int | None]) -> None:
    papers = [picked(number, count) for number, count in enumerate(votes, 1)]
    expected = sorted(papers, key=lambda paper: (-(paper.votes or 0), paper.id))
    assert rank_by_votes(papers) == expected


def test_a_hundred_points_there_are_not_a_hundred_votes_here() -> None:
    here = [picked(number, votes) for number, votes in enumerate([8, 10, 12, 30] * 5, 1)]
    there = [picked(100 + n, 100 + n, "news") for n in range(20)]
    ranked = numbers(rank_by_votes([*here, *there]))
    assert ranked[:5] == [4, 8, 12, 16, 20], "thirty votes are many here"
    assert ranked.index(119) < ranked.index(1), "what is usual there beats what is little here"
    assert {1, 5, 9, 13, 17} == set(ranked[-5:])


def test_votes_at_several_places_add_up() -> None:
    papers = [picked(number, 10) for number in range(1, 10)]
    papers[3] = also_picked(papers[3], 50, "news")
    assert rank_by_votes(papers)[0].id.number == 4


def test_one_wild_number_is_worth_a_few_usual_ones() -> None:
    papers = [picked(number, 10) for number in range(1, 40)]
    wild = picked(99, 10**9, "tiny")
    units = vote_units([*papers, wild])
    assert popularity(wild, units) <= 1 + PRIOR_PICKS
    assert popularity(picked(1, 100), units) > popularity(wild, units)


def test_zero_votes_and_uncounted_picks_have_no_popularity() -> None:
    papers = [picked(1, 0), picked(2, None), picked(3, 1)]
    assert [popularity(paper, vote_units(papers)) > 0 for paper in papers] == [False, False, True]
    assert numbers(rank_by_votes(papers)) == [3, 1, 2]


def test_trending_divides_by_age() -> None:
    papers = [picked(1, 100, days_ago=10), picked(2, 20), picked(3, 19, days_ago=1)]
    assert numbers(rank_trending(papers, TODAY)) == [2, 3, 1]
    assert numbers(rank_trending([picked(1, 5), picked(2, 5)], TODAY)) == [1, 2]


def test_the_same_votes_trend_alike_wherever_they_are_usual() -> None:
    here = [picked(n, 10) for n in range(1, 11)]
    there = [picked(100 + n, 200, "news") for n in range(1, 11)]
    hot_here, hot_there = picked(50, 40), picked(150, 800, "news")
    units = vote_units([*here, *there, hot_here, hot_there])
    ratio = popularity(hot_here, units) / popularity(hot_there, units)
    assert 0.8 < ratio < 1.25
