"""Searches in order of events: revisions, withdrawals, and when code was first known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pyroaring import BitMap
from redis import Redis

from papers.errors import BadParameter
from papers.maintenance.backup import write_backup
from papers.maintenance.restore import restore_backup
from papers.maintenance.retention import Retention
from papers.model.arxiv_id import ArxivId
from papers.model.paper import AnnounceType, Channel, Sighting
from papers.query.parser import parse_query
from papers.query.request import Page, SearchRequest
from papers.redis_backend.listings.event_sets import EVENT_KEYS
from papers.search.execution import QueryExecution
from papers.store import Store
from tests.papers.command_counts import counted

pytestmark = pytest.mark.both_stores

START = datetime(2026, 11, 16, 5, tzinfo=UTC)
"""An Eastern midnight."""
DAY = timedelta(days=1)


@pytest.fixture
def store(redis: Redis) -> Store:
    """Return a store whose first ingest was on the day of `START`."""
    store = Store(redis)
    store.ingest([announced(9_999, 0, title="Another")], now=START + timedelta(hours=9))
    return store


def announced(number: int, day: int, version: int = 1, **values: object) -> Sighting:
    """Return the announcement of a version, some days after the first ingest."""
    kind = AnnounceType.NEW if version == 1 else AnnounceType.REPLACE
    stated = {"id": ArxivId(202611, number), "source": "arxiv", "channel": Channel.ANNOUNCEMENT}
    stated |= {"as_of": START + day * DAY, "announced_at": START + day * DAY, "version": version}
    stated |= {"title": f"Reward models, part {number}", "announce_type": kind}
    return Sighting(**(stated | values))  # type: ignore[arg-type]


def with_code(number: int, day: int) -> Sighting:
    stated = {"source": "hf", "channel": Channel.HUGGINGFACE, "as_of": START + day * DAY}
    return Sighting(id=ArxivId(202611, number), code="https://github.com/a/b", **stated)  # type: ignore[arg-type]


def find(store: Store, order: str, keyword: str = "reward", **beside: Any) -> Page:
    return store.search(SearchRequest(query=parse_query(keyword), order=order, **beside))  # type: ignore[arg-type]


def cursors(page: Page) -> list[str]:
    assert [paper.id for paper in page.papers] == [event.id for event in page.events]
    return [event.cursor for event in page.events]


def test_every_version_is_a_revision_of_its_own_newest_first(store: Store) -> None:
    store.ingest([announced(n, 0) for n in (1, 2, 3)], now=START)
    store.ingest([announced(1, 1, 2), announced(2, 1, 2), announced(1, 3, 3)], now=START + 3 * DAY)
    page = find(store, "revised")
    assert cursors(page) == ["2611.00001v3", "2611.00002v2", "2611.00001v2"]
    assert [event.at for event in page.events] == [START + 3 * DAY, START + DAY, START + DAY]
    assert [paper.version for paper in page.papers] == [3, 2, 3]
    assert cursors(find(store, "revised", "nothing")) == []
    since = (START + 2 * DAY).date()
    assert cursors(find(store, "revised", since=since)) == ["2611.00001v3"]
    assert cursors(find(store, "revised", until=since)) == ["2611.00002v2", "2611.00001v2"]


@pytest.mark.parametrize("found", [(), range(40, 300, 40)])
def test_search_ends_within_a_block_of_texts_after_the_verification_limit(
    redis: Redis, store: Store, monkeypatch: pytest.MonkeyPatch, found: Sequence[int]
) -> None:
    """Every title has the phrase; the abstracts of the papers to be `found` do, too."""
    papers = [
        announced(
            n, 1, 2, title="Reward model", abstract=f"Reward{'' if n in found else ' of'} model."
        )
        for n in range(1, 300)
    ]
    store.ingest(papers, now=START + DAY)
    keyword = 'abs:"reward model"'
    pages = [find(store, "revised", keyword, limit=5)]
    whole = cursors(pages[0]) + (cursors(_next(store, pages[0], keyword)) if found else [])
    assert len(whole) == len(found)
    store.reader.clear_postings()
    monkeypatch.setattr("papers.search.collector.VERIFICATION_LIMIT", 20)
    with counted(redis) as calls:
        pages = [find(store, "revised", keyword, limit=5)]
    assert calls["zrevrangebyscore"] == 1, "no more events are read then"
    while pages[-1].next_cursor:
        pages.append(_next(store, pages[-1], keyword))
    assert [cursor for page in pages for cursor in cursors(page)] == whole
    assert max(page.examined for page in pages) < 20 + 16
    assert len(pages) >= 8
    assert all(page.examined >= 20 for page in pages if not page.is_complete)


def test_texts_of_events_are_verified_several_at_a_time_for_a_single_one_too(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    papers = [announced(n, 1, 2, title="Reward model", abstract="None.") for n in range(1, 41)]
    store.ingest(papers, now=START + DAY)
    sizes, verify_docs = list[int](), QueryExecution.verify_docs

    def counted_verify(execution: QueryExecution, doc_ids: BitMap) -> BitMap:
        sizes.append(len(doc_ids))
        return verify_docs(execution, doc_ids)

    monkeypatch.setattr(QueryExecution, "verify_docs", counted_verify)
    assert cursors(find(store, "revised", 'abs:"reward model"', limit=1)) == []
    assert sizes == [16, 16, 8]


def _next(store: Store, page: Page, keyword: str) -> Page:
    return find(store, "revised", keyword, limit=5, before=page.next_cursor)


def test_papers_known_by_their_replacement_alone_are_among_the_revised(store: Store) -> None:
    store.ingest([announced(1, 1, 4)], now=START + DAY)
    assert cursors(find(store, "revised")) == ["2611.00001v4"]
    assert find(store, "announced").papers == ()
    assert cursors(find(store, "revised", types=frozenset({"new"}))) == []


def test_page_has_earlier_revisions_of_papers_of_later_months(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FIRST_WINDOW", "_LATER_WINDOW"):
        monkeypatch.setattr(f"papers.redis_backend.listings.event_sets.{name}", 1)
    old = announced(1, 3, 2, id=ArxivId(202609, 1))
    others = [announced(2, 2, 2, title="Another"), announced(3, 1, 2)]
    store.ingest([old, *others], now=START + 3 * DAY)
    page = find(store, "revised", limit=1)
    assert cursors(page) == ["2609.00001v2"]
    assert cursors(find(store, "revised", limit=1, before=page.next_cursor)) == ["2611.00003v2"]


@pytest.mark.parametrize("window", [1, 2, 3, 256])
def test_pages_of_revisions_go_forth_and_back(
    store: Store, monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    for name in ("FIRST_WINDOW", "_LATER_WINDOW"):
        monkeypatch.setattr(f"papers.redis_backend.listings.event_sets.{name}", window)
    revisions = [announced(n % 4 + 1, n, n // 4 + 2) for n in range(10)]
    store.ingest(
        [*revisions, *(announced(n, 2, 2, title="Other") for n in range(50, 60))], now=START
    )
    expected = [f"{s.id}v{s.version}" for s in reversed(revisions)]
    pages = [find(store, "revised", limit=3)]
    while cursor := pages[-1].next_cursor:
        pages.append(find(store, "revised", limit=3, before=cursor))
    assert [cursor for page in pages for cursor in cursors(page)] == expected
    for page, following in pairwise(pages[:-1]):
        assert following.next_cursor
        request = SearchRequest(
            query=parse_query("reward"), order="revised", limit=3, before=following.next_cursor
        )
        assert store.previous_cursor(request) == page.next_cursor


def test_events_from_before_the_first_day_are_left_out(store: Store) -> None:
    history = ((1, START - 30 * DAY), (2, START - 20 * DAY))
    old = announced(1, -9, 3)._replace(channel=Channel.OAI, earlier_versions=history)
    store.ingest([old, with_code(1, -1)], now=START + DAY)
    assert cursors(find(store, "revised")) == cursors(find(store, "code")) == []
    store.ingest([announced(1, 0, 4), with_code(2, 0), announced(2, 0)], now=START + DAY)
    assert cursors(find(store, "revised")) == ["2611.00001v4"]
    assert cursors(find(store, "code")) == ["2611.00002"]


def test_a_withdrawal_is_dated_by_its_version_and_leaves_with_it(store: Store) -> None:
    store.ingest([announced(1, 0), announced(1, 2, 2, withdrawn=True)], now=START + 2 * DAY)
    store.ingest([announced(2, 1, 1, withdrawn=True)], now=START + 2 * DAY)
    page = find(store, "withdrawn")
    assert cursors(page) == ["2611.00001", "2611.00002"]
    assert [event.at for event in page.events] == [START + 2 * DAY, START + DAY]
    store.ingest([announced(1, 3, 3)], now=START + 3 * DAY)
    assert cursors(find(store, "withdrawn")) == ["2611.00002"]
    assert cursors(find(store, "revised")) == ["2611.00001v3", "2611.00001v2"]


def test_code_is_dated_when_it_was_first_known(store: Store) -> None:
    store.ingest([announced(n, 0) for n in (1, 2, 3)], now=START)
    store.ingest([with_code(3, 1), with_code(1, 2)], now=START + 2 * DAY)
    store.ingest([with_code(3, 5)], now=START + 5 * DAY)
    page = find(store, "code")
    assert [(event.cursor, event.at) for event in page.events] == [
        ("2611.00001", START + 2 * DAY),
        ("2611.00003", START + DAY),
    ]


def test_a_phrase_is_verified_on_the_texts_of_a_window(store: Store) -> None:
    abstracts = ["a very long phrase of many words here", "words here many of phrase long very a"]
    store.ingest(
        [announced(n, n, 2, abstract=abstracts[n % 2]) for n in range(1, 5)], now=START + 4 * DAY
    )
    page = find(store, "revised", '"very long phrase of many words"')
    assert cursors(page) == ["2611.00004v2", "2611.00002v2"]


def test_an_unknown_cursor_is_refused(store: Store) -> None:
    store.ingest([announced(1, 1, 2)], now=START + DAY)
    for cursor in ("2611.00001", "2611.00001v3", "2611.00002v2"):
        with pytest.raises(BadParameter, match=f"before: {cursor} is not in this list"):
            find(store, "revised", before=cursor)


def test_events_of_removed_months_are_removed(redis: Redis, store: Store) -> None:
    older = announced(1, 1, 2)._replace(id=ArxivId(202610, 7))
    store.ingest([announced(1, 1, 2), older, with_code(1, 2)], now=START + 2 * DAY)
    assert redis.zcard(EVENT_KEYS["revised"]) == 2  # type: ignore[index]
    Retention(redis).remove_before(202611, now=START + 3 * DAY)
    assert cursors(find(store, "revised", "cat:cs.CL OR reward")) == ["2611.00001v2"]
    assert [redis.zcard(key) for key in EVENT_KEYS.values()] == [1, 0, 1]


def test_a_restored_store_has_the_same_events(redis: Redis, store: Store, tmp_path: Path) -> None:
    store.ingest([announced(1, -3, 2), announced(1, 1, 3), with_code(1, 2)], now=START + 2 * DAY)
    before = {key: redis.zrange(key, 0, -1, withscores=True) for key in EVENT_KEYS.values()}
    assert list(map(len, before.values())) == [1, 0, 1]
    write_backup(redis, tmp_path / "backup", now=START)
    redis.flushdb()
    restore_backup(redis, tmp_path / "backup", replace=False, now=START + 9 * DAY)
    after = {key: redis.zrange(key, 0, -1, withscores=True) for key in EVENT_KEYS.values()}
    assert after == before
