from __future__ import annotations

import json
from datetime import UTC, date, datetime

from redis import Redis

from papers.model.arxiv_id import ArxivId
from papers.redis_backend import keys
from papers.redis_backend.listings.held_span import WHOLE_MONTH_PAPERS, HeldSpan, read_held_span
from papers.store import Store
from tests.papers.sightings import announced

MONTHS = (202608, 202609, 202610, 202611)
BEGAN = date(2026, 11, 10)


def since(covered: tuple[date, date] | None = None, **sizes: int) -> date | None:
    return HeldSpan(BEGAN, covered, {int(m[1:]): n for m, n in sizes.items()}).since(MONTHS)


def test_nothing_is_known_of_an_empty_store(redis: Redis) -> None:
    assert read_held_span(redis, MONTHS).since(MONTHS) is None


def test_store_holds_every_paper_since_its_first_ingest(redis: Redis) -> None:
    for now in (datetime(2026, 11, 10, 9, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC)):
        Store(redis).ingest([announced(ArxivId(202611, now.day))], now=now)
    span = read_held_span(redis, MONTHS)
    assert span.since(MONTHS) == BEGAN
    assert span.month_sizes[202611] == 2


def test_month_of_some_papers_is_not_held() -> None:
    """Initial fetches and picks bring some of the past."""
    assert since(m202610=WHOLE_MONTH_PAPERS - 1, m202611=10) == BEGAN
    assert since(m202610=WHOLE_MONTH_PAPERS, m202611=5 * WHOLE_MONTH_PAPERS) == BEGAN


def test_month_of_the_beginning_is_not_held_because_it_grows() -> None:
    assert since(m202611=50 * WHOLE_MONTH_PAPERS) == BEGAN


def test_months_of_a_bulk_file_are_held_up_to_the_first_that_is_not() -> None:
    whole = 2 * WHOLE_MONTH_PAPERS
    assert since(m202611=10, m202610=whole, m202609=whole) == date(2026, 9, 1)
    assert since(m202611=10, m202610=3, m202609=whole) == BEGAN


def test_backfill_of_everything_is_held(redis: Redis) -> None:
    span = (date(2026, 8, 15), date(2026, 11, 10))
    assert since(span) == date(2026, 9, 1), "the first month in whole"
    assert since((date(2026, 8, 1), date(2026, 10, 3))) == BEGAN, "it ended before the store began"
    Store(redis).ingest([announced(ArxivId(202611, 1))], now=datetime(2026, 11, 10, tzinfo=UTC))
    redis.set(keys.COVERAGE, json.dumps({"since": "2026-08-15", "until": "2026-11-10"}))
    assert read_held_span(redis, MONTHS).since(MONTHS) == date(2026, 9, 1)
