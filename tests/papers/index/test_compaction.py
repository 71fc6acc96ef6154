from __future__ import annotations

import random
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap
from redis import Redis

from papers.errors import StoreError
from papers.index.compaction.compactor import UNFINISHED_TTL, Compactor
from papers.index.compaction.year_merge import MIN_FREQUENT_PAPERS, YearMerge
from papers.index.layout import SegmentLayout
from papers.index.postings import COMPACTED, LAYOUT_FIELD, places_of_months
from papers.index.terms import text_shingles
from papers.maintenance.retention import Retention
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Channel, Sighting
from papers.query.ast import Field, Text
from papers.query.parser import parse_query
from papers.query.request import SearchRequest
from papers.redis_backend import keys
from papers.search.evaluate import shingle_slot_key
from papers.search.reader import ReadSession
from papers.store import Store
from tests.papers.fingerprint import fingerprint
from tests.papers.papers_strategies import TUESDAY, sightings
from tests.papers.query_strategies import queries
from tests.papers.search.test_reader import counted, shown_of
from tests.papers.server import private_cluster
from tests.papers.test_store import Killed, deaths

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEYWORDS = ("reward", '"reward model"', 'au:"ada lovelace"', "thing7 -ti:model", "rew* other")


def told(month: int, number: int, title: str = "Reward model", **more: Any) -> Sighting:
    more = {"abstract": f"A thing{number % 50} of month {month}.", "authors": ("Ada L.",)} | more
    return Sighting(ArxivId(month, number), "arxiv", Channel.API, TUESDAY, title=title, **more)


def terms(redis: Redis) -> dict[bytes, list[int]]:
    """The postings of all terms, wherever they lie, of the months that there are."""
    in_years = {month for yymm, month in months_of(redis) if yymm in closed(redis)}
    alone = {month for _, month in months_of(redis)} - in_years
    found: defaultdict[bytes, BitMap] = defaultdict(BitMap)
    indexes: Any = fingerprint(redis)["indexes"]
    for volume, (_, postings) in indexes.items():
        here = places_of_months(in_years if len(volume) == 2 else alone)
        for key, places in postings.items():
            if isinstance(key, bytes):
                found[key] |= BitMap(places) & here
    return {key: list(places) for key, places in found.items() if places}


def months_of(redis: Redis) -> list[tuple[str, int]]:
    members: Any = redis.zrange(keys.MONTHS, 0, -1, withscores=True)
    return [(yymm.decode(), int(month)) for yymm, month in members]


def closed(redis: Redis) -> list[str]:
    """The months that lie with their years."""
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
    st.tuples(st.just("say"), batches)
    | st.tuples(st.just("close"), st.sampled_from([200001, 202503, 202601]))
    | st.tuples(st.just("remove"), st.sampled_from([199902, 200704, 202503])),
    min_size=2,
    max_size=8,
)


@given(batches, steps, st.lists(queries(), max_size=3), st.sampled_from([1, 2, 3, 32]))
@settings(max_examples=60)
def test_closed_or_not_is_the_same_to_who_asks_and_to_who_writes(
    store_url: str,
    first: list[Sighting],
    steps: list[tuple[str, Any]],
    asked: list[Any],
    frequent: int,
) -> None:
    with two_stores(store_url) as (one, other), pytest.MonkeyPatch.context() as patch:
        patch.setattr("papers.index.compaction.year_merge.MIN_FREQUENT_PAPERS", frequent)
        old = Store(one)
        for do, what in [("say", first), ("close", 202601), *steps]:
            if do == "say":
                done = old.ingest(what, now=NOW)
                assert done == Store(other).ingest(what, now=NOW)
            elif do == "close":
                Compactor(one).compact_before(what)
            else:
                removed = Retention(one).remove_before(what, now=NOW)
                assert removed == Retention(other).remove_before(what, now=NOW)
            assert fingerprint(one)["papers"] == fingerprint(other)["papers"]
            assert terms(one) == terms(other)
            for query in asked:
                for order in ("announced", "picked"):
                    ask = SearchRequest(query=query, limit=2, order=order)
                    # Of a pair in a slot a text tells, and of one that has a posting none need:
                    # how many are looked at hangs on where pairs lay when it was found.
                    new, known, expected = (
                        replace(shown_of(store, ask), examined=0)
                        for store in (Store(one), old, Store(other))
                    )
                    assert new == known == expected


