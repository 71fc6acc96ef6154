from __future__ import annotations

import random
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count, islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap
from redis import Redis

from papers.errors import StoreError
from papers.index.compaction.compactor import PARTS_PER_SLICE, UNFINISHED_TTL, Compactor
from papers.index.compaction.year_merge import MIN_FREQUENT_PAPERS, YearMerge, _merge_postings
from papers.index.layout import SegmentLayout
from papers.index.postings import (
    COMPACTED,
    LAYOUT_FIELD,
    MAX_INLINE_POSTING,
    doc_ids_of_months,
    encode_doc_ids,
)
from papers.index.terms import text_shingles
from papers.maintenance.retention import Retention
from papers.model.arxiv_id import ArxivId
from papers.model.paper import AnnounceType, Channel, Sighting
from papers.query.ast import Field, Text
from papers.query.parser import parse_query
from papers.query.request import SearchRequest
from papers.redis_backend import keys
from papers.search.evaluate import shingle_slot_key
from papers.search.reader import ReadSession
from papers.store import Store
from tests.papers.clients import Killed, deaths, same_store
from tests.papers.command_counts import counted
from tests.papers.fingerprint import fingerprint
from tests.papers.found_by import shown_of
from tests.papers.papers_strategies import TUESDAY, sightings
from tests.papers.query_strategies import queries
from tests.papers.server import private_cluster

pytestmark = pytest.mark.both_stores

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
REWARD_MODEL = text_shingles(Text(Field.ANY, ("reward", "model")))[0]
KEYWORDS = ("reward", '"reward model"', 'au:"ada lovelace"', "thing7 -ti:model", "rew* other")


def sighting(month: int, number: int, title: str = "Reward model", **fields: Any) -> Sighting:
    abstract = f"A thing{number % 50} of month {month}."
    fields = {"abstract": abstract, "authors": ("Ada L.",)} | fields
    return Sighting(ArxivId(month, number), "arxiv", Channel.API, TUESDAY, title=title, **fields)


def term_postings(redis: Redis) -> dict[bytes, list[int]]:
    """Return the postings of all terms in all segments, of the months that exist."""
    in_years = {month for yymm, month in months_of(redis) if yymm in compacted(redis)}
    own = {month for _, month in months_of(redis)} - in_years
    found: defaultdict[bytes, BitMap] = defaultdict(BitMap)
    indexes: Any = fingerprint(redis)["indexes"]
    for segment, (_, postings) in indexes.items():
        here = doc_ids_of_months(in_years if len(segment) == 2 else own)
        for key, doc_ids in postings.items():
            if isinstance(key, bytes):
                found[key] |= BitMap(doc_ids) & here
    return {key: list(doc_ids) for key, doc_ids in found.items() if doc_ids}


def months_of(redis: Redis) -> list[tuple[str, int]]:
    members: Any = redis.zrange(keys.MONTHS, 0, -1, withscores=True)
    return [(yymm.decode(), int(month)) for yymm, month in members]


def compacted(redis: Redis) -> list[str]:
    """Return the months whose postings are in the segments of their years."""
    return [
        yymm
        for yymm, _ in months_of(redis)
        if redis.hget(keys.segment_postings(yymm), LAYOUT_FIELD) == COMPACTED
    ]


@contextmanager
def two_stores(url: str) -> Iterator[tuple[Redis, Redis]]:
    with Redis.from_url(url) as one, Redis.from_url(f"{url}?db=1") as other:
        one.flushall()
        yield one, other
        one.flushall()


batches = st.lists(sightings(), min_size=1, max_size=8)
steps = st.lists(
    st.tuples(st.just("ingest"), batches)
    | st.tuples(st.just("compact"), st.sampled_from([200001, 202503, 202601]))
    | st.tuples(st.just("remove"), st.sampled_from([199902, 200704, 202503])),
    min_size=2,
    max_size=8,
)


