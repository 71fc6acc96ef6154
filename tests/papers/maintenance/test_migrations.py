from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis

from papers.errors import StoreBusy, StoreError, StoreTooNew
from papers.index import postings
from papers.index.compaction.compactor import Compactor
from papers.index.postings import LAYOUT_FIELD
from papers.maintenance import migrations, store_home
from papers.maintenance.schema_stamp import SchemaStamp
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Channel, Pick, Sighting
from papers.query.parser import parse_query
from papers.query.request import SearchRequest
from papers.redis_backend import keys
from papers.state.task_states import TaskStates
from papers.store import Store
from tests.papers.fingerprint import fingerprint

NOW = datetime(2026, 11, 21, tzinfo=UTC)
pytestmark = pytest.mark.row("data of a newer or an older schema")


def write_twice(redis: Redis) -> Iterator[None]:
    """Migrate from 1 to 2, in these tests: copy the keywords, one per step."""
    for name in sorted(redis.hkeys(keys.KEYWORDS)):
        redis.hset("keywords2", name, 2)
        yield


def rename(redis: Redis) -> Iterator[None]:
    """Migrate from 2 to 3."""
    redis.rename("keywords2", "keywords3")
    yield


MIGRATIONS = {1: write_twice, 2: rename}
CURRENT_VERSION = b"%d" % migrations.SCHEMA_VERSION


def store_old_data(redis: Redis) -> None:
    redis.hset(keys.KEYWORDS, mapping={"a": 1, "b": 1})
    redis.set(keys.SCHEMA, 1)


def test_data_without_a_version_is_stamped(redis: Redis) -> None:
    assert migrations.stored_version(redis) is None
    migrations.check_version(redis)
    assert migrations.prepare_store(redis) is None
    assert redis.get(keys.SCHEMA) == CURRENT_VERSION
    redis.delete(keys.SCHEMA)
    redis.hset(keys.KEYWORDS, "a", "{}")
    assert migrations.stored_version(redis) == migrations.FIRST_VERSION
    assert migrations.prepare_store(redis) == migrations.FIRST_VERSION
    assert redis.get(keys.SCHEMA) == CURRENT_VERSION
    migrations.check_version(redis)


@pytest.mark.parametrize(
    ("stored", "error", "message"),
    [
        ("7", StoreTooNew, "schema 7, this Paperwire knows 6: update Paperwire"),
        ("0", StoreBusy, "schema 0 and is to be migrated to 6"),
        ("5", StoreBusy, "schema 5 and is to be migrated to 6"),
        ("restoring", StoreError, "a backup is being restored, or that was cut short"),
        ("one", StoreError, "'one', which is no schema"),
    ],
)
def test_unsupported_version_is_refused(
    redis: Redis, stored: str, error: type[StoreError], message: str
) -> None:
    redis.set(keys.SCHEMA, stored)
    with pytest.raises(error, match=message):
        migrations.check_version(redis)
    assert redis.get(keys.SCHEMA) == stored.encode()


def test_newer_data_is_not_changed(redis: Redis) -> None:
    redis.set(keys.SCHEMA, 9)
    with pytest.raises(StoreTooNew):
        migrations.prepare_store(redis, supported=3, migrations=MIGRATIONS)
    assert redis.keys() == [b"schema"]


def test_older_data_is_migrated_step_by_step(redis: Redis) -> None:
    store_old_data(redis)
    assert migrations.prepare_store(redis, supported=3, migrations=MIGRATIONS) == 1
    assert redis.get(keys.SCHEMA) == b"3"
    assert redis.hgetall("keywords3") == {b"a": b"2", b"b": b"2"}
    assert migrations.prepare_store(redis, supported=3, migrations=MIGRATIONS) == 3
    assert not redis.exists(keys.SCHEMA_LOCK)


def test_interrupted_migration_is_run_again(redis: Redis) -> None:
    def interrupted(redis: Redis) -> Iterator[None]:
        yield from write_twice(redis)
        raise OSError("power cut")

    store_old_data(redis)
    with pytest.raises(OSError, match="power cut"):
        migrations.prepare_store(redis, supported=2, migrations={1: interrupted})
    assert redis.get(keys.SCHEMA) == b"1 writer 2"
    assert migrations.prepare_store(redis, supported=2, migrations=MIGRATIONS) == 1
    assert redis.hgetall("keywords2") == {b"a": b"2", b"b": b"2"}


