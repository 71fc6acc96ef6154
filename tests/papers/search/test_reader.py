from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
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
from papers.model.paper import Channel, Sighting
from papers.query.ast import Node
from papers.query.parser import parse_query
from papers.query.request import SearchRequest, SortOrder
from papers.records.packing import LazyPaper
from papers.redis_backend.connection import RedisCommand, read_many
from papers.search import reader
from papers.search.counts import MatchCounter
from papers.search.evaluate import Candidates
from papers.search.execution import QueryExecution
from papers.search.index_cache import posting_size
from papers.search.reader import IndexReader
from papers.search.segments import Months
from papers.search.similar import MoreLikeThis
from papers.search.verify import verify
from papers.store import Store
from tests.papers.command_counts import counted
from tests.papers.found_by import shown_of
from tests.papers.papers_strategies import TUESDAY, sightings
from tests.papers.query_strategies import queries
from tests.papers.sightings import NOW

pytestmark = pytest.mark.both_stores

MONTHS = [year * 100 + month for year in range(2015, 2026) for month in range(1, 13)]


def titled(month: int, number: int, title: str) -> Sighting:
    return Sighting(ArxivId(month, number), "arxiv", Channel.API, TUESDAY, title=title)


@pytest.fixture
def store(redis: Redis) -> Store:
    store = Store(redis)
    store.ingest([titled(month, 1, f"Reward model {month}") for month in MONTHS], now=NOW)
    return store


@pytest.mark.parametrize(
    "keyword", ["reward model", "rew* -other", "reward OR 202503", "nothing", '"reward model"']
)
def test_cached_postings_are_not_read_again(redis: Redis, store: Store, keyword: str) -> None:
    first = store.newest_ids(parse_query(keyword), limit=200)
    with counted(redis) as calls:
        assert store.newest_ids(parse_query(keyword), limit=200) == first
        assert store.newest_ids(parse_query(keyword), limit=3) == first[:3]
    assert {name: n for name, n in calls.items() if n} == {"get": 2}


@pytest.mark.parametrize("keyword", ['"reward model"', 'ti:"reward model"'])
def test_cached_texts_and_papers_are_not_read_again(
    redis: Redis, store: Store, keyword: str
) -> None:
    store.newest_ids(parse_query("reward"))  # caches the postings of the word
    first = store.search(SearchRequest(query=parse_query(keyword)))
    with counted(redis) as calls:
        assert store.search(SearchRequest(query=parse_query(keyword))) == first
        assert (
            store.search(SearchRequest(query=parse_query("reward"), limit=50)).papers
            == first.papers[:50]
        )
    assert {name: n for name, n in calls.items() if n} == {"get": 2}


@pytest.mark.parametrize("order", ["announced", "picked"])
def test_repeated_request_is_answered_from_cached_hits(
    store: Store, monkeypatch: pytest.MonkeyPatch, order: SortOrder
) -> None:
    request = SearchRequest(query=parse_query('"reward model"'), order=order)
    first = store.search(request), store.search(replace(request, limit=3))
    monkeypatch.delattr("papers.search.collector._collect_hits")
    assert (store.search(request), store.search(replace(request, limit=3))) == first
    store.ingest([titled(202511, 2, "Another reward model")], now=NOW)
    with pytest.raises(NameError):
        store.search(request)


def test_counts_use_the_postings_of_a_search(redis: Redis, store: Store) -> None:
    query, apart = parse_query("reward model"), MatchCounter(IndexReader(redis))
    alone = apart.count(query.tree)
    store.newest_ids(query, limit=1_000)
    beside = MatchCounter(store.reader)
    beside.count(
        parse_query("days").tree
    )  # reads the days of the newest months, once for all keywords
    with counted(redis) as calls:
        assert beside.count(query.tree) == alone
    assert {name: n for name, n in calls.items() if n} == {"get": 1}


def test_common_word_takes_one_round_trip(redis: Redis, store: Store) -> None:
    store.newest_ids(parse_query("model"), limit=1)
    with counted(redis) as calls:
        assert store.newest_ids(parse_query("reward"), limit=1) == [ArxivId(MONTHS[-1], 1)]
    assert calls["get"] == 1
    assert calls["hmget"] <= 5, "the term dictionary, and the newest months"


