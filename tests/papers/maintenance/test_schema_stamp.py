"""Who may use the data of a store: by its version, its writer and its oldest reader."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from papers.errors import StoreBusy, StoreError, StoreTooNew
from papers.maintenance import migrations
from papers.maintenance.schema_stamp import SchemaStamp
from papers.redis_backend import keys

pytestmark = pytest.mark.row("two releases side by side")

NUMBERS = st.integers(0, 99)


@given(st.builds(SchemaStamp, NUMBERS, NUMBERS, NUMBERS, st.sampled_from([b"", b"a1b2"])))
def test_stamp_is_read_as_it_was_written(stamp: SchemaStamp) -> None:
    assert SchemaStamp.parse(stamp.encode()) == stamp


@pytest.mark.parametrize(
    ("stored", "stamp"),
    [
        (b"6", SchemaStamp(6, 6, 6)),
        (b"5 writer 6", SchemaStamp(5, 6, 6)),
        (b"7 reader 6", SchemaStamp(7, 7, 6)),
        (b"6 writer 7 reader 6", SchemaStamp(6, 7, 6)),
        (b"6 cluster a1b2", SchemaStamp(6, 6, 6, b"a1b2")),
        (b"8 reader 6 color blue cluster a1b2", SchemaStamp(8, 8, 6, b"a1b2")),
    ],
)
def test_stamps_and_words_of_later_releases_are_read(stored: bytes, stamp: SchemaStamp) -> None:
    assert SchemaStamp.parse(stored) == stamp


@pytest.mark.parametrize("stored", [b"", b"one", b"6 writer x", b"6 reader -1", b"-6", b"6.0"])
def test_what_is_no_stamp_is_refused(stored: bytes) -> None:
    with pytest.raises(StoreError, match="which is no schema"):
        SchemaStamp.parse(stored)


SERVED, WORKED_ON = "served", "worked on"


@pytest.mark.parametrize(
    ("stored", "allowed"),
    [
        (b"6", {SERVED, WORKED_ON}),
        (b"5", {SERVED}),
        (b"5 writer 6", {SERVED}),
        (b"4", set()),
        (b"6 writer 7 reader 6", {SERVED}),
        (b"6 writer 7", set()),
        (b"7 reader 6", {SERVED}),
        (b"7", set()),
        (b"8 reader 7", set()),
    ],
)
def test_release_serves_and_works_on_what_names_it(stored: bytes, allowed: set[str]) -> None:
    """A release of schema 6 that can read schema 5."""
    found = set[str]()
    for use, readable in ((SERVED, 5), (WORKED_ON, None)):
        try:
            migrations.require_compatible(stored, supported=6, readable=readable)
            found.add(use)
        except (StoreTooNew, StoreBusy):
            pass
    assert found == allowed


def test_old_readers_are_named_before_the_first_step(redis: Redis) -> None:
    stamps = list[bytes]()

    def note(redis: Redis) -> Iterator[None]:
        stored = redis.get(keys.SCHEMA)
        assert isinstance(stored, bytes)
        stamps.append(stored)
        yield

    redis.set(keys.SCHEMA, 5)
    steps = {5: note, 6: note}
    assert migrations.prepare_store(redis, supported=7, reader=6, migrations=steps) == 5
    assert stamps == [b"5 writer 7 reader 6", b"6 writer 7 reader 6"]
    assert redis.get(keys.SCHEMA) == b"7 reader 6"
    assert migrations.has_newer_writer(redis)
    with pytest.raises(StoreTooNew):
        migrations.prepare_store(redis, supported=6)


def test_worker_of_the_release_before_does_not_work_while_data_is_migrated(redis: Redis) -> None:
    redis.set(keys.SCHEMA, SchemaStamp(6, 7, 6).encode())
    assert migrations.has_newer_writer(redis)
    for check in (migrations.check_version, migrations.prepare_store):
        with pytest.raises(StoreTooNew, match="has schema 7"):
            check(redis)
    assert redis.get(keys.SCHEMA) == b"6 writer 7 reader 6"
    redis.set(keys.SCHEMA, migrations.SCHEMA_VERSION)
    assert not migrations.has_newer_writer(redis)
