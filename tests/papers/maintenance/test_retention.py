from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis

from papers.errors import StoreBusy
from papers.index.term_months import TermMonths
from papers.maintenance.retention import RemovalResult, Retention, first_kept_month
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Channel, Sighting
from papers.query.parser import parse_query
from papers.redis_backend import keys
from papers.store import Store
from tests.papers.clients import Killed, deaths, same_store
from tests.papers.fingerprint import fingerprint
from tests.papers.papers_strategies import TUESDAY, sightings
from tests.papers.server import private_cluster
from tests.papers.sightings import announced, picked

pytestmark = pytest.mark.both_stores

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)

FIRST_KEPT_MONTHS = (
    (0, NOW, 0),
    (1, NOW, 202611),
    (2, NOW, 202610),
    (11, NOW, 202601),
    (12, NOW, 202512),
    (24, NOW, 202412),
    (1, datetime(2027, 1, 1, tzinfo=UTC), 202701),
    (2, datetime(2027, 1, 1, tzinfo=UTC), 202612),
    (1_200, NOW, 192612),
)


@pytest.mark.parametrize(("keep", "now", "expected"), FIRST_KEPT_MONTHS)
def test_first_kept_month(keep: int, now: datetime, expected: int) -> None:
    assert first_kept_month(keep, now) == expected


def remaining(redis: Redis) -> dict[str, Any]:
    """Everything that a store holds, including keys that may claim too much."""
    others = {
        "months": redis.zrange(keys.MONTHS, 0, -1),
        "term months": redis.hgetall(keys.TERM_MONTHS),
        "vocabulary": redis.zrange(keys.VOCABULARY, 0, -1),
        "undescribed": redis.smembers(keys.UNDESCRIBED),
    }
    return fingerprint(redis) | others


@settings(max_examples=25)
@given(st.lists(sightings(), max_size=12), st.sampled_from([0, 199901, 200703, 202502, 202503]))
def test_store_after_removal_equals_one_without_the_months(
    store_url: str, ingested: Sequence[Sighting], first: int
) -> None:
    redis = Redis.from_url(store_url)
    redis.flushall()
    kept = [sighting for sighting in ingested if sighting.id.month >= first]
    Store(redis).ingest(kept, now=NOW)
    expected = remaining(redis)
    redis.flushall()
    Store(redis).ingest(ingested, now=NOW)
    removed = Retention(redis).remove_before(first, now=NOW)
    old = {sighting.id for sighting in ingested} - {sighting.id for sighting in kept}
    assert removed == RemovalResult(tuple(sorted({id.month for id in old})), len(old))
    assert remaining(redis) == expected
    assert redis.zcard(keys.PENDING_INGESTS) == 0
    redis.close()


OLD = ArxivId.parse("2411.00007")
KEPT = ArxivId.parse("2503.00001")
UNDESCRIBED = ArxivId(202412, 1)
SIGHTINGS = (announced(OLD, title="Ancient models"), picked(OLD), picked(UNDESCRIBED), announced())


def test_removed_month_is_in_no_result(redis: Redis) -> None:
    store = Store(redis)
    store.ingest(SIGHTINGS, now=NOW)
    assert store.newest_ids(parse_query("models")) == [KEPT, OLD]
    before = store.revision()
    removed = Retention(redis).remove_before(202503, now=NOW)
    assert removed == RemovalResult((202411, 202412), 2)
    after = store.revision()
    assert after > before
    assert store.newest_ids(parse_query("models")) == [KEPT]
    assert store.newest_ids(parse_query("ancient*")) == []
    assert store.get_papers([OLD]) == [None]
    assert store.undescribed(10) == []
    assert store.count_papers() == 1
    assert redis.keys("{24}*:[pt]*") == []
    assert Retention(redis).remove_before(202503, now=NOW) == RemovalResult((), 0)
    assert store.revision() == after, "the second call changes nothing"


def test_removed_month_can_be_ingested_again(redis: Redis) -> None:
    store = Store(redis)
    store.ingest(SIGHTINGS, now=NOW)
    expected = remaining(redis)
    Retention(redis).remove_before(202503, now=NOW)
    assert store.ingest(SIGHTINGS[:3], now=NOW).new == (OLD, UNDESCRIBED)
    again = remaining(redis)
    assert again.pop("term months") is not None
    assert expected.pop("term months") is not None  # the order of a term's months differs
    assert again == expected


def test_terms_of_many_months_stay_in_the_dictionary(redis: Redis) -> None:
    term_months = TermMonths(redis)
    months = [199_000 + year * 100 + month for year in range(5, 15) for month in range(1, 13)]
    for month in months:
        term_months.add_month(month, [b"wmany"])
    for month in months[:5]:
        term_months.add_month(month, [b"wfew", b"arare"])
    term_months.add_month(months[6], [b"wfew"])
    term_months.remove_months(months[:6])
    assert redis.hgetall(keys.TERM_MONTHS).keys() == {b"wmany", b"wfew"}
    assert redis.hget(keys.TERM_MONTHS, b"wmany") == b"*"
    assert redis.zrange(keys.VOCABULARY, 0, -1) == [b"few", b"many"]
    term_months.add_month(months[0], [b"wfew", b"wrare"])
    assert redis.zrange(keys.VOCABULARY, 0, -1) == [b"few", b"many", b"rare"]


def test_removal_killed_at_any_command_is_finished_by_the_next(redis: Redis) -> None:
    Store(redis).ingest(SIGHTINGS, now=NOW)
    Retention(redis).remove_before(202503, now=NOW)
    expected = remaining(redis)
    for killed, mortal in enumerate(deaths(redis)):
        redis.flushall()
        store = Store(redis)
        store.ingest(SIGHTINGS, now=NOW)
        revision = store.revision()
        try:
            Retention(mortal).remove_before(202503, now=NOW)
        except Killed:
            store.settle(now=NOW)
            assert redis.exists("{24}11:papers") or store.revision() > revision
            Retention(redis).remove_before(202503, now=NOW)
            assert remaining(redis) == expected, killed
        else:
            assert killed > 10
            break


def test_concurrent_writer_loses_nothing(redis: Redis) -> None:
    """What is written meanwhile is either removed with its month or in the list of months."""
    stop = threading.Event()
    sighting = Sighting(OLD, "arxiv", Channel.API, TUESDAY, title="Ancient models")

    def write() -> None:
        client = same_store(redis)
        version = 1
        while not stop.is_set():
            version += 1
            with suppress(StoreBusy):  # it may always be slower, and says so
                Store(client).ingest([announced(OLD, version=version), sighting], now=NOW)
        client.close()

    thread = threading.Thread(target=write)
    thread.start()
    for _ in range(60):
        Retention(redis).remove_before(202503, now=NOW)
        has_papers = bool(redis.exists("{24}11:papers"))
        is_listed = redis.zscore(keys.MONTHS, "2411") is not None
        assert is_listed or not has_papers or redis.zscore(keys.MONTHS, "2411") is not None
    stop.set()
    thread.join()
    assert not redis.exists("{24}11:papers") or redis.zscore(keys.MONTHS, "2411")
    Retention(redis).remove_before(202503, now=NOW)
    assert [*redis.scan_iter("{24}11:[pt]*")] == []


def test_removal_works_in_a_cluster() -> None:
    with private_cluster() as client:
        Store(client).ingest(SIGHTINGS, now=NOW)
        assert Retention(client).remove_before(202503, now=NOW).papers == 2
        assert Store(client).count_papers() == 1