@given(batches, steps, st.lists(queries(), max_size=3), st.sampled_from([1, 2, 3, 32]))
@settings(max_examples=60)
def test_compaction_is_invisible_to_queries_and_writers(
    store_url: str,
    first: list[Sighting],
    steps: list[tuple[str, Any]],
    parsed: list[Any],
    min_frequent: int,
) -> None:
    with two_stores(store_url) as (one, other), pytest.MonkeyPatch.context() as patch:
        patch.setattr("papers.index.compaction.year_merge.MIN_FREQUENT_PAPERS", min_frequent)
        long_lived = Store(one)
        for step, argument in [("ingest", first), ("compact", 202601), *steps]:
            if step == "ingest":
                result = long_lived.ingest(argument, now=NOW)
                assert result == Store(other).ingest(argument, now=NOW)
            elif step == "compact":
                Compactor(one).compact_before(argument)
            else:
                removed = Retention(one).remove_before(argument, now=NOW)
                assert removed == Retention(other).remove_before(argument, now=NOW)
            assert fingerprint(one)["papers"] == fingerprint(other)["papers"]
            assert term_postings(one) == term_postings(other)
            for query in parsed:
                for order in ("announced", "picked"):
                    request = SearchRequest(query=query, limit=2, order=order)
                    # Shingles in slots are verified on texts and others are not, so the number
                    # of papers examined depends on the layout at the time of the query.
                    new, cached, expected = (
                        replace(shown_of(store, request), examined=0)
                        for store in (Store(one), long_lived, Store(other))
                    )
                    assert new == cached == expected


def dense(month: int, papers: int) -> list[Sighting]:
    """Return papers with words and shingles that many, some or one of them have."""
    chance = random.Random(month)
    return [
        sighting(month, n, f"Reward model {chance.choice(['other', 'thing', 'vision'])}")
        for n in range(1, papers + 1)
    ]


LIMITS = count(5_000)
"""A new limit for each query, so that no cached result answers it."""


def results(store: Store) -> list[list[ArxivId]]:
    """Return the results of all keywords, computed anew."""
    return [store.newest_ids(parse_query(keyword), next(LIMITS)) for keyword in KEYWORDS]


@pytest.mark.parametrize("part_size_bits", [13, 8, 5])
def test_large_postings_are_merged(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, part_size_bits: int
) -> None:
    """In one part or in many, of which small months have few."""
    monkeypatch.setattr("papers.index.compaction.year_merge._PART_SIZE_BITS", part_size_bits)
    store = Store(redis)
    for month, papers in ((202401, 300), (202402, 100), (202403, 1_200), (202412, 3)):
        store.ingest(dense(month, papers), now=NOW)
    before, expected = term_postings(redis), results(store)
    assert Compactor(redis).compact_before(202501) == (2024,)
    assert compacted(redis) == ["2401", "2402", "2403", "2412"]
    shape: Any = redis.hget(keys.segment_postings("24"), LAYOUT_FIELD)
    assert SegmentLayout.unpack(shape) == SegmentLayout.for_year(
        1_603, [202401, 202402, 202403, 202412]
    )
    fields: Any = redis.hkeys(keys.segment_postings("24"))
    assert {field[:1] for field in fields} == {b"s", b"w", b"=", b"p", b"~", b"q"}
    assert term_postings(redis) == before
    assert results(store) == results(Store(redis)) == expected
    assert Compactor(redis).compact_before(202501) == (), "nothing left to compact"


def test_year_segment_does_not_depend_on_its_history(redis: Redis) -> None:
    """Month by month with later changes, or all at once: the same postings, slots included."""
    first = dense(202401, 300) + dense(202402, 40) + dense(202407, 700)
    later = [one._replace(title="Another", version=2) for one in first[::7]]
    Store(redis).ingest([*first, *later], now=NOW)
    Compactor(redis).compact_before(202501)
    at_once: Any = fingerprint(redis)["indexes"]
    redis.flushall()
    for number, batch in enumerate((first[:300], first[300:], later)):
        Store(redis).ingest(batch, now=NOW)
        Compactor(redis).compact_before(202501 if number < 2 else 199001)
    assert fingerprint(redis)["indexes"] == at_once


def shingle_postings(
    redis: Redis, segment: str
) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    """Return the postings of a segment's shingles, and those of its slots."""
    indexes: Any = fingerprint(redis)["indexes"]
    found = {key: ids for key, ids in indexes[segment][1].items() if isinstance(key, int)}
    shingles = {key: ids for key, ids in found.items() if key >= 0}
    return shingles, {key: ids for key, ids in found.items() if key < 0}


