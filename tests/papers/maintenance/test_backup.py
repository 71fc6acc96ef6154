from __future__ import annotations

import json
import os
import re
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import msgpack
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from papers.errors import BadBackup, BadParameter, StoreBusy, StoreError
from papers.maintenance import backup, backup_records, migrations
from papers.maintenance.backup_file import BackupHeader, BackupReader, BackupWriter
from papers.maintenance.restore import restore_backup
from papers.model.arxiv_id import ArxivId
from papers.redis_backend import keys
from papers.state.keywords import Keywords
from papers.state.task_states import QuarantinedRecord, TaskState, TaskStates, TaskStatus
from papers.store import Store
from tests.papers.clients import same_store
from tests.papers.fingerprint import fingerprint
from tests.service.made import NOW, make_pick, make_sighting

pytestmark = [pytest.mark.row("backup and restore, damaged files"), pytest.mark.both_stores]


def fill_store(redis: Redis) -> None:
    """Store papers of two centuries, picks, keywords, task states, schedules and caches."""
    migrations.prepare_store(redis)
    Store(redis).ingest([make_sighting(number) for number in range(1, 40)], now=NOW)
    Store(redis).ingest([make_pick(3), make_pick(5, "weekly"), make_pick(60)], now=NOW)
    old = ArxivId.parse("hep-th/9901001")
    Store(redis).ingest([make_sighting(1, id=old, title="Strings")], now=NOW)
    Keywords(redis).seed({"Reward Model": '"reward model"'}, now=NOW)
    states = TaskStates(redis)
    states.save(TaskState("hf:today", TaskStatus.OK, NOW, NOW, NOW, said="12 papers"))
    for number in range(3):
        states.quarantine(QuarantinedRecord("hf:today", NOW, "no title", f"record {number}"))
    redis.hset(keys.ENRICH_RETRIES, "2611.00060", "[1, 5]")
    redis.set(keys.BACKFILL, "{}")
    redis.hset(keys.VALIDATORS, "https://a.example/", "{}")
    redis.set(keys.response_validators("abc"), "cached")
    redis.set("another-program", "its own")


def restorable_state(redis: Redis) -> dict[str, object]:
    """Everything that a restore must bring back."""
    sets = {name: redis.smembers(name) for name in (keys.SEEDED_KEYWORDS, keys.UNDESCRIBED)}
    copied: dict[str, object] = {
        name: redis.dump(name) for name in keys.COPIED if name not in (keys.REVISION, *sets)
    }
    return copied | fingerprint(redis) | sets


@pytest.fixture
def backup_path(redis: Redis, tmp_path: Path) -> Path:
    """A backup of a filled store; the store still has its data."""
    fill_store(redis)
    backup.write_backup(redis, tmp_path / "b", now=NOW)
    return tmp_path / "b"


def test_restored_store_equals_the_original(redis: Redis, backup_path: Path) -> None:
    before = restorable_state(redis)
    redis.flushall()
    counts = restore_backup(redis, backup_path, replace=False, now=NOW)
    assert (counts.papers, counts.months) == (41, 2)
    assert restorable_state(redis) == before
    assert migrations.stored_version(redis) == migrations.SCHEMA_VERSION
    assert not redis.exists(
        keys.VALIDATORS, keys.response_validators("abc"), keys.DUE_TASKS, "another-program"
    )
    again = backup_path.with_name("again")
    assert backup.write_backup(redis, again, now=NOW) == counts


def test_store_with_data_is_replaced_only_on_request(redis: Redis, backup_path: Path) -> None:
    before = restorable_state(redis)
    Store(redis).ingest([make_sighting(50)], now=NOW)
    Keywords(redis).add("Later", "later", now=NOW)
    later, rev, revision = restorable_state(redis), redis.get("{26}11:rev"), Store(redis).revision()
    with pytest.raises(BadParameter, match="not empty; `--replace`"):
        restore_backup(redis, backup_path, replace=False, now=NOW)
    assert restorable_state(redis) == later
    restore_backup(redis, backup_path, replace=True, now=NOW)
    assert restorable_state(redis) == before
    assert redis.get("another-program") == b"its own"
    assert not redis.exists(keys.response_validators("abc"), keys.VALIDATORS)
    assert Store(redis).revision() > revision
    assert int(redis.get("{26}11:rev") or 0) > int(rev or 0)