def dense(month: int, papers: int) -> list[Sighting]:
    """Papers with words and pairs that many of them have, some, or one."""
    chance = random.Random(month)
    return [
        told(month, n, f"Reward model {chance.choice(['other', 'thing', 'vision'])}")
        for n in range(1, papers + 1)
    ]


MANY = count(5_000)


def answers(store: Store) -> list[list[ArxivId]]:
    """All answers; of ever more papers, so that none is one found before."""
    return [store.newest_ids(parse_query(keyword), next(MANY)) for keyword in KEYWORDS]


@pytest.mark.parametrize("a_part", [13, 8, 5])
def test_large_postings_are_put_together_too(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, a_part: int
) -> None:
    """In one part or in many, of which small months fill few."""
    monkeypatch.setattr("papers.index.compaction.year_merge._PART_SIZE_BITS", a_part)
    store = Store(redis)
    for month, papers in ((202401, 300), (202402, 100), (202403, 1_200), (202412, 3)):
        store.ingest(dense(month, papers), now=NOW)
    before, known = terms(redis), answers(store)
    assert Compactor(redis).compact_before(202501) == (2024,)
    assert closed(redis) == ["2401", "2402", "2403", "2412"]
    shape: Any = redis.hget(keys.segment_postings("24"), LAYOUT_FIELD)
    assert SegmentLayout.unpack(shape) == SegmentLayout.for_year(
        1_603, [202401, 202402, 202403, 202412]
    )
    fields: Any = redis.hkeys(keys.segment_postings("24"))
    assert {field[:1] for field in fields} == {b"s", b"w", b"=", b"p", b"~", b"q"}
    assert terms(redis) == before
    assert answers(store) == answers(Store(redis)) == known
    assert Compactor(redis).compact_before(202501) == (), "nothing is left to do"


def test_the_index_of_a_year_does_not_tell_how_it_came(redis: Redis) -> None:
    """One month after the other, changed later, or all at once: the same postings, slots too."""
    said = dense(202401, 300) + dense(202402, 40) + dense(202407, 700)
    later = [one._replace(title="Another", version=2) for one in said[::7]]
    Store(redis).ingest([*said, *later], now=NOW)
    Compactor(redis).compact_before(202501)
    at_once: Any = fingerprint(redis)["indexes"]
    redis.flushall()
    for number, batch in enumerate((said[:300], said[300:], later)):
        Store(redis).ingest(batch, now=NOW)
        Compactor(redis).compact_before(202501 if number < 2 else 199001)
    assert fingerprint(redis)["indexes"] == at_once


def pairs(redis: Redis, volume: str) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    """The postings of pairs of a volume, and those of its slots."""
    indexes: Any = fingerprint(redis)["indexes"]
    found = {key: places for key, places in indexes[volume][1].items() if isinstance(key, int)}
    named = {pair: places for pair, places in found.items() if pair >= 0}
    return named, {key: places for key, places in found.items() if key < 0}