def test_year_has_every_shingle_until_it_ends(redis: Redis) -> None:
    """Then it has the frequent ones only, each of all its papers."""
    Store(redis).ingest([*dense(202401, 300), *dense(202402, 40)], now=NOW)
    january, january_slots = shingle_postings(redis, "2401")
    february, february_slots = shingle_postings(redis, "2402")
    assert january_slots == february_slots == {}
    Compactor(redis).compact_before(202403)
    every, slots = shingle_postings(redis, "24")
    assert every == {s: [*january.get(s, []), *february.get(s, [])] for s in january | february}
    assert slots == {}
    assert Compactor(redis).compact_before(202412) == ()
    assert Compactor(redis).compact_before(202501) == (2024,), "although no month is open"
    frequent, slots = shingle_postings(redis, "24")
    assert frequent == {s: ids for s, ids in every.items() if len(ids) >= MIN_FREQUENT_PAPERS}
    assert 5 < len(frequent) < len(every) - 5
    layout = SegmentLayout.for_year(340, [202401, 202402])
    rare = every.keys() - frequent
    for shingle in rare:
        assert set(every[shingle]) <= set(slots[shingle_slot_key(layout.slot_of(shingle))])
    assert slots.keys() == {shingle_slot_key(layout.slot_of(shingle)) for shingle in rare}


@pytest.mark.parametrize("from_bitmap", [0, 1, 100])
def test_merged_posting_is_a_bitmap_from_the_size_on_from_which_writers_store_one(
    from_bitmap: int,
) -> None:
    for size, is_large in ((MAX_INLINE_POSTING, False), (MAX_INLINE_POSTING + 1, True)):
        papers = BitMap(range(size))
        large, small = BitMap(papers[:from_bitmap]), BitMap(papers[from_bitmap:])
        inputs: list[bytes | BitMap] = [encode_doc_ids(small)]
        inputs += [large] if large else []
        merged = _merge_postings(inputs, are_sorted=True)
        assert merged == (papers if is_large else encode_doc_ids(papers))


@pytest.mark.parametrize("year_ended", [False, True])
def test_writes_to_a_year_go_to_the_posting_or_slot_of_the_shingle(
    redis: Redis, year_ended: bool
) -> None:
    store = Store(redis)
    store.ingest([*dense(202401, 300), *dense(202402, 40)], now=NOW)
    Compactor(redis).compact_before(202501 if year_ended else 202403)
    frequent, rare, new = '"reward model"', '"thing7 of month"', '"whole new"'
    assert len(store.newest_ids(parse_query(frequent), 500)) == 340
    known = {
        keyword: store.newest_ids(parse_query(keyword), next(LIMITS))
        for keyword in (frequent, rare, new)
    }
    store.ingest([sighting(202402, 100, abstract="A thing7 of month. Whole new.")], now=NOW)
    late = ArxivId(202402, 100)
    for keyword, before in known.items():
        assert store.newest_ids(parse_query(keyword), next(LIMITS)) == sorted(
            [late, *before], reverse=True
        )
    assert late.doc_id in shingle_postings(redis, "24")[0][REWARD_MODEL]
    again = sighting(202402, 100, "Other title", abstract="Nothing.", version=2)
    store.ingest([again], now=NOW)
    for keyword, before in known.items():
        assert store.newest_ids(parse_query(keyword), next(LIMITS)) == before
    shingles, slots = shingle_postings(redis, "24")
    assert not slots or year_ended
    found = {key for key, doc_ids in {**shingles, **slots}.items() if late.doc_id in doc_ids}
    (shingle,) = text_shingles(Text(Field.ANY, ("other", "title")))
    slot_key = shingle_slot_key(SegmentLayout.for_year(340, []).slot_of(shingle))
    assert found == {slot_key if year_ended else shingle}


