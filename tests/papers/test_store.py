"""What the store contains after any sequence of ingests and crashes; `test_search` searches it."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import reduce
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from papers.errors import StoreError, StoreUnavailable
from papers.index.layout import SegmentLayout
from papers.index.writing import month_writer
from papers.index.writing.ingest_result import IngestResult
from papers.model.arxiv_id import ArxivId
from papers.model.merge import merge
from papers.model.paper import Paper, Pick, Sighting
from papers.query.parser import parse_query
from papers.query.request import ALL_ANNOUNCE_TYPES, ORDERS, SearchRequest, SortOrder
from papers.redis_backend import keys
from papers.redis_backend.connection import connect
from papers.store import Store
from tests.papers.clients import Killed, deaths, let_live, same_store
from tests.papers.fingerprint import fingerprint
from tests.papers.papers_strategies import TUESDAY, sightings
from tests.papers.server import private_cluster, private_server
from tests.papers.sightings import DAY, ID, NOW, announced, picked

pytestmark = pytest.mark.both_stores

OTHER = ArxivId.parse("2503.00002")
OLD = ArxivId.parse("hep-th/9901001")


def counted_at(hours: int, votes: int = 3) -> Sighting:
    moment = TUESDAY + DAY + timedelta(hours=hours)
    return picked(pick=Pick("hf", TUESDAY + DAY, votes=votes, counted_at=moment))


def found(store: Store, keyword: str) -> list[str]:
    page = store.search(SearchRequest(query=parse_query(keyword)))
    assert page.is_complete
    return [str(paper.id) for paper in page.papers]


@pytest.fixture
def store(redis: Redis) -> Store:
    return Store(redis)


# -- What an ingest reports and stores


def test_ingest_reports_new_changed_and_unchanged_papers(store: Store) -> None:
    assert store.ingest([announced(), announced(OLD)], now=NOW) == IngestResult((OLD, ID), (), 0)
    again = [announced(), announced(OLD, version=2, title="Revised"), announced(OTHER)]
    assert store.ingest(again, now=NOW) == IngestResult((OTHER,), (OLD,), 1)
    assert store.ingest([], now=NOW) == IngestResult((), (), 0)


def test_get_papers_keeps_the_order_of_ids(store: Store) -> None:
    store.ingest([announced(), announced(OLD, title="Strings")], now=NOW)
    titles = [paper and paper.title for paper in store.get_papers([OLD, OTHER, ID, OLD])]
    assert titles == ["Strings", None, "Reward models", "Strings"]
    assert store.get_papers([]) == []


def test_count_papers(store: Store) -> None:
    assert store.count_papers() == 0
    store.ingest([announced(), announced(OLD), picked(OTHER), picked()], now=NOW)
    assert store.count_papers() == 3


def test_terms_removed_by_a_new_version_match_no_more(redis: Redis, store: Store) -> None:
    first = announced(abstract="Words of old.", comment="Draft", authors=("A Gone",))
    second = announced(
        version=2, title="Value models", abstract="New.", comment="CVPR", authors=("B Here",)
    )
    store.ingest([first], now=NOW)
    store.ingest([second], now=NOW)
    for gone in ("old", "ti:reward", "au:gone", "comment:draft", '"reward model"', "rewa*"):
        assert found(store, gone) == []
    for there in ("new", "ti:value", "au:here", "comment:cvpr", '"value model"', "valu*"):
        assert found(store, there) == [str(ID)]
    content = fingerprint(redis)
    ingest_batches(redis, [[second, first]])
    assert fingerprint(redis) == content


def test_withdrawn_paper_is_still_found(store: Store) -> None:
    store.ingest([announced(), announced(version=2, withdrawn=True)], now=NOW)
    assert found(store, "reward") == [str(ID)]
    (paper,) = store.get_papers([ID])
    assert paper is not None
    assert paper.withdrawn


# -- Undescribed papers


def test_undescribed_paper_is_listed_but_never_found(store: Store) -> None:
    store.ingest([picked(), picked(OLD), announced(OTHER)], now=NOW)
    assert store.undescribed(10) == [ID, OLD]
    assert store.undescribed(1) == [ID]
    for keyword in ("model", f"id:{ID}", f"model OR id:{ID}", "source:hf"):
        assert str(ID) not in found(store, keyword)
    assert not store.search(SearchRequest(query=parse_query("source:hf"), order="picked")).papers


def test_paper_that_a_community_describes_is_found_among_picks_only(store: Store) -> None:
    pick = Pick("hf", NOW)
    stated = picked(title="Reward hype", abstract="A hoax.", code="https://github.com/a/b")
    stated = stated._replace(pick=pick, withdrawn=True, categories=("cs.CL",))
    store.ingest([stated], now=NOW - DAY)
    store.ingest([stated], now=NOW)

    def in_order(order: SortOrder, keyword: str = "reward") -> list[str]:
        request = SearchRequest(query=parse_query(keyword), order=order, types=ALL_ANNOUNCE_TYPES)
        return [str(paper.id) for paper in store.search(request).papers]

    for keyword in ("reward", "hoax", "cat:cs.CL", f"id:{ID}", "is:picked", "-hoax hype"):
        assert found(store, keyword) == []
        for order in ORDERS:
            is_found = order == "picked" and keyword != "-hoax hype"
            assert in_order(order, keyword) == ([str(ID)] if is_found else [])
    listed = SearchRequest(query=parse_query("reward"), listed="picked")
    assert [paper.id for paper in store.search(listed).papers] == [ID]

    store.ingest([announced()], now=NOW)
    (paper,) = store.get_papers([ID])
    assert paper
    assert (paper.title, paper.is_in_community_words) == (announced().title, False)
    assert found(store, "reward") == in_order("picked") == [str(ID)]
    assert found(store, "hoax OR hype") == in_order("picked", "hype") == []


def test_paper_described_by_arxiv_leaves_the_list(store: Store) -> None:
    store.ingest([picked(title="Reward models, says a community")], now=NOW)
    assert store.undescribed(10) == [ID]
    store.ingest([announced()], now=NOW)
    assert store.undescribed(10) == []
    assert found(store, "reward") == [str(ID)]
    store.ingest([picked(votes=9)], now=NOW)
    assert store.undescribed(10) == []


# -- The revision


# (ingested before, ingested now, whether readers see a change)
SEEN = [
    ([], announced(), True),
    ([], picked(), True),
    ([announced()], announced(), False),
    ([announced()], announced(as_of=TUESDAY + DAY), False),
    ([announced()], announced(title="Other", as_of=TUESDAY + DAY), True),
    ([announced()], announced(title="Lower", version=0), False),
    ([announced()], picked(), True),
    ([announced(), counted_at(0)], counted_at(1), False),
    ([announced(), counted_at(0)], counted_at(1, votes=4), True),
    ([announced(), counted_at(1)], counted_at(0, votes=4), False),
    ([announced()], announced(version=2, withdrawn=True), True),
]


@pytest.mark.parametrize(("known", "coming", "seen"), SEEN, ids=range(len(SEEN)))
def test_revision_moves_if_and_only_if_readers_see_a_change(
    store: Store, known: list[Sighting], coming: Sighting, seen: bool
) -> None:
    store.ingest(known, now=NOW)
    before = store.revision()
    done = store.ingest([coming], now=NOW)
    after = store.revision()
    assert (after > before) is seen
    assert done.unchanged == (not seen)
    assert not store.settle(now=NOW)
    assert store.revision() == after


def test_invisible_change_still_outdates_older_counts(store: Store) -> None:
    for sighting in (announced(), counted_at(0), counted_at(2), counted_at(1, votes=9)):
        store.ingest([sighting], now=NOW)
    (paper,) = store.get_papers([ID])
    assert paper is not None
    assert paper.votes == 3


# -- Any random_batches, order and repetition


def random_batches(sightings: list[Sighting], rng: random.Random) -> list[list[Sighting]]:
    """Return the sightings in random order and batches, some of them twice."""
    left = sightings + rng.sample(sightings, len(sightings) // 3)
    rng.shuffle(left)
    batches = []
    while left:
        size = rng.randint(1, len(left))
        batches.append(left[:size])
        left = left[size:]
    return batches


def ingest_batches(redis: Redis, batches: Iterable[list[Sighting]]) -> Store:
    redis.flushdb()
    store = Store(redis)
    for batch in batches:
        store.ingest(batch, now=NOW)
    return store


@given(said=st.lists(sightings(), min_size=1, max_size=25), seed=st.integers())
def test_any_split_order_and_repetition_lead_to_the_same_content(
    store_url: str, said: list[Sighting], seed: int
) -> None:
    redis = Redis.from_url(store_url)
    first = ingest_batches(redis, [said])
    content, waiting = fingerprint(redis), first.undescribed(100)
    with mock.patch.object(month_writer, "PARALLEL_PACK_MIN", 2):  # pack two papers in threads
        again = ingest_batches(redis, random_batches(said, random.Random(seed)))
    assert fingerprint(redis) == content
    assert again.undescribed(100) == waiting
    ids = {sighting.id for sighting in said}
    expected = [merge_all(sighting for sighting in said if sighting.id == id) for id in sorted(ids)]
    assert again.get_papers(sorted(ids)) == expected
    redis.close()


def merge_all(said: Iterable[Sighting]) -> Paper:
    paper = reduce(merge, said, None)
    assert paper is not None
    return paper


# -- Months that grow


def test_month_that_outgrows_its_layout_keeps_its_results(redis: Redis, store: Store) -> None:
    ids = [ArxivId(202503, number) for number in range(1, 601)]
    layouts = set()
    for start in range(0, 600, 60):
        store.ingest([numbered_sighting(id) for id in ids[start : start + 60]], now=NOW)
        packed: Any = redis.hget(keys.segment_postings("2503"), "shape")
        layouts.add(SegmentLayout.unpack(packed))
        stored = [id for id in reversed(ids) if id.number <= start + 60]
        assert store.newest_ids(parse_query("common"), 1_000) == stored
        assert store.newest_ids(parse_query('"word 7"'), 1_000) == [
            id for id in stored if id.number % 97 == 7
        ]
        assert store.newest_ids(parse_query("rare599"), 10) == [
            id for id in stored if id.number == 599
        ]
    assert len(layouts) > 3
    content = fingerprint(redis)
    ingest_batches(redis, [[numbered_sighting(id) for id in ids]])
    assert fingerprint(redis) == content


def numbered_sighting(id: ArxivId) -> Sighting:
    number = id.number
    return announced(id, title=f"Common word {number % 97}", abstract=f"A rare{number} thing.")


# -- Many writers


def test_concurrent_writers_of_one_month_lose_nothing(redis: Redis) -> None:
    ids = [ArxivId(202503, number) for number in range(1, 41)]
    said = [
        [announced(id), announced(id, version=n, title=f"Title {n}")] for id in ids for n in (2, 3)
    ]
    rng = random.Random(3)
    parts = [rng.sample(said, len(said)) for _ in range(4)]

    def write(part: list[list[Sighting]]) -> None:
        client = same_store(redis)
        store = Store(client)
        for start in range(0, len(part), 8):
            batch = [sighting for sightings in part[start : start + 8] for sighting in sightings]
            store.ingest(batch, now=NOW)
        client.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, parts))
    content = fingerprint(redis)
    ingest_batches(redis, [[sighting for sightings in said for sighting in sightings]])
    assert fingerprint(redis) == content
    assert not redis.exists(keys.PENDING_INGESTS)


# -- Crashes at any command


@pytest.mark.parametrize("repeats", ["another", "the same"])
def test_ingest_killed_at_any_command_is_repaired_by_repeating_it(
    redis: Redis, repeats: str
) -> None:
    before = [announced(), picked(OTHER), announced(OLD)]
    coming = [
        announced(OTHER),
        picked(),
        announced(version=2, title="Value"),
        announced(OLD, version=2),
    ]
    store = ingest_batches(redis, [before, coming])
    content = fingerprint(redis)
    for killed, mortal in enumerate(deaths(redis)):
        store = ingest_batches(redis, [before])
        known, revision = fingerprint(redis), store.revision()
        dying = Store(mortal)
        try:
            dying.ingest(coming, now=NOW)
        except Killed:
            let_live(sys.maxsize)
            (dying if repeats == "the same" else store).ingest(coming, now=NOW)
            store.settle(now=NOW)
            assert fingerprint(redis) == content
            assert found(store, "value") == [str(ID)]
            assert store.revision() > revision
            assert store.settle(now=NOW + DAY) is bool(killed)
            assert not store.settle(now=NOW + DAY)
        else:
            assert known != content == fingerprint(redis)
            assert store.revision() > revision
            assert killed > 10
            break


def test_dead_ingest_that_is_not_repeated_is_settled(redis: Redis) -> None:
    for mortal in deaths(redis):
        store = ingest_batches(redis, [[announced()]])
        known, revision = fingerprint(redis), store.revision()
        try:
            Store(mortal).ingest([announced(version=2, title="Value")], now=NOW)
        except Killed:
            store.settle(now=NOW)
            assert fingerprint(redis) == known or store.revision() > revision
        else:
            break


# -- Redis is unavailable, full, or a cluster


def test_every_call_to_a_stopped_store_raises_store_unavailable() -> None:
    with private_server() as (client, process):
        address = client.connection_pool.connection_kwargs["path"]
        store = Store(connect(f"unix://{address}", retry=False))
        store.ingest([announced()], now=NOW)
        process.terminate()
        process.wait(10)
        calls: list[Callable[[], object]] = [
            lambda: store.ingest([announced()], now=NOW),
            lambda: store.search(SearchRequest(query=parse_query("reward"))),
            lambda: store.newest_ids(parse_query("reward")),
            lambda: store.get_papers([ID]),
            lambda: store.undescribed(1),
            lambda: store.settle(now=NOW),
            store.revision,
            store.count_papers,
        ]
        for call in calls:
            with pytest.raises(StoreUnavailable, match=f"{address} does not answer"):
                call()


def test_full_store_reports_that_it_takes_no_writes() -> None:
    with (
        private_server(maxmemory="1mb") as (client, _),
        pytest.raises(StoreError, match="no writes"),
    ):
        Store(client).ingest([announced()], now=NOW)


def test_store_works_in_a_cluster() -> None:
    said = [announced(), announced(OLD), picked(OTHER), announced(version=2, title="Value models")]
    said += [
        announced(ArxivId(202502, number), title=f"Paper {number}") for number in range(1, 300)
    ]
    with private_cluster() as client:
        store = Store(client)
        for sighting in said[:4]:
            store.ingest([sighting], now=NOW)
        store.ingest(said, now=NOW)
        assert found(store, "value") == [str(ID)]
        assert len(found(store, "ti:pap*")) == 100
        assert found(store, '"paper 7" OR "value model"') == [str(ID), "2502.00007"]
        page = store.search(
            SearchRequest(query=parse_query("model"), order="picked", types=frozenset({"new"}))
        )
        assert page.papers == ()
        assert store.undescribed(10) == [OTHER]
        assert store.count_papers() == 302
        assert store.revision() > 0
        assert not store.settle(now=NOW)


def test_paper_announced_years_later_is_found(store: Store) -> None:
    odd = announced()._replace(announced_at=TUESDAY + 900 * DAY)
    store.ingest([odd], now=NOW)
    assert found(store, "reward") == [str(ID)]
