from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from papers.model.arxiv_id import ArxivId
from papers.model.labels import indexed_day
from papers.model.merge import merge
from papers.model.paper import Paper, Sighting
from papers.query.match import FoldedPaper, matches_node
from papers.query.parser import Query, parse_query
from papers.query.request import SearchRequest
from papers.search.counts import MatchCounter, last_months
from papers.search.reader import IndexReader
from papers.store import Store
from tests.papers.papers_strategies import TUESDAY, sightings
from tests.papers.query_strategies import queries
from tests.papers.sightings import NOW, announced, picked

pytestmark = pytest.mark.both_stores


@given(ingested=st.lists(sightings(), min_size=1, max_size=25), query=queries())
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_counts_equal_those_of_a_scan(redis: Redis, ingested: list[Sighting], query: Query) -> None:
    """They are exact if postings decide; otherwise never too low."""
    redis.flushall()
    Store(redis).ingest(ingested, now=NOW)
    papers: dict[ArxivId, Paper] = {}
    for sighting in ingested:
        papers[sighting.id] = merge(papers.get(sighting.id), sighting)
    tree = SearchRequest(query=query).tree
    counts = MatchCounter(IndexReader(redis)).count(tree)
    newest = {paper.id.month for paper in papers.values()}
    described = [paper for paper in papers.values() if paper.is_described]
    if counts is None:
        assert not any(paper.id.month in sorted(newest)[-3:] for paper in described)
        return
    found = [paper for paper in described if matches_node(tree, FoldedPaper(paper))]
    months = [count.month for count in counts.months]
    late = sorted(newest)[-3:]
    recent = [paper for paper in found if paper.id.month in months and paper.id.month in late]
    year = sum(paper.id.month in months for paper in found)
    week = sum(indexed_day(paper) > counts.until - timedelta(days=7) for paper in recent)
    month = sum(indexed_day(paper) > counts.until - timedelta(days=28) for paper in recent)
    assert (counts.week, counts.month, counts.year) >= (week, month, year)
    assert counts.weeks[-1] == counts.week >= counts.day
    assert sum(counts.weeks[-4:]) == counts.month
    assert counts.year >= year
    if counts.exact:
        assert (counts.week, counts.month, counts.year) == (week, month, year)


def test_empty_store_has_no_counts(redis: Redis) -> None:
    assert MatchCounter(IndexReader(redis)).count(parse_query("reward").tree) is None


def test_counts_follow_ingests(redis: Redis) -> None:
    store, counter = Store(redis), MatchCounter(IndexReader(redis))
    tree = SearchRequest(query=parse_query("reward")).tree
    for number in (1, 2):
        store.ingest([announced(ArxivId(202503, number))], now=NOW)
        counts = counter.count(tree)
        assert counts is not None
        assert (counts.week, counts.month, counts.year, counts.exact) == (number,) * 3 + (True,)
        assert counts.months[-1] == (202503, number)


def test_weeks_end_with_the_newest_day(redis: Redis) -> None:
    days = (0, 6, 7, 20, 21, 55, 56)
    Store(redis).ingest(
        [
            announced(ArxivId(202503, n + 1), announced_at=TUESDAY - timedelta(days=n))
            for n in days
            if n < 18
        ]
        + [
            announced(ArxivId(202502, n + 1), announced_at=TUESDAY - timedelta(days=n))
            for n in days
            if 18 <= n < 46
        ]
        + [
            announced(ArxivId(202501, n + 1), announced_at=TUESDAY - timedelta(days=n))
            for n in days
            if n >= 46
        ],
        now=NOW,
    )
    counts = MatchCounter(IndexReader(redis)).count(parse_query("reward").tree)
    assert counts is not None
    assert counts.until == TUESDAY.date()
    assert counts.weeks == (1, 0, 0, 0, 1, 1, 1, 2)
    assert counts.day == 1


def test_papers_per_category(redis: Redis) -> None:
    counter = MatchCounter(IndexReader(redis))
    assert counter.papers_per_category(["cs.CL"], 28) == {}
    both = {"categories": ("cs.CL", "math.GT")}
    old = announced(ArxivId(202502, 3), announced_at=TUESDAY - timedelta(days=28))
    newest = announced(ArxivId(202503, 1), **both)
    Store(redis).ingest([newest, announced(ArxivId(202503, 2)), old], now=NOW)
    assert counter.papers_per_category(["cs.CL", "math.GT", "cs.RO"], 28) == {
        "cs.CL": 2,
        "math.GT": 1,
    }


def test_papers_per_day_and_source(redis: Redis) -> None:
    first, other = ArxivId(202503, 1), ArxivId(202502, 9)
    assert MatchCounter(IndexReader(redis)).papers_per_day(["arxiv"], 3) == {}
    late = announced(other, announced_at=TUESDAY)
    Store(redis).ingest([announced(first), late, picked(first)], now=NOW)
    found = MatchCounter(IndexReader(redis)).papers_per_day(["arxiv", "HF", "nobody"], 2)
    assert {name: [day.papers for day in days] for name, days in found.items()} == {
        "arxiv": [0, 2],
        "HF": [0, 1],
        "nobody": [0, 0],
    }
    assert [day.day for day in found["arxiv"]] == [date(2025, 3, 17), date(2025, 3, 18)]


def test_counts_of_a_prefix_with_too_many_words_are_inexact(redis: Redis) -> None:
    title = " ".join(f"hal{n}x" for n in range(300))
    Store(redis).ingest([announced(title=title), announced(ArxivId(202503, 2))], now=NOW)
    counts = MatchCounter(IndexReader(redis)).count(parse_query("hal*").tree)
    assert counts is not None
    assert (counts.year, counts.exact) == (2, False)


@pytest.mark.parametrize(
    ("day", "months"),
    [
        (date(2026, 3, 31), [202601, 202602, 202603]),
        (date(2026, 2, 1), [202512, 202601, 202602]),
        (date(2026, 12, 31), [202610, 202611, 202612]),
        (date(2027, 1, 1), [202611, 202612, 202701]),
    ],
)
def test_last_months(day: date, months: list[int]) -> None:
    assert last_months(day, 3) == months