def test_shingle_that_all_papers_lost_can_come_back(redis: Redis) -> None:
    first = [sighting(202401, n, "Reward model") for n in range(1, MIN_FREQUENT_PAPERS + 1)]
    Store(redis).ingest(first, now=NOW)
    Compactor(redis).compact_before(202501)
    assert REWARD_MODEL in shingle_postings(redis, "24")[0]
    store = Store(redis)
    store.ingest([one._replace(title="Other", version=2) for one in first], now=NOW)
    assert REWARD_MODEL not in shingle_postings(redis, "24")[0]
    assert store.newest_ids(parse_query('"reward model"')) == []
    store.ingest([first[3]._replace(version=3)], now=NOW)
    assert store.newest_ids(parse_query('"reward model"')) == [first[3].id]


def test_late_month_is_compacted_the_next_time(redis: Redis) -> None:
    store = Store(redis)
    store.ingest(dense(202402, 100), now=NOW)
    assert Compactor(redis).compact_before(202501) == (2024,)
    assert results(store)
    store.ingest([*dense(202401, 200), *dense(202403, 90)], now=NOW)
    expected = results(store)
    assert len(expected[0]) == 390
    assert compacted(redis) == ["2402"]
    assert Compactor(redis).compact_before(202501) == (2024,)
    assert compacted(redis) == ["2401", "2402", "2403"]
    assert store.newest_ids(parse_query("vision")) == Store(redis).newest_ids(parse_query("vision"))
    assert results(store) == results(Store(redis)) == expected


def test_year_is_compacted_month_by_month(redis: Redis) -> None:
    store = Store(redis)
    for month in range(202511, 202515):
        store.ingest([sighting(month if month < 202513 else month + 88, 1)], now=NOW)
    assert Compactor(redis).compact_before(202512) == (2025,)
    assert compacted(redis) == ["2511"]
    assert Compactor(redis).compact_before(202602) == (2025, 2026)
    assert compacted(redis) == ["2511", "2512", "2601"]
    store.ingest([sighting(202510, 1)], now=NOW)
    assert Compactor(redis).compact_before(202511) == (2025,), "an earlier month, ingested later"
    assert compacted(redis) == ["2510", "2511", "2512", "2601"]
    assert (
        len(store.newest_ids(parse_query("reward")))
        == len(Store(redis).newest_ids(parse_query("reward")))
        == 5
    )


def test_compaction_drops_postings_of_removed_months(redis: Redis) -> None:
    store = Store(redis)
    store.ingest([*dense(202401, 200), *dense(202402, 200)], now=NOW)
    Compactor(redis).compact_before(202501)
    before: Any = redis.memory_usage(keys.segment_postings("24"), samples=0)
    Retention(redis).remove_before(202402, now=NOW)
    left = results(store)
    assert left == results(Store(redis))
    assert {id.month for ids in left for id in ids} == {202402}
    assert Compactor(redis).compact_before(202501) == (2024,)
    after: Any = redis.memory_usage(keys.segment_postings("24"), samples=0)
    assert after < 0.8 * before
    assert results(store) == results(Store(redis)) == left
    Retention(redis).remove_before(202403, now=NOW)
    assert redis.keys("{24}*:terms") == []


def test_long_lived_reader_finds_a_compacted_month_that_was_removed_and_came_back(
    redis: Redis,
) -> None:
    store, query = Store(redis), parse_query("reward")
    store.ingest([sighting(202401, 1), sighting(202402, 1)], now=NOW)
    Compactor(redis).compact_before(202501)
    assert len(store.newest_ids(query)) == 2
    writer = Store(redis)
    Retention(redis).remove_before(202402, now=NOW)
    writer.ingest([sighting(202401, 2)], now=NOW)
    assert store.newest_ids(query) == [ArxivId(202402, 1), ArxivId(202401, 2)]
    Retention(redis).remove_before(202403, now=NOW)
    writer.ingest([sighting(202402, 3)], now=NOW)
    assert store.newest_ids(query) == [ArxivId(202402, 3)]


def test_removed_paper_that_came_back_is_not_excluded_by_its_old_postings(redis: Redis) -> None:
    crossed = sighting(202403, 7)._replace(
        channel=Channel.ANNOUNCEMENT, announce_type=AnnounceType.REPLACE_CROSS
    )
    listed = [crossed, crossed._replace(id=ArxivId(202404, 7))]
    Store(redis).ingest(listed, now=NOW)
    Compactor(redis).compact_before(202501)
    Retention(redis).remove_before(202404, now=NOW)
    Store(redis).ingest([sighting(202403, 7), sighting(202503, 1, "Other")], now=NOW)
    request = SearchRequest(query=parse_query("rewar*"))  # cross-lists are excluded by default
    assert [paper.id for paper in Store(redis).search(request).papers] == [ArxivId(202403, 7)]