def test_a_year_names_every_pair_until_it_is_over(redis: Redis) -> None:
    """Then it names the frequent ones, of all its papers, and no other."""
    Store(redis).ingest([*dense(202401, 300), *dense(202402, 40)], now=NOW)
    (january, none), (february, nor) = pairs(redis, "2401"), pairs(redis, "2402")
    assert (none, nor) == ({}, {})
    Compactor(redis).compact_before(202403)
    every, none = pairs(redis, "24")
    both = {pair: [*january.get(pair, []), *february.get(pair, [])] for pair in january | february}
    assert (every, none) == (both, {})
    assert Compactor(redis).compact_before(202412) == ()
    assert Compactor(redis).compact_before(202501) == (2024,), "though no month is open"
    named, slots = pairs(redis, "24")
    assert named == {
        pair: places for pair, places in every.items() if len(places) >= MIN_FREQUENT_PAPERS
    }
    assert 5 < len(named) < len(every) - 5
    shape = SegmentLayout.for_year(340, [202401, 202402])
    for pair in every.keys() - named:
        assert set(every[pair]) <= set(slots[shingle_slot_key(shape.slot_of(pair))])
    rare = {shape.slot_of(pair) for pair in every.keys() - named}
    assert slots.keys() == {shingle_slot_key(slot) for slot in rare}


@pytest.mark.parametrize("over", [False, True])
def test_what_is_written_to_a_year_goes_where_its_pair_is(redis: Redis, over: bool) -> None:
    store = Store(redis)
    store.ingest([*dense(202401, 300), *dense(202402, 40)], now=NOW)
    Compactor(redis).compact_before(202501 if over else 202403)
    frequent, rare, new = '"reward model"', '"thing7 of month"', '"whole new"'
    assert len(store.newest_ids(parse_query(frequent), 500)) == 340
    asked = {
        keyword: store.newest_ids(parse_query(keyword), next(MANY))
        for keyword in (frequent, rare, new)
    }
    store.ingest([told(202402, 100, abstract="A thing7 of month. Whole new.")], now=NOW)
    late = ArxivId(202402, 100)
    for keyword, before in asked.items():
        assert store.newest_ids(parse_query(keyword), next(MANY)) == sorted(
            [late, *before], reverse=True
        )
    assert (
        late.doc_id in pairs(redis, "24")[0][text_shingles(Text(Field.ANY, ("reward", "model")))[0]]
    )
    again = told(202402, 100, "Other title", abstract="Nothing.", version=2)
    store.ingest([again], now=NOW)
    for keyword, before in asked.items():
        assert store.newest_ids(parse_query(keyword), next(MANY)) == before
    named, slots = pairs(redis, "24")
    assert not slots or over
    left = {key for key, places in {**named, **slots}.items() if late.doc_id in places}
    pair = text_shingles(Text(Field.ANY, ("other", "title")))[0]
    assert left == {
        shingle_slot_key(SegmentLayout.for_year(340, []).slot_of(pair)) if over else pair
    }


def test_a_pair_that_all_papers_lost_may_come_back(redis: Redis) -> None:
    said = [told(202401, n, "Reward model") for n in range(1, MIN_FREQUENT_PAPERS + 1)]
    Store(redis).ingest(said, now=NOW)
    Compactor(redis).compact_before(202501)
    pair = text_shingles(Text(Field.ANY, ("reward", "model")))[0]
    assert pair in pairs(redis, "24")[0]
    store = Store(redis)
    store.ingest([one._replace(title="Other", version=2) for one in said], now=NOW)
    assert pair not in pairs(redis, "24")[0]
    assert store.newest_ids(parse_query('"reward model"')) == []
    store.ingest([said[3]._replace(version=3)], now=NOW)
    assert store.newest_ids(parse_query('"reward model"')) == [said[3].id]


def test_a_month_that_comes_late_is_closed_the_next_time(redis: Redis) -> None:
    store = Store(redis)
    store.ingest(dense(202402, 100), now=NOW)
    assert Compactor(redis).compact_before(202501) == (2024,)
    assert answers(store)
    store.ingest([*dense(202401, 200), *dense(202403, 90)], now=NOW)
    known = answers(store)
    assert len(known[0]) == 390
    assert closed(redis) == ["2402"]
    assert Compactor(redis).compact_before(202501) == (2024,)
    assert closed(redis) == ["2401", "2402", "2403"]
    assert store.newest_ids(parse_query("vision")) == Store(redis).newest_ids(parse_query("vision"))
    assert answers(store) == answers(Store(redis)) == known, "by what it has learned since"