@pytest.mark.parametrize("keyword", ["reward", 'abs:"reward model"'])
def test_candidates_of_several_batches_of_months_make_one_block(
    store: Store, monkeypatch: pytest.MonkeyPatch, keyword: str
) -> None:
    """Where texts must be read, one more than wanted is: it may be that one does not match."""
    read_sizes, verified_sizes = list[int](), list[int]()
    read, verify_docs = QueryExecution.read_candidates, QueryExecution.verify_docs

    def counted_read(execution: QueryExecution, months: Months) -> Candidates:
        read_sizes.append(len(months))
        return read(execution, months)

    def counted_verify(execution: QueryExecution, doc_ids: BitMap) -> BitMap:
        verified_sizes.append(len(doc_ids))
        return verify_docs(execution, doc_ids)

    monkeypatch.setattr(QueryExecution, "read_candidates", counted_read)
    monkeypatch.setattr(QueryExecution, "verify_docs", counted_verify)
    found = store.newest_ids(parse_query(keyword), limit=17)
    assert len(read_sizes) > 1
    if found:
        assert sum(read_sizes[:-1]) < 17 == len(found), "each month has one of them"
    else:
        assert verified_sizes[0] == 17 + 1
        assert sum(verified_sizes) == sum(read_sizes) == len(MONTHS)


def test_postings_of_the_newest_months_are_not_read_for_another_order(
    redis: Redis, store: Store
) -> None:
    store.newest_ids(parse_query("model"), limit=1)
    with counted(redis) as calls:
        request = SearchRequest(query=parse_query("reward"), order="picked")
        assert store.search(request).papers == ()
    assert calls["hmget"] <= 1, "the term dictionary"


def posting_trips(store: Store, keyword: str, limit: int = 100) -> int:
    """In how many round trips the store reads postings for a search."""
    trips = list[Sequence[RedisCommand]]()

    def count_trip(redis: Redis, commands: Sequence[RedisCommand]) -> list[Any]:
        trips.append(commands)
        return read_many(redis, commands)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "read_many", count_trip)
        store.newest_ids(parse_query(keyword), limit=limit)
    return len(trips)


def test_rare_word_takes_one_round_trip(redis: Redis, store: Store) -> None:
    assert Compactor(redis).compact_before(202501)
    fresh = Store(redis)
    fresh.newest_ids(parse_query("reward"), limit=1_000)
    assert posting_trips(fresh, "zebra") == 1


@pytest.mark.parametrize(("limit", "trips"), [(100, 2), (3, 2), (20, 2)])
def test_joined_spellings_that_occur_take_no_round_trip_of_their_own(
    redis: Redis, limit: int, trips: int
) -> None:
    """The next months are read with those of the newest months, if these have too few papers."""
    store = Store(redis)
    months = MONTHS[-24:]
    store.ingest([titled(month, 1, f"A deep reward model {month}") for month in months], now=NOW)
    store.ingest([titled(month, 2, "On deep-reward games") for month in months], now=NOW)
    store.newest_ids(parse_query("games"), limit=1_000)
    assert posting_trips(store, '"deep reward model"', limit) == trips
    found = store.newest_ids(parse_query('"deep reward model"'), limit)
    assert found == [ArxivId(month, 1) for month in reversed(months)][:limit]


def test_months_are_not_read_ahead_with_joined_spellings_if_there_are_enough_papers(
    redis: Redis, store: Store
) -> None:
    store.ingest([titled(month, 2, "On deep-reward games") for month in MONTHS], now=NOW)
    store.ingest([titled(month, 3, "A deep reward model") for month in MONTHS], now=NOW)
    store.newest_ids(parse_query("games"), limit=1_000)
    assert posting_trips(store, '"deep reward model"', 3) == 2
    with_shingles = [
        period
        for (period, _), postings in store.reader._cache.segment_postings.items()
        if any(isinstance(key, int) for key in postings)
    ]
    assert len(with_shingles) == 16


def test_words_of_a_phrase_are_read_only_of_segments_with_slots(redis: Redis, store: Store) -> None:
    assert Compactor(redis).compact_before(202501)
    fresh = Store(redis)
    assert len(fresh.newest_ids(parse_query('"reward model"'), limit=1_000)) == len(MONTHS)
    for (period, layout), postings in fresh.reader._cache.segment_postings.items():
        words = [key for key in postings if isinstance(key, bytes) and key.startswith(b"w")]
        assert bool(words) is bool(layout.slot_bits), period


