from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyroaring import BitMap
from redis import Redis

from papers.index.bitmaps import PaddedBitmap, deserialize_padded, serialize_bitmap
from papers.index.compaction.compactor import Compactor
from papers.index.postings import MAX_INLINE_POSTING, encode_doc_ids
from papers.model.arxiv_id import ArxivId
from papers.model.frozen_fields import visible_part
from papers.model.paper import Channel, Sighting
from papers.query.parser import parse_query
from papers.query.request import Page, SearchRequest, SortOrder
from papers.search import reader
from papers.search.counts import MatchCounter
from papers.search.index_cache import posting_size
from papers.search.reader import IndexReader
from papers.search.similar import MoreLikeThis
from papers.store import Store
from tests.papers.papers_strategies import TUESDAY, sightings
from tests.papers.query_strategies import queries
from tests.papers.test_store import NOW

MONTHS = [year * 100 + month for year in range(2015, 2026) for month in range(1, 13)]


def told(month: int, number: int, title: str) -> Sighting:
    return Sighting(ArxivId(month, number), "arxiv", Channel.API, TUESDAY, title=title)


@contextmanager
def counted(redis: Redis) -> Iterator[dict[str, int]]:
    """How often each command is called meanwhile."""
    redis.config_resetstat()
    calls: dict[str, int] = {}
    yield calls
    stats: Any = redis.info("commandstats")
    calls.update(
        {name.removeprefix("cmdstat_"): stat["calls"] for name, stat in stats.items()}
        | {"config|resetstat": 0, "info": 0}
    )


@pytest.fixture
def store(redis: Redis) -> Store:
    store = Store(redis)
    store.ingest([told(month, 1, f"Reward model {month}") for month in MONTHS], now=NOW)
    return store


@pytest.mark.parametrize(
    "keyword", ["reward model", "rew* -other", "reward OR 202503", "nothing", '"reward model"']
)
def test_what_was_read_is_not_read_again(redis: Redis, store: Store, keyword: str) -> None:
    first = store.newest_ids(parse_query(keyword), limit=200)
    with counted(redis) as calls:
        assert store.newest_ids(parse_query(keyword), limit=200) == first
        assert store.newest_ids(parse_query(keyword), limit=3) == first[:3]
    assert {name: n for name, n in calls.items() if n} == {"get": 2}


@pytest.mark.parametrize("keyword", ['"reward model"', 'ti:"reward model"'])
def test_texts_and_papers_are_not_read_again(redis: Redis, store: Store, keyword: str) -> None:
    store.newest_ids(parse_query("reward"))  # which reads its postings
    first = store.search(SearchRequest(query=parse_query(keyword)))
    with counted(redis) as calls:
        assert store.search(SearchRequest(query=parse_query(keyword))) == first
        assert (
            store.search(SearchRequest(query=parse_query("reward"), limit=50)).papers
            == first.papers[:50]
        )
    assert {name: n for name, n in calls.items() if n} == {"get": 2}


@pytest.mark.parametrize("order", ["announced", "picked"])
def test_a_question_asked_before_is_not_walked_again(
    store: Store, monkeypatch: pytest.MonkeyPatch, order: SortOrder
) -> None:
    ask = SearchRequest(query=parse_query('"reward model"'), order=order)
    first = store.search(ask), store.search(replace(ask, limit=3))
    monkeypatch.delattr("papers.search.collector._collect_hits")
    assert (store.search(ask), store.search(replace(ask, limit=3))) == first
    store.ingest([told(202511, 2, "Another reward model")], now=NOW)
    with pytest.raises(NameError):
        store.search(ask)


def test_counts_beside_papers_read_no_posting_twice(redis: Redis, store: Store) -> None:
    query, apart = parse_query("reward model"), MatchCounter(IndexReader(redis))
    alone = apart.count(query.tree)
    store.newest_ids(query, limit=1_000)
    beside = MatchCounter(store.reader)
    beside.count(parse_query("days").tree)  # the days of the newest months are of any keyword
    with counted(redis) as calls:
        assert beside.count(query.tree) == alone
    assert {name: n for name, n in calls.items() if n} == {"get": 1}


def test_a_common_word_takes_one_round_trip_more_than_none(redis: Redis, store: Store) -> None:
    store.newest_ids(parse_query("model"), limit=1)
    with counted(redis) as calls:
        assert store.newest_ids(parse_query("reward"), limit=1) == [ArxivId(MONTHS[-1], 1)]
    assert calls["get"] == 1
    assert calls["hmget"] <= 5, "where it occurs, and the newest months"


def test_words_of_a_phrase_are_asked_for_only_where_slots_tell_of_it(
    redis: Redis, store: Store
) -> None:
    assert Compactor(redis).compact_before(202501)
    asked = Store(redis)
    assert len(asked.newest_ids(parse_query('"reward model"'), limit=1_000)) == len(MONTHS)
    for (volume, shape), parts in asked.reader._cache.segment_postings.items():
        words = [key for key in parts if isinstance(key, bytes)]
        assert bool(words) is bool(shape.slot_bits), volume