def test_missing_year_segment_is_an_error(redis: Redis) -> None:
    store = Store(redis)
    store.ingest([sighting(202401, 1)], now=NOW)
    Compactor(redis).compact_before(202501)
    redis.delete(keys.segment_postings("24"))
    with pytest.raises(StoreError, match=r"damaged.*202401.*restore a backup"):
        store.newest_ids(parse_query("reward"))


def test_compaction_during_a_query_does_not_change_its_results(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    for year in range(2015, 2026):
        Store(redis).ingest([sighting(year * 100 + n, 1) for n in range(1, 13)], now=NOW)
    expected = results(Store(redis))
    read_replies, turns = ReadSession.read_replies, 0

    def compact_and_read(session: ReadSession, commands: Any) -> Any:
        nonlocal turns
        turns += 1
        Compactor(redis).compact_before((2015 + turns) * 100 + 1)
        return read_replies(session, commands)

    monkeypatch.setattr(ReadSession, "read_replies", compact_and_read)
    store = Store(redis)
    assert results(store) == expected
    assert turns > 3
    assert "1501" in compacted(redis)


def test_query_reads_a_compacted_year_at_once(redis: Redis) -> None:
    ingested = [sighting(year * 100 + n, 1) for year in range(2015, 2026) for n in range(1, 13)]
    store = Store(redis)
    store.ingest(ingested, now=NOW)
    store.newest_ids(parse_query("other"))
    with counted(redis) as calls:
        assert len(store.newest_ids(parse_query("reward"), 200)) == len(ingested)
    assert calls["hmget"] > len(ingested)
    Compactor(redis).compact_before(202601)
    store.newest_ids(parse_query("thing1"), 200)  # so that it knows the layouts
    store.reader.clear_postings()
    with counted(redis) as calls:
        assert len(store.newest_ids(parse_query("reward"), 200)) == len(ingested)
    assert calls["hmget"] <= 11 + 1, "eleven years, and the term dictionary"


def test_compaction_killed_at_any_command_is_finished_by_the_next(redis: Redis) -> None:
    ingested = [
        sighting(202401, 1),
        sighting(202402, 1),
        sighting(202402, 2, "Other things"),
        sighting(202501, 1),
    ]
    Store(redis).ingest(ingested, now=NOW)
    expected, query = term_postings(redis), parse_query("reward")
    for killed, mortal in enumerate(deaths(redis)):
        redis.flushall()
        store = Store(redis)
        store.ingest(ingested, now=NOW)
        try:
            Compactor(mortal).compact_before(202601)
        except Killed:
            assert term_postings(redis) == expected, killed
            assert len(store.newest_ids(query)) == 3
            Compactor(redis).compact_before(202601)
            survived = False
        else:
            survived = True
        assert compacted(redis) == ["2401", "2402", "2501"]
        assert term_postings(redis) == expected
        assert store.newest_ids(query) == Store(redis).newest_ids(query)
        outputs: Any = [*redis.scan_iter("{2?}:next*")]
        assert all(0 < int(redis.ttl(key)) <= UNFINISHED_TTL for key in outputs)
        assert (
            redis.ttl(keys.segment_postings("24")) == redis.ttl(keys.segment_postings("25")) == -1
        )
        if survived:
            assert killed > 10
            break


def test_concurrent_writers_lose_nothing(redis: Redis) -> None:
    stop = threading.Event()

    def compact_continuously() -> None:
        with same_store(redis) as client:
            while not stop.is_set():
                Compactor(client).compact_before(202501)

    thread = threading.Thread(target=compact_continuously)
    thread.start()
    ingested = [sighting(202400 + n % 12 + 1, n, f"Reward {n}") for n in range(1, 200)]
    store = Store(redis)
    for at in range(0, len(ingested), 5):
        store.ingest(ingested[at : at + 5], now=NOW)
    stop.set()
    thread.join()
    Compactor(redis).compact_before(202501)
    found, papers = term_postings(redis), fingerprint(redis)["papers"]
    redis.flushall()
    Store(redis).ingest(ingested, now=NOW)
    assert term_postings(redis) == found
    assert fingerprint(redis)["papers"] == papers


def test_month_written_during_compaction_stays_open(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(redis)
    store.ingest([sighting(202401, 1), sighting(202402, 1)], now=NOW)
    merge_part = YearMerge.part

    def merge_then_write(merge: YearMerge, number: int) -> Mapping[bytes, bytes]:
        fields = merge_part(merge, number)
        Store(redis).ingest([sighting(202401, 2)], now=NOW)
        return fields

    monkeypatch.setattr(YearMerge, "part", merge_then_write)
    assert Compactor(redis).compact_before(202501) == ()
    assert compacted(redis) == []
    assert redis.keys("{24}:*") == []
    assert len(store.newest_ids(parse_query("reward"))) == 3
    monkeypatch.undo()
    assert Compactor(redis).compact_before(202501) == (2024,)
    assert len(store.newest_ids(parse_query("reward"), 200)) == 3


def compact_in_slices(redis: Redis, between: Callable[[], object]) -> list[int]:
    """Compact years before 2025; return how many parts each slice merged."""
    merge_part, merged = YearMerge.part, list[int]()

    def count_part(merge: YearMerge, number: int) -> Mapping[bytes, bytes]:
        merged[-1] += 1
        return merge_part(merge, number)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("papers.index.compaction.year_merge._PART_SIZE_BITS", 4)
        patch.setattr(YearMerge, "part", count_part)
        while True:
            merged.append(0)
            if not Compactor(redis).compact_slice(202501).has_more:
                return merged
            between()
            assert len(merged) < 100, "it never ends"


def test_ingest_waits_for_one_slice_at_most_and_nothing_is_merged_twice(redis: Redis) -> None:
    """Whatever the size of the year: a slice is some parts, and a part some thousand papers."""
    ingested = [sighting(202401 + n % 12, n, f"Reward {n}") for n in range(1, 200)]
    store, fresh = Store(redis), count(1)
    store.ingest([*ingested, sighting(202501, 999)], now=NOW)
    expected = term_postings(redis)

    def announce() -> None:
        assert store.ingest([sighting(202501, next(fresh), "Another thing")], now=NOW).new

    merged = compact_in_slices(redis, announce)
    assert max(merged) <= PARTS_PER_SLICE < sum(merged) == 16
    assert len(compacted(redis)) == 12
    found = term_postings(redis)
    assert all(set(doc_ids) <= set(found[term]) for term, doc_ids in expected.items())
    output: Any = redis.hget(keys.segment_postings("24"), b"merged")
    assert output is None


def test_year_written_to_between_slices_is_merged_anew(redis: Redis) -> None:
    ingested = [sighting(202401 + n % 12, n, f"Reward {n}") for n in range(1, 200)]
    late = iter([sighting(202403, 900, "A late thing"), sighting(202404, 901, "A late thing")])
    store = Store(redis)
    store.ingest(ingested, now=NOW)
    merged = compact_in_slices(redis, lambda: store.ingest([*islice(late, 1)], now=NOW))
    assert max(merged) <= PARTS_PER_SLICE
    assert len(store.newest_ids(parse_query("late"))) == 2
    found = term_postings(redis)
    redis.flushall()
    Store(redis).ingest(
        [*ingested, sighting(202403, 900, "A late thing"), sighting(202404, 901, "A late thing")],
        now=NOW,
    )
    assert term_postings(redis) == found


def test_every_transaction_runs_on_a_cluster() -> None:
    with private_cluster() as client:
        store = Store(client)
        store.ingest([sighting(202401, 1), sighting(202412, 1), sighting(202501, 1)], now=NOW)
        assert Compactor(client).compact_before(202601) == (2024, 2025)
        store.ingest([sighting(202401, 2), sighting(202401, 1, version=2)], now=NOW)
        assert len(store.newest_ids(parse_query("reward"))) == 4
        Retention(client).remove_before(202402, now=NOW)
        assert Compactor(client).compact_before(202601) == (2024,)
        assert len(store.newest_ids(parse_query("reward"))) == 2