def test_ingest_is_visible_at_once(redis: Redis, store: Store) -> None:
    counter, more_like_this, query = (
        MatchCounter(store.reader),
        MoreLikeThis(store.reader),
        parse_query("reward"),
    )
    Store(redis).ingest([titled(202510, 2, "Of zebra fish")], now=NOW)
    (known,) = store.get_papers([ArxivId(202510, 2)])
    assert known
    assert more_like_this.similar_to(known, 3) == []
    store.newest_ids(query)
    before = counter.count(query.tree)
    new = titled(202512, 2, "A reward of zebra fish")
    Store(redis).ingest([new, titled(202601, 1, "Reward model anew")], now=NOW)
    assert store.newest_ids(query)[:2] == [ArxivId(202601, 1), new.id]
    after = counter.count(query.tree)
    assert before
    assert after
    assert after.months[-2].papers == before.months[-1].papers + 1
    assert new.id in [similar.id for similar in more_like_this.similar_to(known, 3)]


def test_spelling_that_comes_into_use_is_found_at_once(redis: Redis, store: Store) -> None:
    query, writer = parse_query('"multi modal"'), Store(redis)
    writer.ingest([titled(202503, 2, "Multi modal reward")], now=NOW)
    assert store.newest_ids(query) == [ArxivId(202503, 2)]
    writer.ingest([titled(202504, 2, "Multimodal reward")], now=NOW)
    found = store.newest_ids(query, limit=9)  # another request: its plan begins with what is cached
    assert found == [ArxivId(202504, 2), ArxivId(202503, 2)]


def test_outdated_layout_misses_no_papers(redis: Redis, store: Store) -> None:
    late, query = Store(redis), parse_query('"of zebra"')
    assert store.newest_ids(query) == []
    grown = [titled(MONTHS[0], number, "A reward of zebra") for number in range(2, 400)]
    late.ingest(grown, now=NOW)
    found = [sighting.id for sighting in reversed(grown)]
    assert store.newest_ids(query, 400) == late.newest_ids(query, 400) == found


def test_emptied_store_is_read_again(redis: Redis, store: Store) -> None:
    query = parse_query("reward")
    assert len(store.newest_ids(query, limit=1000)) == len(MONTHS)
    redis.flushall()
    assert store.newest_ids(query) == []
    Store(redis).ingest([titled(202503, 9, "One reward")], now=NOW)
    assert store.newest_ids(query) == [ArxivId(202503, 9)]


