from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis

from papers.changes import change_log
from papers.changes.batch_index import index_batch
from papers.changes.recent_changes import RecentChanges
from papers.model.arxiv_id import ArxivId
from papers.model.frozen_fields import visible_part
from papers.model.merge import paper_from_sighting
from papers.model.paper import Sighting
from papers.query.parser import parse_query
from papers.query.request import Page, SearchRequest
from papers.redis_backend import keys
from papers.redis_backend.revision import bump_revision
from papers.search.percolate import MIN_VECTORIZED_BATCH
from papers.store import Store
from tests.papers.papers_strategies import sightings
from tests.papers.query_strategies import requests
from tests.papers.sightings import announced, picked

pytestmark = pytest.mark.both_stores

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
REWARD = SearchRequest(query=parse_query("reward")).tree


def id_of(number: int) -> ArxivId:
    return ArxivId(202503, number)


@pytest.fixture
def store(redis: Redis) -> Store:
    return Store(redis)


@pytest.fixture
def changes(redis: Redis) -> RecentChanges:
    return RecentChanges(redis)


def shown(store: Store, request: SearchRequest) -> Page:
    """Return a page without what no reader sees."""
    page = store.search(request)
    papers = tuple(map(visible_part, page.papers))
    return replace(page, records=papers, examined=0)


@settings(max_examples=150)
@given(
    st.lists(sightings(), max_size=20),
    st.lists(st.lists(sightings(), min_size=1, max_size=4), min_size=1, max_size=3),
    st.lists(requests, min_size=1, max_size=6),
    st.sampled_from([1, MIN_VECTORIZED_BATCH]),
)
def test_pages_that_no_change_affects_stay_as_they_are(
    store_url: str,
    first: list[Sighting],
    later: list[list[Sighting]],
    searches: list[SearchRequest],
    min_vectorized: int,
) -> None:
    redis = Redis.from_url(store_url)
    redis.flushall()
    redis.set(keys.REVISION, 1)
    store = Store(redis)
    store.ingest(first, now=NOW)
    before, since = [shown(store, search) for search in searches], store.revision()
    for batch in later:
        store.ingest(batch, now=NOW)
    with mock.patch("papers.changes.batch_index.MIN_VECTORIZED_BATCH", min_vectorized):
        changes = RecentChanges(redis)
        for search, page in zip(searches, before, strict=True):
            affected = changes.affect(search.tree, since, store.revision())
            assert affected is not None
            if not affected:
                assert shown(store, search) == page
    redis.close()


@pytest.mark.parametrize(
    ("change", "affected"),
    [
        (announced(id_of(9), title="Reward of another paper"), True),
        (announced(id_of(9), title="Diffusion"), False),
        (announced(id_of(1), version=2, title="No such word any more"), True),
        (announced(id_of(2), version=2, title="Now of rewards"), True),
        (announced(id_of(2), version=2, title="Not of them"), False),
        (picked(id_of(1)), True),
        (picked(id_of(2)), False),
    ],
)
def test_paper_that_comes_stays_or_goes_affects_a_query(
    store: Store, changes: RecentChanges, change: Sighting, affected: bool
) -> None:
    store.ingest([announced(id_of(1)), announced(id_of(2), title="Diffusion")], now=NOW)
    since = store.revision()
    store.ingest([change], now=NOW)
    assert changes.affect(REWARD, since, store.revision()) is affected
    assert changes.affect(REWARD, since, since) is False


def test_nothing_is_known_across_a_gap(store: Store, changes: RecentChanges, redis: Redis) -> None:
    """A restore or a killed ingest moves the revision without a record."""
    store.ingest([announced(id_of(1))], now=NOW)
    since = store.revision()
    bump_revision(redis)
    assert changes.affect(REWARD, since, store.revision()) is None
    gap = store.revision()
    store.ingest([announced(id_of(2), title="Diffusion")], now=NOW)
    assert changes.affect(REWARD, since, store.revision()) is None
    assert changes.affect(REWARD, gap, store.revision()) is False
    assert changes.affect(REWARD, gap + 1, store.revision()) is None


def test_record_that_arrives_after_the_revision_is_found_later(
    store: Store, changes: RecentChanges, redis: Redis
) -> None:
    store.ingest([announced(id_of(1))], now=NOW)
    since = store.revision()
    store.ingest([announced(id_of(2), title="Diffusion")], now=NOW)
    newest: Any = redis.zrange(keys.CHANGE_LOG, -1, -1, withscores=True)
    ((record, score),) = newest
    redis.zrem(keys.CHANGE_LOG, record)
    assert changes.affect(REWARD, since, store.revision()) is None
    redis.zadd(keys.CHANGE_LOG, {record: score})
    assert changes.affect(REWARD, since, store.revision()) is False


def test_log_and_what_a_process_keeps_of_it_are_bounded(
    store: Store, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_log, "MAX_RECORDS", 3)
    revisions = []
    for number in range(1, 6):
        revisions.append(store.revision())
        store.ingest([announced(id_of(number), title="Diffusion")], now=NOW)
    assert redis.zcard(keys.CHANGE_LOG) == 3
    changes = RecentChanges(redis)
    now = store.revision()
    assert [changes.affect(REWARD, since, now) for since in revisions] == [
        *(None, None),
        *(False, False, False),
    ]
    monkeypatch.setattr("papers.changes.recent_changes.MAX_CACHED_PAPERS", 2)
    changes = RecentChanges(redis)
    assert changes.affect(REWARD, revisions[2], now) is None
    assert changes.affect(REWARD, revisions[3], now) is False


@pytest.mark.parametrize("limit", ["MAX_CHANGED", "MAX_RECORD_BYTES"])
def test_ingest_that_changes_too_much_leaves_no_record(
    store: Store, redis: Redis, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(change_log, limit, 1)
    store.ingest([announced(id_of(number)) for number in range(1, 4)], now=NOW)
    assert not redis.exists(keys.CHANGE_LOG)


@pytest.mark.parametrize("damage", [b"", b"\xc1", b"\x93\x01", b"\x94\x01\x02\x03\x04"])
def test_damaged_record_is_a_gap(
    store: Store, changes: RecentChanges, redis: Redis, damage: bytes
) -> None:
    store.ingest([announced(id_of(1))], now=NOW)
    since = store.revision()
    store.ingest([announced(id_of(2), title="Diffusion")], now=NOW)
    redis.delete(keys.CHANGE_LOG)
    redis.zadd(keys.CHANGE_LOG, {damage: float(store.revision())})
    assert changes.affect(REWARD, since, store.revision()) is None


def test_large_batch_is_indexed_as_a_small_one_is() -> None:
    papers = [
        paper_from_sighting(announced(id_of(n), title=f"Reward model {n} of the agents"))
        for n in range(1, MIN_VECTORIZED_BATCH + 1)
    ]
    large = index_batch(papers)
    with mock.patch("papers.changes.batch_index.MIN_VECTORIZED_BATCH", len(papers) + 1):
        small = index_batch(papers)
    assert type(small) is not type(large)
    for key, doc_ids in small.items():
        assert sorted(id for part in large[key] for id in part) == sorted(*doc_ids)
    assert large.get(12345, ()) == ()
    assert {key for key in small if isinstance(key, bytes)} == set(large)