def test_an_ingest_is_seen_at_once(redis: Redis, store: Store) -> None:
    counter, likeness, query = (
        MatchCounter(store.reader),
        MoreLikeThis(store.reader),
        parse_query("reward"),
    )
    Store(redis).ingest([told(202510, 2, "Of zebra fish")], now=NOW)
    (known,) = store.get_papers([ArxivId(202510, 2)])
    assert known
    assert likeness.similar_to(known, 3) == []
    store.newest_ids(query)
    before = counter.count(query.tree)
    new = told(202512, 2, "A reward of zebra fish")
    Store(redis).ingest([new, told(202601, 1, "Reward model anew")], now=NOW)
    assert store.newest_ids(query)[:2] == [ArxivId(202601, 1), new.id]
    after = counter.count(query.tree)
    assert before
    assert after
    assert after.months[-2].papers == before.months[-1].papers + 1
    assert new.id in [like.id for like in likeness.similar_to(known, 3)]


def test_who_believes_in_an_older_shape_misses_nothing(redis: Redis, store: Store) -> None:
    late, query = Store(redis), parse_query('"of zebra"')
    assert store.newest_ids(query) == []
    grown = [told(MONTHS[0], number, "A reward of zebra") for number in range(2, 400)]
    late.ingest(grown, now=NOW)
    found = [sighting.id for sighting in reversed(grown)]
    assert store.newest_ids(query, 400) == late.newest_ids(query, 400) == found


def test_an_emptied_store_is_read_anew(redis: Redis, store: Store) -> None:
    query = parse_query("reward")
    assert len(store.newest_ids(query, limit=1000)) == len(MONTHS)
    redis.flushall()
    assert store.newest_ids(query) == []
    Store(redis).ingest([told(202503, 9, "One reward")], now=NOW)
    assert store.newest_ids(query) == [ArxivId(202503, 9)]


def test_memory_is_bounded(redis: Redis, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_CACHE_BYTES", 1_000)
    for keyword in ("reward", "model", "reward 202503", '"reward model"', "reward"):
        fresh = Store(redis).newest_ids(parse_query(keyword))
        assert store.newest_ids(parse_query(keyword)) == fresh
        with counted(redis) as calls:
            store.newest_ids(parse_query("reward"))
        assert calls["hmget"] > 1, "it was forgotten"


def shown_of(store: Store, ask: SearchRequest) -> Page:
    """A page as readers see it: what they do not see may be of an earlier moment."""
    page = store.search(ask)
    return replace(page, papers=tuple(map(visible_part, page.papers)))


@given(st.lists(sightings(), max_size=20), st.lists(sightings(), max_size=5), st.lists(queries()))
@settings(max_examples=100)
def test_who_remembers_answers_as_who_does_not(
    store_url: str, said: list[Sighting], later: list[Sighting], asked: list[Any]
) -> None:
    redis = Redis.from_url(store_url)
    redis.flushall()
    old = Store(redis)
    for batch in (said, later):
        old.ingest(batch, now=NOW)
        for query in [*asked, *asked]:
            for order in ("announced", "picked"):
                ask = SearchRequest(query=query, limit=2, order=order)
                assert shown_of(old, ask) == shown_of(Store(redis), ask)
    redis.close()


def test_threads_share_what_is_remembered(redis: Redis, store: Store) -> None:
    keywords = ["reward", "model -reward", "rew*", '"reward model"', "reward 202503", "ti:model"]
    expected = [Store(redis).newest_ids(parse_query(keyword), 1000) for keyword in keywords]
    with ThreadPoolExecutor(6) as threads:
        for _ in range(5):
            asked = [threads.submit(store.newest_ids, parse_query(k), 1000) for k in keywords * 4]
            assert [one.result() for one in asked] == expected * 4
            store.ingest([told(201501, 1, "Reward model 201501")], now=NOW)


@given(st.integers(0, 60_000), st.integers(1, 3_000), st.integers(1, 12))
@example(30_000, 11, 12)
def test_what_is_remembered_is_counted_by_what_it_takes(size: int, step: int, months: int) -> None:
    """No less than Roaring tells of the numbers, and little more than two bytes for each."""
    part = BitMap([month << 16 | n for month in range(months) for n in range(0, size, step)])
    read = deserialize_padded(serialize_bitmap(part))
    held = read.padded if isinstance(read, PaddedBitmap) else read
    told = held.get_statistics()
    taken = told["n_bytes_array_containers"] + told["n_bytes_bitset_containers"]
    assert taken <= posting_size(read) <= 2 * len(held) + 1_200


@given(st.integers(1, MAX_INLINE_POSTING))
def test_what_is_remembered_as_it_was_packed_is_counted_by_its_bytes(size: int) -> None:
    part = encode_doc_ids(range(size))
    assert len(part) <= posting_size(part) <= len(part) + 200
