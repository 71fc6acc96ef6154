from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from redis import Redis

from papers.errors import StoreError
from papers.query.parser import parse_query
from papers.query.request import SearchRequest
from papers.records.packing import LazyPaper, unpacked
from papers.records.unread_paper import UnreadPaper, select_none
from papers.redis_backend import keys, records
from papers.search import reader
from papers.store import Store
from tests.service.made import NOW, make_paper

EVERY = SearchRequest(query=parse_query("reward"))
PAPERS = [make_paper(number, title=f"Reward {number}") for number in range(1, 6)]


@pytest.fixture
def store(redis: Redis) -> Store:
    store = Store(redis)
    store.ingest(PAPERS, now=NOW)
    return store


def select_all(hashes: Mapping[int, int]) -> set[int]:
    return set(hashes)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the doc ids that searches fetch, as they fetch them."""
    fetched: list[int] = []
    read = records.read_packed_papers

    def note(redis: Redis, doc_ids: Any) -> dict[int, bytes]:
        fetched.extend(doc_ids)
        return read(redis, doc_ids)

    monkeypatch.setattr(reader, "read_packed_papers", note)
    return fetched


def test_records_are_fetched_once_to_be_known(store: Store, reads: list[int]) -> None:
    first = store.search(EVERY, select_all)
    assert len(reads) == 5
    again = store.search(EVERY, select_all)
    assert len(reads) == 5
    assert all(isinstance(record, UnreadPaper) for record in (*first.records, *again.records))


def test_unread_paper_is_read_when_it_is_needed(store: Store) -> None:
    page = store.search(EVERY, select_all)
    assert list(map(unpacked, page.records)) == list(store.search(EVERY).papers)
    plain = store.search(EVERY, select_none).records
    assert page.records == plain
    assert list(map(hash, page.records)) == list(map(hash, plain))


def test_paper_that_changes_is_known_by_another_hash(store: Store, redis: Redis) -> None:
    known: dict[int, int] = {}

    def note(hashes: Mapping[int, int]) -> set[int]:
        known.update(hashes)
        return set(hashes)

    store.search(EVERY, note)
    before = dict(known)
    store.ingest([PAPERS[0]._replace(code="https://code.example/a")], now=NOW)
    page = store.search(EVERY, note)
    changed = [id for id in known if known[id] != before[id]]
    assert changed == [PAPERS[0].id.doc_id]
    assert page.papers == Store(redis).search(EVERY).papers


def test_unread_paper_that_was_removed_is_an_error(store: Store, redis: Redis) -> None:
    page = store.search(EVERY, select_all)
    redis.hdel(keys.month_papers(PAPERS[0].id.yymm), keys.paper_field(PAPERS[0].id.number))
    record = page.records[-1]
    assert isinstance(record, LazyPaper)
    with pytest.raises(StoreError, match="removed"):
        _ = record.paper
    with pytest.raises(AttributeError):
        _ = record.nothing  # type: ignore[attr-defined]


def test_iterating_the_newest_papers_makes_them_known(store: Store, reads: list[int]) -> None:
    assert len(list(store.iter_newest())) == 5
    store.search(EVERY, select_all)
    assert reads == []
