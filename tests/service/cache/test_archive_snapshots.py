from __future__ import annotations

import random
from datetime import timedelta

import pytest
from redis import Redis

from papers.model.arxiv_id import ArxivId
from papers.model.periods import Period, PeriodKind
from papers.query.parser import parse_query
from papers.query.request import Page, SearchRequest
from papers.records.unread_paper import SelectKnown, select_none
from papers.store import Store
from service.cache.archive_snapshots import newest_period_before
from tests.service.made import NOW, make_sighting

QUERY = parse_query("reward")
TODAY = NOW.date()


class CountingStore(Store):
    """A store that counts its searches."""

    searches = 0

    def search(self, request: SearchRequest, select_known: SelectKnown = select_none) -> Page:
        self.searches += 1
        return super().search(request, select_known)


@pytest.fixture
def store(redis: Redis) -> CountingStore:
    return CountingStore(redis)


def announce(store: Store, *days_ago: int) -> None:
    """Ingest a paper for each number of days; the ids are in the order of the arguments."""
    store.ingest(
        [
            make_sighting(
                number,
                id=ArxivId(202611, 1_000 - number),
                announced_at=NOW - timedelta(days=days),
                as_of=NOW,
            )
            for number, days in enumerate(days_ago)
        ],
        now=NOW,
    )


def newest_before_today(store: CountingStore, limit: int) -> Period | None:
    """Look for the newest day before today, given the newest page of `limit` papers."""
    page = store.search(SearchRequest(query=QUERY, limit=limit))
    store.searches = 0
    return newest_period_before(store, QUERY, Period.containing("day", TODAY), page)


def day(days_ago: int) -> Period:
    return Period.containing("day", TODAY - timedelta(days=days_ago))


def test_page_with_all_papers_needs_no_search(store: CountingStore) -> None:
    announce(store, 0, 5, 3, 9)
    assert newest_before_today(store, limit=4) == day(3)
    assert store.searches == 0


def test_page_with_all_papers_of_today_has_no_period_before(store: CountingStore) -> None:
    announce(store, 0, 0)
    assert newest_before_today(store, limit=2) is None
    assert store.searches == 0


def test_page_with_a_paper_of_the_day_before_needs_no_search(store: CountingStore) -> None:
    announce(store, 0, 1, 2, 3)
    assert newest_before_today(store, limit=2) == day(1)
    assert store.searches == 0


def test_cut_page_does_not_hide_a_paper_that_was_held_back(store: CountingStore) -> None:
    announce(store, 0, 5, 9, 2)
    assert newest_before_today(store, limit=2) == day(2)
    assert store.searches > 0


def test_cut_page_of_today_alone_is_searched_behind(store: CountingStore) -> None:
    announce(store, 0, 0, 4)
    assert newest_before_today(store, limit=2) == day(4)


@pytest.mark.parametrize("seed", range(8))
def test_page_never_changes_the_result(store: CountingStore, seed: int) -> None:
    choice = random.Random(seed)
    announce(store, *(choice.randrange(60) for _ in range(12)))
    kinds: tuple[PeriodKind, ...] = ("day", "month")
    for limit in (1, 3, 11, 12, 13):
        page = store.search(SearchRequest(query=QUERY, limit=limit))
        for kind in kinds:
            for days_ago in (0, 7, 25, 59):
                period = Period.containing(kind, TODAY - timedelta(days=days_ago))
                expected = newest_period_before(store, QUERY, period)
                assert newest_period_before(store, QUERY, period, page) == expected
