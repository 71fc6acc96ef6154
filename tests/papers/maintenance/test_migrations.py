from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from redis import Redis

from papers.errors import StoreBusy, StoreError, StoreTooNew
from papers.index.compaction.compactor import Compactor
from papers.maintenance import migrations
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Channel, Sighting
from papers.query.parser import parse_query
from papers.redis_backend import keys
from papers.store import Store
from tests.papers.fingerprint import fingerprint

pytestmark = pytest.mark.row("data of a newer or an older schema")


def doubled(redis: Redis) -> Iterator[None]:
    """From 1 to 2, in this test: keywords are written twice, one a step."""
    for name in sorted(redis.hkeys(keys.KEYWORDS)):
        redis.hset("keywords2", name, 2)
        yield


def renamed(redis: Redis) -> Iterator[None]:
    """From 2 to 3."""
    redis.rename("keywords2", "keywords3")
    yield


MIGRATIONS = {1: doubled, 2: renamed}
OURS = b"%d" % migrations.SCHEMA_VERSION


def old(redis: Redis) -> None:
    redis.hset(keys.KEYWORDS, mapping={"a": 1, "b": 1})
    redis.set(keys.SCHEMA, 1)


def test_an_empty_store_and_data_from_before_the_key_are_stamped(redis: Redis) -> None:
    assert migrations.stored_version(redis) is None
    migrations.check_version(redis)
    assert migrations.prepare_store(redis) is None
    assert redis.get(keys.SCHEMA) == OURS
    redis.delete(keys.SCHEMA)
    redis.hset(keys.KEYWORDS, "a", "{}")
    assert migrations.stored_version(redis) == migrations.FIRST_VERSION
    assert migrations.prepare_store(redis) == migrations.FIRST_VERSION
    assert redis.get(keys.SCHEMA) == OURS
    migrations.check_version(redis)


@pytest.mark.parametrize(
    ("kept", "kind", "says"),
    [
        ("6", StoreTooNew, "schema 6, this Paperwire knows 5: update Paperwire"),
        ("0", StoreBusy, "schema 0 and is to be migrated to 5"),
        ("restoring", StoreError, "a backup is being restored, or that was cut short"),
        ("one", StoreError, "'one', which is no schema"),
    ],
)
def test_other_data_is_refused(redis: Redis, kept: str, kind: type[StoreError], says: str) -> None:
    redis.set(keys.SCHEMA, kept)
    with pytest.raises(kind, match=says):
        migrations.check_version(redis)
    assert redis.get(keys.SCHEMA) == kept.encode()


def test_newer_data_is_not_touched(redis: Redis) -> None:
    redis.set(keys.SCHEMA, 9)
    with pytest.raises(StoreTooNew):
        migrations.prepare_store(redis, supported=3, migrations=MIGRATIONS)
    assert redis.keys() == [b"schema"]


def test_older_data_migrates_forward_step_by_step(redis: Redis) -> None:
    old(redis)
    assert migrations.prepare_store(redis, supported=3, migrations=MIGRATIONS) == 1
    assert redis.get(keys.SCHEMA) == b"3"
    assert redis.hgetall("keywords3") == {b"a": b"2", b"b": b"2"}
    assert migrations.prepare_store(redis, supported=3, migrations=MIGRATIONS) == 3
    assert not redis.exists(keys.SCHEMA_LOCK)


def test_a_migration_that_was_cut_short_is_run_again(redis: Redis) -> None:
    def dies(redis: Redis) -> Iterator[None]:
        yield from doubled(redis)
        raise OSError("power cut")

    old(redis)
    with pytest.raises(OSError, match="power cut"):
        migrations.prepare_store(redis, supported=2, migrations={1: dies})
    assert redis.get(keys.SCHEMA) == b"1"
    assert migrations.prepare_store(redis, supported=2, migrations=MIGRATIONS) == 1
    assert redis.hgetall("keywords2") == {b"a": b"2", b"b": b"2"}


def test_one_migrates_and_the_others_wait(redis: Redis, store_url: str) -> None:
    runs = []

    def slow(redis: Redis) -> Iterator[None]:
        runs.append(time.monotonic())
        time.sleep(0.2)
        yield

    def prepare() -> None:
        with Redis.from_url(store_url) as own:
            migrations.prepare_store(own, supported=2, migrations={1: slow})

    old(redis)
    threads = [threading.Thread(target=prepare) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(runs) == 1
    assert redis.get(keys.SCHEMA) == b"2"


def test_who_waits_too_long_says_so(redis: Redis) -> None:
    old(redis)
    with redis.lock(keys.SCHEMA_LOCK, timeout=5), pytest.raises(StoreBusy, match="by another"):
        migrations.prepare_store(redis, supported=2, migrations=MIGRATIONS, lock_timeout=0.05)
    assert redis.get(keys.SCHEMA) == b"1"


@pytest.mark.parametrize("before", [1, 2])
def test_older_months_are_moved_and_indexed_anew(redis: Redis, before: int) -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    ids = [ArxivId(month, number) for month in (202502, 202503) for number in range(1, 30)]
    said = [
        Sighting(id, "arxiv", Channel.API, now, title=f"Reward {n}", authors=("Yann LeCun",))
        for n, id in enumerate(ids)
    ]
    store = Store(redis)
    store.ingest(said, now=now)
    clean = fingerprint(redis)
    for yymm in ("2502", "2503"):
        redis.delete(keys.segment_postings(yymm))
        for what in ("papers", "rev"):
            redis.rename(f"{{25}}{yymm[2:]}:{what}", f"{{{yymm}}}:{what}")
        redis.hset(f"{{{yymm}}}:terms", "shape", bytes([1, 7, 13]))
        redis.setbit(f"{{{yymm}}}:pairs:13", 7, 1)
    redis.set(keys.SCHEMA, before)
    assert store.newest_ids(parse_query('au:"yann lecun"')) == []
    assert migrations.prepare_store(redis) == before
    assert fingerprint(redis) == clean
    assert redis.keys("{250[23]}:*") == []
    store.reader.clear_postings()
    assert store.newest_ids(parse_query('au:"yann lecun"')) == ids[::-1]


@pytest.mark.parametrize("before", [3, 4])
def test_an_older_year_is_indexed_anew_by_month(redis: Redis, before: int) -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    ids = [ArxivId(month, number) for month in (202502, 202503) for number in range(1, 30)]
    said = [Sighting(id, "arxiv", Channel.API, now, title=f"Reward {id}") for id in ids]
    store = Store(redis)
    store.ingest(said, now=now)
    clean = fingerprint(redis)
    Compactor(redis).compact_before(202601)
    redis.hset(keys.segment_postings("25"), "p0", "of another form")
    redis.set(keys.SCHEMA, before)
    assert migrations.prepare_store(redis) == before
    assert fingerprint(redis) == clean
    assert Compactor(redis).compact_before(202601) == (2025,)
    assert (
        store.newest_ids(parse_query("reward"))
        == Store(redis).newest_ids(parse_query("reward"))
        == ids[::-1]
    )