def test_cache_size_is_bounded(redis: Redis, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_CACHE_BYTES", 1_000)
    for keyword in ("reward", "model", "reward 202503", '"reward model"', "reward"):
        fresh = Store(redis).newest_ids(parse_query(keyword))
        assert store.newest_ids(parse_query(keyword)) == fresh
        with counted(redis) as calls:
            store.newest_ids(parse_query("reward"))
        assert calls["hmget"] > 1, "the cache was dropped"


def test_text_is_verified_once_for_a_query_of_one_revision(
    redis: Redis, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified = Counter[int]()

    def counting(residual: Node, papers: Mapping[int, LazyPaper]) -> BitMap:
        verified.update([*papers])
        return verify(residual, papers)

    monkeypatch.setattr(reader, "verify", counting)
    for keyword in ("-abs:reward model", "ti:model -abs:reward"):
        verified.clear()
        for limit in (3, 30, 1_000, 50):
            store.newest_ids(parse_query(keyword), limit)
        assert verified.total() == len(verified)
    verified.clear()
    for _ in range(3):
        assert store.newest_ids(parse_query('abs:"reward model"'), 7) == []
        assert store.newest_ids(parse_query('abs:"reward model"'), 9) == []
    assert set(verified.values()) == {1}


def test_cached_results_are_dropped_when_their_ids_are_many(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A result of n ids counts 4,000 bytes and 150 for each."""
    monkeypatch.setattr(reader, "MAX_CACHE_BYTES", 1_000_000)
    for limit in range(1, len(MONTHS) + 1):
        assert len(store.newest_ids(parse_query("reward"), limit)) == limit
    cached = [len(hits.doc_ids) for hits in store.reader._cache.hits.values()]
    assert 4_000 * len(cached) + 150 * sum(cached) < 1_030_000
    assert len(cached) < len(MONTHS)


@given(st.lists(sightings(), max_size=20), st.lists(sightings(), max_size=5), st.lists(queries()))
@settings(max_examples=100)
def test_cached_results_equal_fresh_ones(
    store_url: str, first: list[Sighting], later: list[Sighting], keywords: list[Any]
) -> None:
    redis = Redis.from_url(store_url)
    redis.flushall()
    caching = Store(redis)
    for batch in (first, later):
        caching.ingest(batch, now=NOW)
        for query in [*keywords, *keywords]:
            for order in ("announced", "picked"):
                request = SearchRequest(query=query, limit=2, order=order)
                assert shown_of(caching, request) == shown_of(Store(redis), request)
    redis.close()


def test_threads_share_the_cache(redis: Redis, store: Store) -> None:
    keywords = ["reward", "model -reward", "rew*", '"reward model"', "reward 202503", "ti:model"]
    expected = [Store(redis).newest_ids(parse_query(keyword), 1000) for keyword in keywords]
    with ThreadPoolExecutor(6) as threads:
        for _ in range(5):
            futures = [threads.submit(store.newest_ids, parse_query(k), 1000) for k in keywords * 4]
            assert [future.result() for future in futures] == expected * 4
            store.ingest([titled(201501, 1, "Reward model 201501")], now=NOW)


@given(st.integers(0, 60_000), st.integers(1, 3_000), st.integers(1, 12))
@example(30_000, 11, 12)
def test_size_of_cached_bitmap_is_estimated_closely(size: int, step: int, months: int) -> None:
    """No less than Roaring reports, and little more than two bytes a doc id."""
    part = BitMap([month << 16 | n for month in range(months) for n in range(0, size, step)])
    read = deserialize_padded(serialize_bitmap(part))
    cached = read.padded if isinstance(read, PaddedBitmap) else read
    statistics = cached.get_statistics()
    taken = statistics["n_bytes_array_containers"] + statistics["n_bytes_bitset_containers"]
    assert taken <= posting_size(read) <= 2 * len(cached) + 1_200


@given(st.integers(1, MAX_INLINE_POSTING))
def test_size_of_cached_packed_posting_is_its_length(size: int) -> None:
    part = encode_doc_ids(range(size))
    assert len(part) <= posting_size(part) <= len(part) + 200


def test_cache_counts_every_kind_of_entry(store: Store) -> None:
    query = parse_query('rew* "reward model"')
    store.newest_ids(query)
    cache = store.reader._cache
    size = cache.byte_size
    cache.verified_docs(parse_query("other").tree)
    cache.add_recent_days({TUESDAY.date(): BitMap(range(1_000))})
    assert cache.byte_size >= size + 4_000 + 2_000
    size = cache.byte_size
    cache.verified_docs(parse_query("other").tree)
    assert cache.byte_size == size, "entries that are cached already cost nothing"


def test_cache_counts_what_a_search_reads(store: Store) -> None:
    store.newest_ids(parse_query('abs:"reward model"'), 1_000)
    cache = store.reader._cache
    postings = [part for found in cache.segment_postings.values() for part in found.values()]
    assert len(postings) >= len(MONTHS)
    papers = len(cache.stored_papers)
    assert papers >= len(MONTHS)
    assert cache.byte_size >= sum(map(posting_size, postings)) + 8_000 * papers
    size = cache.byte_size
    cache.add_verified(parse_query("other").tree, BitMap(range(10_000)), BitMap([7]))
    assert cache.byte_size >= size + 4 * 10_000


def test_cache_counts_postings_that_no_text_is_read_for(store: Store) -> None:
    """Only postings are new in the second count: it adds their size, and little else."""
    counter = MatchCounter(store.reader)
    counter.count(parse_query("days").tree)
    cache = store.reader._cache

    def postings_size() -> int:
        held = cache.segment_postings.values()
        return sum(posting_size(posting) for found in held for posting in found.values())

    size, known = cache.byte_size, postings_size()
    counter.count(parse_query("reward model").tree)
    assert postings_size() > known
    assert cache.byte_size - size >= postings_size() - known
