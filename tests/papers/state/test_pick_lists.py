from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from redis import Redis

from papers.errors import BadParameter
from papers.maintenance.backup import write_backup
from papers.maintenance.restore import restore_backup
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Channel, Pick, Sighting
from papers.query.parser import parse_query
from papers.query.request import Page, SearchRequest
from papers.state.voting.pick_lists import PickLists
from papers.store import Store

START = datetime(2026, 11, 2, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def id_of(number: int) -> ArxivId:
    return ArxivId(202611, number)


def picked(number: int, votes: int = 5, at: datetime = START, **said: object) -> Sighting:
    pick = Pick("hf", START, votes=votes, counted_at=at)
    stated = {"channel": Channel.HUGGINGFACE, "as_of": at, "title": f"Paper {number}"}
    return Sighting(id=id_of(number), source="hf", pick=pick, **(stated | said))  # type: ignore[arg-type]


def find(store: Store, **beside: object) -> Page:
    request = {"query": parse_query("is:picked"), "listed": "daily"} | beside
    return store.search(SearchRequest(**request))  # type: ignore[arg-type]


def numbers(page: Page) -> list[int]:
    return [paper.id.number for paper in page.papers]


@pytest.fixture
def store(redis: Redis) -> Store:
    store = Store(redis)
    store.ingest([picked(n) for n in range(1, 10)], now=START)
    return store


def test_papers_join_in_order_and_stay_where_they_are(redis: Redis, store: Store) -> None:
    lists = PickLists(redis)
    assert lists.join("daily", [id_of(3), id_of(1)], now=START) == 2
    assert lists.join("daily", [id_of(1), id_of(2)], now=START + HOUR) == 1
    page = find(store)
    assert numbers(page) == [2, 3, 1]
    times = [event.at for event in page.events]
    assert all(START < at < START + HOUR + timedelta(seconds=1) for at in times)
    assert all(newer > older for newer, older in pairwise(times))


def test_papers_that_join_in_one_second_have_dates_of_their_own(redis: Redis, store: Store) -> None:
    lists, wrong_clock = PickLists(redis), START + 400 * DAY
    for number in (3, 1, 2):
        lists.join("daily", [id_of(number)], now=START)
    page = find(store)
    assert numbers(page) == [2, 1, 3]
    milliseconds = [event.at.microsecond // 1_000 for event in page.events]
    assert len({*milliseconds}) == 3
    assert milliseconds == sorted(milliseconds, reverse=True)
    lists.join("daily", [id_of(4)], now=wrong_clock)
    lists.join("daily", [id_of(5)], now=START + DAY)
    assert [event.at.date() for event in find(store, limit=2).events] == [
        wrong_clock.date(),
        (START + DAY).date(),
    ], "a time that a wrong clock stated is not passed on"


def test_picks_of_several_months_have_dates_of_their_own(redis: Redis, store: Store) -> None:
    at = START + HOUR
    older = [picked(n, 1, at)._replace(id=ArxivId(202610, n)) for n in (1, 2)]
    store.ingest([picked(20, 1, at), picked(21, 1, at), *older], now=at)
    times = [event.at for event in find(store, listed="picked", limit=4).events]
    assert len({time.replace(microsecond=time.microsecond // 1_000) for time in times}) == 4


def test_a_join_moves_the_revision_once(redis: Redis, store: Store) -> None:
    lists, before = PickLists(redis), store.revision()
    lists.join("daily", [], now=START, evaluated="2026-11-01")
    assert store.revision() == before
    lists.join("daily", [id_of(1)], now=START)
    moved = store.revision()
    assert moved > before
    lists.join("daily", [id_of(1)], now=START + DAY)
    assert store.revision() == moved
    assert not store.settle(now=START)


def test_first_picks_join_with_their_ingest(redis: Redis, store: Store) -> None:
    assert numbers(find(store, listed="picked")) == [9, 8, 7, 6, 5, 4, 3, 2, 1]
    store.ingest([picked(2, 90, START + HOUR), picked(20, 1, START + HOUR)], now=START + HOUR)
    assert numbers(find(store, listed="picked", limit=2)) == [20, 9]


def test_picks_from_before_the_first_day_do_not_join(redis: Redis) -> None:
    store = Store(redis)
    store.ingest([picked(1), picked(2)], now=START + 3 * DAY)
    assert numbers(find(store, listed="picked")) == []


def test_a_query_filters_and_changes_no_order(redis: Redis, store: Store) -> None:
    PickLists(redis).join("daily", [id_of(n) for n in (4, 7, 1, 2)], now=START)
    assert numbers(find(store, query=parse_query("2 OR 7 OR 9"))) == [7, 2]


@pytest.mark.parametrize("min_votes", [0, 1])
def test_pages_go_forth_and_back(redis: Redis, store: Store, min_votes: int) -> None:
    order = [4, 7, 1, 2, 9, 8, 3]
    PickLists(redis).join("daily", [id_of(n) for n in order], now=START)
    pages = [find(store, limit=3, min_votes=min_votes)]
    while cursor := pages[-1].next_cursor:
        pages.append(find(store, limit=3, min_votes=min_votes, before=cursor))
    assert [n for page in pages for n in numbers(page)] == order
    request = SearchRequest(
        query=parse_query("is:picked"), listed="daily", limit=3, min_votes=min_votes
    )
    for page, following in pairwise(pages[:-1]):
        at = SearchRequest(**_fields(request) | {"before": following.next_cursor})  # type: ignore[arg-type]
        assert store.previous_cursor(at) == page.next_cursor
    with pytest.raises(BadParameter, match=r"2611\.00005 is not in this list"):
        find(store, min_votes=min_votes, before="2611.00005")


def _fields(request: SearchRequest) -> dict[str, object]:
    return {name: getattr(request, name) for name in SearchRequest.__dataclass_fields__}


def test_with_a_minimum_a_paper_joins_when_a_count_first_reached_it(
    redis: Redis, store: Store
) -> None:
    lists = PickLists(redis)
    lists.join("daily", [id_of(n) for n in (1, 2, 3)], now=START + HOUR)
    store.ingest([picked(3, 50, START + 5 * HOUR)], now=START + 5 * HOUR)
    store.ingest([picked(1, 60, START + 6 * HOUR)], now=START + 6 * HOUR)
    store.ingest([picked(3, 70, START + 9 * HOUR)], now=START + 9 * HOUR)
    page = find(store, min_votes=50)
    assert [(event.id.number, event.at) for event in page.events] == [
        (1, START + 6 * HOUR),
        (3, START + 5 * HOUR),
    ]
    assert numbers(find(store, min_votes=5)) == [1, 2, 3], "reached before they joined"
    assert numbers(find(store, min_votes=50, since=(START + DAY).date())) == []


def test_lists_are_restored_from_a_backup(redis: Redis, store: Store, tmp_path: Path) -> None:
    lists = PickLists(redis)
    lists.join("daily", [id_of(3), id_of(1)], now=START, evaluated="2026-11-01")
    before = [find(store, listed=name).events for name in ("daily", "picked")]
    write_backup(redis, tmp_path / "backup", now=START)
    redis.flushdb()
    restore_backup(redis, tmp_path / "backup", replace=False, now=START + 9 * DAY)
    assert [find(store, listed=name).events for name in ("daily", "picked")] == before
    assert lists.evaluated_period("daily") == "2026-11-01"
