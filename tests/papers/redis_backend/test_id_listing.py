from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis

from papers.maintenance.retention import Retention
from papers.model.arxiv_id import ArxivId
from papers.redis_backend.listings.id_listing import IdListing
from papers.store import Store
from tests.papers.sightings import announced

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MONTHS = (199912, 202501, 202502, 202503)
IDS = st.builds(ArxivId, st.sampled_from(MONTHS), st.integers(1, 9))


def pages(listing: IdListing, limit: int) -> list[ArxivId]:
    """Return what a client reads that follows the pages to the end."""
    found, before = list[ArxivId](), None
    while page := listing.read(before, limit):
        assert len(page) <= limit
        assert not found or page[0] < found[-1]
        found += page
        before = page[-1]
        if len(page) < limit:
            break
    return found


@settings(max_examples=20)
@given(st.lists(st.sets(IDS, min_size=1, max_size=12), min_size=1, max_size=3), st.integers(1, 5))
def test_every_id_is_listed_once_newest_first(
    store_url: str, batches: list[set[ArxivId]], limit: int
) -> None:
    redis = Redis.from_url(store_url)
    redis.flushall()
    store, listing, stored = Store(redis), IdListing(redis), set[ArxivId]()
    for batch in batches:
        store.ingest([announced(id) for id in batch], now=NOW)
        stored |= batch
        assert pages(listing, limit) == sorted(stored, reverse=True)
    Retention(redis).remove_before(202502, now=NOW)
    kept = [id for id in stored if id.month >= 202502]
    assert pages(listing, limit) == sorted(kept, reverse=True)
    redis.close()


def test_page_begins_after_an_id_that_is_not_stored(redis: Redis) -> None:
    Store(redis).ingest([announced(ArxivId(202503, number)) for number in (2, 5, 9)], now=NOW)
    listing = IdListing(redis)
    assert [id.number for id in listing.read(ArxivId(202503, 6), 9)] == [5, 2]
    assert [id.number for id in listing.read(ArxivId(202503, 5), 9)] == [2]
    assert listing.read(ArxivId(202504, 1), 1) == [ArxivId(202503, 9)]
    assert listing.read(ArxivId(202502, 1), 9) == []


def test_fields_of_a_month_are_read_once_until_it_is_written_to(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, listing, reads = Store(redis), IdListing(redis), list[bool]()
    store.ingest([announced(ArxivId(202503, number)) for number in range(1, 9)], now=NOW)
    read = IdListing._read

    def counted(self: IdListing, yymm: str, *, with_fields: bool = False) -> list[Any]:
        if with_fields:
            reads.append(True)
        return read(self, yymm, with_fields=with_fields)

    monkeypatch.setattr(IdListing, "_read", counted)
    assert len(pages(listing, 2)) == 8
    assert len(reads) == 1
    store.ingest([announced(ArxivId(202503, 20))], now=NOW)
    assert len(pages(listing, 2)) == 9
    assert len(reads) == 2