def test_a_year_closes_month_by_month(redis: Redis) -> None:
    store = Store(redis)
    for month in range(202511, 202515):
        store.ingest([told(month if month < 202513 else month + 88, 1)], now=NOW)
    assert Compactor(redis).compact_before(202512) == (2025,)
    assert closed(redis) == ["2511"]
    assert Compactor(redis).compact_before(202602) == (2025, 2026)
    assert closed(redis) == ["2511", "2512", "2601"]
    store.ingest([told(202510, 1)], now=NOW)
    assert Compactor(redis).compact_before(202511) == (2025,), "an earlier month, later"
    assert closed(redis) == ["2510", "2511", "2512", "2601"]
    assert (
        len(store.newest_ids(parse_query("reward")))
        == len(Store(redis).newest_ids(parse_query("reward")))
        == 5
    )


def test_what_removed_months_leave_behind_goes_with_the_next_closing(redis: Redis) -> None:
    store = Store(redis)
    store.ingest([*dense(202401, 200), *dense(202402, 200)], now=NOW)
    Compactor(redis).compact_before(202501)
    held: Any = redis.memory_usage(keys.segment_postings("24"), samples=0)
    Retention(redis).remove_before(202402, now=NOW)
    left = answers(store)
    assert left == answers(Store(redis))
    assert {id.month for ids in left for id in ids} == {202402}
    assert Compactor(redis).compact_before(202501) == (2024,)
    now: Any = redis.memory_usage(keys.segment_postings("24"), samples=0)
    assert now < 0.8 * held
    assert answers(store) == answers(Store(redis)) == left
    Retention(redis).remove_before(202403, now=NOW)
    assert redis.keys("{24}*:terms") == []


def test_who_knows_a_month_as_closed_finds_it_when_it_comes_back(redis: Redis) -> None:
    store, query = Store(redis), parse_query("reward")
    store.ingest([told(202401, 1), told(202402, 1)], now=NOW)
    Compactor(redis).compact_before(202501)
    assert len(store.newest_ids(query)) == 2
    writer = Store(redis)
    Retention(redis).remove_before(202402, now=NOW)
    writer.ingest([told(202401, 2)], now=NOW)
    assert store.newest_ids(query) == [ArxivId(202402, 1), ArxivId(202401, 2)]
    Retention(redis).remove_before(202403, now=NOW)
    writer.ingest([told(202402, 3)], now=NOW)
    assert store.newest_ids(query) == [ArxivId(202402, 3)]


def test_a_month_that_lies_nowhere_is_an_error(redis: Redis) -> None:
    store = Store(redis)
    store.ingest([told(202401, 1)], now=NOW)
    Compactor(redis).compact_before(202501)
    redis.delete(keys.segment_postings("24"))
    with pytest.raises(StoreError, match=r"damaged.*202401.*restore a backup"):
        store.newest_ids(parse_query("reward"))