def damage(whole: bytes) -> list[bytes]:
    cuts = [whole[:length] for length in (0, 1, 31, 100, len(whole) // 2, len(whole) - 1)]
    spots = [*range(0, len(whole), max(1, len(whole) // 40)), len(whole) - 1]
    flipped = [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in spots]
    return [*cuts, *flipped, whole + b"x", b"x" + whole, b"\0" * len(whole), b"{}\n" + whole[-32:]]


def test_damaged_file_is_refused_before_anything_changes(redis: Redis, backup_path: Path) -> None:
    whole, before = backup_path.read_bytes(), restorable_state(redis)
    for number, data in enumerate(damage(whole)):
        backup_path.write_bytes(data)
        with pytest.raises(BadBackup, match=r"damaged|no backup"):
            restore_backup(redis, backup_path, replace=True, now=NOW)
        assert migrations.stored_version(redis) == migrations.SCHEMA_VERSION, number
    assert restorable_state(redis) == before


def test_unusable_path_is_reported(redis: Redis, tmp_path: Path) -> None:
    with pytest.raises(BadBackup, match="No such file"):
        restore_backup(redis, tmp_path / "none", replace=False, now=NOW)
    with pytest.raises(BadBackup, match="Is a directory"):
        restore_backup(redis, tmp_path, replace=False, now=NOW)
    with pytest.raises(BadBackup, match="No such file"):
        backup.write_backup(redis, tmp_path / "none" / "b", now=NOW)


@pytest.mark.parametrize(("header", "message"), [({"paperwire-backup": 2}, "has format 2")])
def test_newer_format_is_refused(tmp_path: Path, header: dict[str, int], message: str) -> None:
    (tmp_path / "b").write_text(json.dumps(header | {"schema": 1, "made": str(NOW)}) + "\n")
    with pytest.raises(BadBackup, match=message), BackupReader.open_file(tmp_path / "b"):
        pass


def test_newer_schema_is_refused(redis: Redis, tmp_path: Path) -> None:
    with BackupWriter(tmp_path / "b", BackupHeader(migrations.SCHEMA_VERSION + 1, NOW)):
        pass
    with pytest.raises(BadBackup, match="update Paperwire"):
        restore_backup(redis, tmp_path / "b", replace=True, now=NOW)
    assert redis.keys() == []


def test_file_is_private_and_appears_only_when_complete(redis: Redis, tmp_path: Path) -> None:
    path = tmp_path / "b"
    with pytest.raises(OSError, match="power cut"):
        _write_interrupted(path)
    assert list(tmp_path.iterdir()) == []
    path.write_text("the previous backup")
    backup.write_backup(redis, path, now=NOW)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["b"]


def _write_interrupted(path: Path) -> None:
    with BackupWriter(path, BackupHeader(1, NOW)) as file:
        file.append([1])
        raise OSError("power cut")


def test_full_disk_leaves_the_previous_backup(redis: Redis, tmp_path: Path) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full: Linux has it")
    path = tmp_path / "b"
    path.write_text("the previous backup")
    with pytest.raises(BadBackup, match="No space left"):
        _fill(BackupWriter(path, BackupHeader(1, NOW)))
    assert path.read_text() == "the previous backup"


def _fill(writer: BackupWriter) -> None:
    with writer:
        writer._file.close()
        writer._file = open("/dev/full", "wb")  # noqa: SIM115 - the writer closes it
        for _ in range(1_000):
            writer.append([os.urandom(1_000)])


def test_store_in_use_is_refused(redis: Redis, backup_path: Path) -> None:
    for name in (keys.SCHEDULER_LEASE, keys.task_lock("hf:today")):
        redis.set(name, "token", px=60_000)
        with pytest.raises(StoreBusy, match="stop `paperwire up`"):
            restore_backup(redis, backup_path, replace=True, now=NOW)
        assert migrations.stored_version(redis) == migrations.SCHEMA_VERSION
        redis.delete(name)


def test_interrupted_restore_is_detected_and_repeatable(
    redis: Redis, backup_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = restorable_state(redis)
    redis.flushall()
    with monkeypatch.context() as patch:
        patch.setattr("papers.maintenance.restore.packing.unpack", _power_cut)
        with pytest.raises(OSError, match="power cut"):
            restore_backup(redis, backup_path, replace=False, now=NOW)
    with pytest.raises(StoreError, match="cut short"):
        migrations.check_version(redis)
    with pytest.raises(StoreError, match="cut short"):
        backup.write_backup(redis, backup_path, now=NOW)
    with pytest.raises(BadParameter, match="not empty"):
        restore_backup(redis, backup_path, replace=False, now=NOW)
    restore_backup(redis, backup_path, replace=True, now=NOW)
    assert restorable_state(redis) == before


def _power_cut(*_: object) -> None:
    raise OSError("power cut")


def test_unreadable_record_is_quarantined_and_the_rest_is_restored(redis: Redis) -> None:
    path = Path("/tmp") / f"paperwire-test-{os.getpid()}"
    fill_store(redis)
    redis.hset("{26}11:papers", b"\x00\x07", b"\x09nonsense")
    backup.write_backup(redis, path, now=NOW)
    redis.flushall()
    counts = restore_backup(redis, path, replace=False, now=NOW)
    path.unlink()
    assert counts.papers == 40
    (record, *_) = TaskStates(redis).list_quarantined(9)
    assert (record.task, record.excerpt[:11]) == ("restore", "2611.00007:")
    assert "format 9" in record.reason


def test_months_are_consistent_in_a_backup_taken_during_ingests(
    redis: Redis, tmp_path: Path
) -> None:
    """Two papers of one transaction are restored together; cursors are never ahead of papers."""
    stopping = threading.Event()

    def ingest() -> None:
        with same_store(redis) as own:
            for number in range(1, 20_000, 2):
                if stopping.is_set():
                    return
                Store(own).ingest([make_sighting(number), make_sighting(number + 1)], now=NOW)
                at = NOW + timedelta(seconds=number)
                TaskStates(own).save(TaskState("a", TaskStatus.OK, at, at, at, got=number + 1))

    thread = threading.Thread(target=ingest)
    thread.start()
    try:
        while not TaskStates(redis).get("a"):
            time.sleep(0.001)
        for turn in range(5):
            backup.write_backup(redis, tmp_path / str(turn), now=NOW)
    finally:
        stopping.set()
        thread.join()
    for turn in range(5):
        redis.flushall()
        counts = restore_backup(redis, tmp_path / str(turn), replace=False, now=NOW)
        state = TaskStates(redis).get("a")
        assert counts.papers % 2 == 0
        assert counts.papers >= (state.got if state else 0)
        assert counts.papers > 0


def test_expiring_keys_and_every_type_are_restored(
    redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many: Any = {f"member-{n}": n for n in range(2_500)}
    redis.hset("x:hash", mapping=many)
    redis.sadd("x:set", *many)
    redis.rpush("x:list", *many)
    redis.set("x:string", b"\xff\x00", px=600_000)
    monkeypatch.setattr(keys, "COPIED", ("x:*", "nothing"))
    kinds = {kind: (f"x:{kind}", kind) for kind in ("hash", "set", "list", "string")}
    monkeypatch.setattr(backup_records, "COPIED_KEYS", kinds)
    before = {name: redis.dump(name) for name in redis.scan_iter()}
    assert backup.write_backup(redis, tmp_path / "b", now=NOW).keys == 4
    expiry = redis.pexpiretime("x:string")
    redis.flushall()
    restore_backup(redis, tmp_path / "b", replace=False, now=NOW)
    for name, dumped in before.items():
        if name not in (
            b"x:set",
            b"x:hash",
        ):  # their order in memory depends on more than their content
            assert redis.dump(name) == dumped, name
    assert redis.smembers("x:set") == {name.encode() for name in many}
    assert redis.hlen("x:hash") == len(many)
    assert redis.pexpiretime("x:string") == expiry


RECORDS = st.lists(st.lists(st.binary(max_size=50) | st.integers(-9, 9) | st.text(max_size=9)))


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(RECORDS)
def test_reader_returns_the_written_records(tmp_path: Path, records: list[list[object]]) -> None:
    path = tmp_path / "b"
    with BackupWriter(path, BackupHeader(7, NOW)) as file:
        for record in records:
            file.append(record)
    with BackupReader.open_file(path) as reader:
        assert reader.header == BackupHeader(7, NOW)
        assert list(reader.records()) == records


GOOD_KEY: Final = ["key", b"keywords", b"hash", [[b"a", b"{}"]], -1]
GOOD_PAPERS: Final = ["papers", "2611", 202611, [[1, b"packed"]]]
CRAFTED: Final = [
    *(["key", name, b"hash", [[b"a", b"b"]], -1] for name in (b"{26}11:papers", b"rq:workers")),
    *(["key", name, b"string", [b"1"], -1] for name in (b"schema", b"lock:schema", b"votes:x")),
    *(["key", name, b"string", [b"1"], -1] for name in (b"feed:abc:br", b"lease:scheduler")),
    *(
        ["key", b"snapshot:" + name, b"string", [b"1"], -1]
        for name in (b"a", b"a:x", b"a:2026-11\n")
    ),
    *(["key", name, b"hash", [[b"a", b"b"]], -1] for name in (b"votes:2611:x", b"keywords\n", b"")),
    ["key", b"keywords", b"string", [b"1"], -1],
    ["key", b"keywords", b"zset", [[b"a", 1.0]], -1],
    ["key", b"keywords", b"module", [b"1"], -1],
    ["key", b"keywords", b"hash", [[b"a"]], -1],
    ["key", b"keywords", b"hash", [], -1],
    ["key", b"keywords", b"hash", [[b"a", {"b": 1}]], -1],
    ["key", b"revision", b"string", [b"many"], -1],
    ["key", b"keywords", b"hash", [[b"a", b"{}"]], -9],
    ["key", b"keywords", b"hash", [[b"a", b"{}"]]],
    ["papers", "x}y", 202611, [[1, b"packed"]]],
    ["papers", "2613", 202613, [[1, b"packed"]]],
    ["papers", "2611", 202612, [[1, b"packed"]]],
    ["papers", "2611", 202611, [[70_000, b"packed"]]],
    ["papers", "2611", 202611, [["1", b"packed"]]],
    ["lua", "return 1"],
    ["end", {}, 1],
    [],
    "key",
]


@pytest.mark.row("crafted backups")
@pytest.mark.parametrize("record", CRAFTED, ids=str)
def test_crafted_record_is_refused_before_anything_changes(
    redis: Redis, backup_path: Path, record: Any
) -> None:
    before, written = restorable_state(redis), {*redis.scan_iter()}
    with BackupWriter(backup_path, BackupHeader(migrations.SCHEMA_VERSION, NOW)) as file:
        for one in (GOOD_KEY, GOOD_PAPERS, record):
            file.append(one)
    with pytest.raises(BadBackup, match=r"record 3 .*; this is no backup of Paperwire"):
        restore_backup(redis, backup_path, replace=True, now=NOW)
    assert restorable_state(redis) == before
    assert {*redis.scan_iter()} == written


@pytest.mark.row("crafted backups")
def test_restored_keys_and_types_are_those_of_the_table() -> None:
    table = re.findall(
        r"^\| `(\S+)` \| ([a-z ]+) \|.*\| copied \|$", keys.__doc__ or "", re.MULTILINE
    )
    plain = {"integer": "string", "sorted set": "zset"}
    listed = {name: plain.get(kind, kind) for name, kind in table}
    patterns = {
        "votes:2503": "votes:*",
        "snapshot:SLUG:PERIOD": "snapshot:*",
        "notified:CHANNEL": "notified:*",
        "{lists}:NAME": keys.PICK_LISTS,
    }
    expected = {patterns.get(name, name): kind for name, kind in listed.items()}
    assert {name: kind for name, (_, kind) in backup_records.COPIED_KEYS.items()} == expected


def test_oversized_record_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "b"
    with BackupWriter(path, BackupHeader(1, NOW)) as file:
        file._write(file._compressor.compress(msgpack.packb(b"\0" * 70_000_000)))
    with BackupReader.open_file(path) as reader, pytest.raises(BadBackup, match="cannot be read"):
        list(reader.records())


def test_restore_changes_no_byte_of_a_packed_paper(redis: Redis, backup_path: Path) -> None:
    before = redis.hgetall("{26}11:papers")
    redis.flushall()
    restore_backup(redis, backup_path, replace=False, now=NOW)
    assert redis.hgetall("{26}11:papers") == before