def test_one_process_migrates_and_the_others_wait(redis: Redis, store_url: str) -> None:
    runs = []

    def slow(redis: Redis) -> Iterator[None]:
        runs.append(time.monotonic())
        time.sleep(0.2)
        yield

    def prepare() -> None:
        with Redis.from_url(store_url) as own:
            migrations.prepare_store(own, supported=2, migrations={1: slow})

    store_old_data(redis)
    threads = [threading.Thread(target=prepare) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(runs) == 1
    assert redis.get(keys.SCHEMA) == b"2"


def test_waiting_for_a_migration_times_out(redis: Redis) -> None:
    store_old_data(redis)
    with redis.lock(keys.SCHEMA_LOCK, timeout=5), pytest.raises(StoreBusy, match="by another"):
        migrations.prepare_store(redis, supported=2, migrations=MIGRATIONS, lock_timeout=0.05)
    assert redis.get(keys.SCHEMA) == b"1"


@pytest.mark.parametrize("before", [1, 2])
def test_months_of_old_schemas_are_renamed_and_reindexed(redis: Redis, before: int) -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    ids = [ArxivId(month, number) for month in (202502, 202503) for number in range(1, 30)]
    papers = [
        Sighting(id, "arxiv", Channel.API, now, title=f"Reward {n}", authors=("Yann LeCun",))
        for n, id in enumerate(ids)
    ]
    store = Store(redis)
    store.ingest(papers, now=now)
    expected = fingerprint(redis)
    for yymm in ("2502", "2503"):
        redis.delete(keys.segment_postings(yymm))
        for suffix in ("papers", "rev"):
            redis.rename(f"{{25}}{yymm[2:]}:{suffix}", f"{{{yymm}}}:{suffix}")
        redis.hset(f"{{{yymm}}}:terms", "shape", bytes([1, 7, 13]))
        redis.setbit(f"{{{yymm}}}:pairs:13", 7, 1)
    redis.set(keys.SCHEMA, before)
    assert store.newest_ids(parse_query('au:"yann lecun"')) == []
    assert migrations.prepare_store(redis) == before
    assert fingerprint(redis) == expected
    assert redis.keys("{250[23]}:*") == []
    store.reader.clear_postings()
    assert store.newest_ids(parse_query('au:"yann lecun"')) == ids[::-1]


@pytest.mark.parametrize("before", [3, 4, 5])
def test_compacted_year_of_old_schemas_is_reindexed_by_month(redis: Redis, before: int) -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    ids = [ArxivId(month, number) for month in (202502, 202503) for number in range(1, 30)]
    papers = [Sighting(id, "arxiv", Channel.API, now, title=f"Reward {id}") for id in ids]
    store = Store(redis)
    store.ingest(papers, now=now)
    expected = fingerprint(redis)
    Compactor(redis).compact_before(202601)
    redis.hset(keys.segment_postings("25"), "p0", "of another format")
    redis.set(keys.SCHEMA, before)
    assert migrations.prepare_store(redis) == before
    assert fingerprint(redis) == expected
    assert Compactor(redis).compact_before(202601) == (2025,)
    assert (
        store.newest_ids(parse_query("reward"))
        == Store(redis).newest_ids(parse_query("reward"))
        == ids[::-1]
    )


@pytest.mark.both_stores
def test_stored_papers_gain_the_labels_of_their_texts(redis: Redis) -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    id = ArxivId(202502, 1)
    comment = "Code: https://github.com/a/b"
    store = Store(redis)
    store.ingest([Sighting(id, "arxiv", Channel.API, now, title="A", comment=comment)], now=now)
    expected = fingerprint(redis)
    monthly_layout = redis.hget(keys.segment_postings("2502"), LAYOUT_FIELD)
    assert monthly_layout is not None
    redis.delete(keys.segment_postings("2502"))
    redis.hset(keys.segment_postings("2502"), LAYOUT_FIELD, monthly_layout)
    store_home.stamp_schema(redis, SchemaStamp.of_version(5))
    store.reader.clear_postings()
    assert store.newest_ids(parse_query("has:code")) == []
    assert migrations.prepare_store(redis) == 5
    assert fingerprint(redis) == expected
    store.reader.clear_postings()
    assert store.newest_ids(parse_query("has:code")) == [id]


@pytest.mark.both_stores
def test_papers_picked_before_schema_6_are_in_the_list_of_picks(redis: Redis) -> None:
    store = Store(redis)
    pick = Pick("hf", NOW - timedelta(days=90))
    id = ArxivId(202608, 7)
    store.ingest(
        [Sighting(id, "hf", Channel.HUGGINGFACE, NOW, title="A Thing", pick=pick)], now=NOW
    )
    store_home.stamp_schema(redis, SchemaStamp.of_version(5))
    redis.hset(
        keys.KEYWORDS, "picked", '{"name":"Picked","query":"x","added_at":"2026-01-01T00:00:00Z"}'
    )
    assert migrations.prepare_store(redis) == 5
    request = SearchRequest(query=parse_query("is:picked"), listed="picked")
    assert [event.at for event in store.search(request).events] == [pick.picked_at]
    assert redis.hkeys(keys.KEYWORDS) == [b"picked-keyword"]


@pytest.mark.both_stores
def test_schema_5_is_served_while_it_is_reindexed(redis: Redis) -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    ids = [ArxivId(month, 1) for month in (202404, 202505, 202506)]
    papers = [Sighting(id, "arxiv", Channel.API, now, title="A multi-modal net") for id in ids]
    store = Store(redis)
    store.ingest(papers, now=now)
    for id in ids:  # as schema 5 had it
        redis.hset(
            keys.segment_postings(id.yymm), mapping=_postings_without(redis, id, b"multimodal")
        )
    store_home.stamp_schema(redis, SchemaStamp.of_version(5))
    query, found, shown = parse_query("multimodal"), [], list[int]()
    for _ in migrations.MIGRATIONS[5](redis):
        migrations.require_compatible(b"5", readable=migrations.READABLE_VERSION)
        found.append(store.newest_ids(query))
        shown += [progress.done for progress in TaskStates(redis).list_progress()]
    assert found[:3] == [ids[:1:-1], ids[:0:-1], ids[::-1]]
    assert all(each == ids[::-1] for each in found[3:])
    assert shown == [1, 2, 3]
    assert TaskStates(redis).list_progress() == []


def _postings_without(redis: Redis, id: ArxivId, word: bytes) -> Any:
    """Return the buckets of a month's terms, emptied of a word."""
    fields: Any = redis.hgetall(keys.segment_postings(id.yymm))
    buckets = {name: value for name, value in fields.items() if name[:1] == postings.TERM_BUCKET}
    left = {name: postings.unpack_term_bucket(value) for name, value in buckets.items()}
    return {
        name: postings.pack_term_bucket({t: p for t, p in terms.items() if t[1:] != word})
        for name, terms in left.items()
    }