def test_a_year_that_closes_in_the_midst_of_a_walk_is_no_trouble(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    for year in range(2015, 2026):
        Store(redis).ingest([told(year * 100 + n, 1) for n in range(1, 13)], now=NOW)
    expected = answers(Store(redis))
    replies, turns = ReadSession.read_replies, 0

    def closing(reading: ReadSession, commands: Any) -> Any:
        nonlocal turns
        turns += 1
        Compactor(redis).compact_before((2015 + turns) * 100 + 1)
        return replies(reading, commands)

    monkeypatch.setattr(ReadSession, "read_replies", closing)
    store = Store(redis)
    assert answers(store) == expected
    assert turns > 3
    assert "1501" in closed(redis)


def test_a_walk_reads_a_closed_year_at_once(redis: Redis) -> None:
    said = [told(year * 100 + n, 1) for year in range(2015, 2026) for n in range(1, 13)]
    store = Store(redis)
    store.ingest(said, now=NOW)
    store.newest_ids(parse_query("other"))
    with counted(redis) as calls:
        assert len(store.newest_ids(parse_query("reward"), 200)) == len(said)
    assert calls["hmget"] > len(said)
    Compactor(redis).compact_before(202601)
    store.newest_ids(parse_query("thing1"), 200)  # by which it learns that years are closed
    store.reader.clear_postings()
    with counted(redis) as calls:
        assert len(store.newest_ids(parse_query("reward"), 200)) == len(said)
    assert calls["hmget"] <= 11 + 1, "eleven years, and where the word occurs"


def test_a_closing_killed_at_any_command_is_done_by_the_next(store_url: str, redis: Redis) -> None:
    said = [told(202401, 1), told(202402, 1), told(202402, 2, "Other things"), told(202501, 1)]
    Store(redis).ingest(said, now=NOW)
    known, query = terms(redis), parse_query("reward")
    for killed, mortal in enumerate(deaths(store_url)):
        redis.flushall()
        store = Store(redis)
        store.ingest(said, now=NOW)
        try:
            Compactor(mortal).compact_before(202601)
        except Killed:
            assert terms(redis) == known, killed
            assert len(store.newest_ids(query)) == 3
            Compactor(redis).compact_before(202601)
            survived = False
        else:
            survived = True
        assert closed(redis) == ["2401", "2402", "2501"]
        assert terms(redis) == known
        assert store.newest_ids(query) == Store(redis).newest_ids(query)
        left: Any = redis.keys("{2?}:next*")
        assert all(0 < int(redis.ttl(key)) <= UNFINISHED_TTL for key in left)
        assert (
            redis.ttl(keys.segment_postings("24")) == redis.ttl(keys.segment_postings("25")) == -1
        )
        if survived:
            assert killed > 10
            break


def test_writers_at_work_lose_nothing(redis: Redis, store_url: str) -> None:
    stop = threading.Event()

    def close() -> None:
        with Redis.from_url(store_url) as client:
            while not stop.is_set():
                Compactor(client).compact_before(202501)

    thread = threading.Thread(target=close)
    thread.start()
    said = [told(202400 + n % 12 + 1, n, f"Reward {n}") for n in range(1, 200)]
    store = Store(redis)
    for at in range(0, len(said), 5):
        store.ingest(said[at : at + 5], now=NOW)
    stop.set()
    thread.join()
    Compactor(redis).compact_before(202501)
    found, papers = terms(redis), fingerprint(redis)["papers"]
    redis.flushall()
    Store(redis).ingest(said, now=NOW)
    assert terms(redis) == found
    assert fingerprint(redis)["papers"] == papers


def test_a_month_that_is_written_meanwhile_stays_open(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(redis)
    store.ingest([told(202401, 1), told(202402, 1)], now=NOW)
    parts = YearMerge.parts

    def disturbed(year: YearMerge) -> Iterator[Any]:
        yield from parts(year)
        Store(redis).ingest([told(202401, 2)], now=NOW)

    monkeypatch.setattr(YearMerge, "parts", disturbed)
    assert Compactor(redis).compact_before(202501) == ()
    assert closed(redis) == []
    assert redis.keys("{24}:*") == []
    assert len(store.newest_ids(parse_query("reward"))) == 3
    monkeypatch.undo()
    assert Compactor(redis).compact_before(202501) == (2024,)
    assert len(store.newest_ids(parse_query("reward"), 200)) == 3


def test_no_step_needs_keys_of_two_slots() -> None:
    with private_cluster() as client:
        store = Store(client)
        store.ingest([told(202401, 1), told(202412, 1), told(202501, 1)], now=NOW)
        assert Compactor(client).compact_before(202601) == (2024, 2025)
        store.ingest([told(202401, 2), told(202401, 1, version=2)], now=NOW)
        assert len(store.newest_ids(parse_query("reward"))) == 4
        Retention(client).remove_before(202402, now=NOW)
        assert Compactor(client).compact_before(202601) == (2024,)
        assert len(store.newest_ids(parse_query("reward"))) == 2
