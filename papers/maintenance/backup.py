"""Backup: everything in the store that cannot be fetched or computed again, as records.

`papers.redis_backend.keys` says what is copied. A backup is taken online, while ingests run, in an
order that makes up for the time it takes:

    cursors   task states, the schedule, keywords: each key as of one moment
    papers    month by month, each month as of one moment
    (rebuilt  months, picks, postings, term dictionary: derived from the papers)

So a cursor is never ahead of the papers it stands for: papers stored in between are fetched again
after a restore, and merged once more. HTTP validators are left out for the same reason: a restored
store must not be answered 304 for what it lacks. Memory holds the papers of one month.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from redis import Redis

from papers.maintenance import migrations
from papers.maintenance.backup_file import BackupHeader, BackupRecord, BackupWriter
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors
from papers.redis_backend.months import stored_months

BATCH_SIZE: Final = 1_000
"""Papers, or members of a key, in one record."""

KEY_RECORD, PAPERS_RECORD, END_RECORD = "key", "papers", "end"
"""The kinds of records, each record's first element:

    [KEY_RECORD, name, type, members, expiry in milliseconds since 1970, or -1]
    [PAPERS_RECORD, yymm, YYYYMM, [[number, packed], ...]]
    [END_RECORD, {"papers": …, "months": …, "keys": …}]
"""


@dataclass(frozen=True, slots=True)
class BackupCounts:
    """The number of papers, months and copied keys in a backup."""

    papers: int = 0
    months: int = 0
    keys: int = 0


def write_backup(redis: Redis, path: Path, *, now: datetime) -> BackupCounts:
    """Write a backup of the store to a file, which is replaced atomically.

    Raises BadBackup if the file cannot be written; StoreUnavailable, StoreTooNew, StoreError.
    """
    migrations.check_version(redis)
    papers, months, copied = 0, set(), set()
    with (
        BackupWriter(path, BackupHeader(migrations.SCHEMA_VERSION, now)) as file,
        translate_store_errors(redis),
    ):
        for record in _records(redis):
            file.append(record)
            if record[0] == PAPERS_RECORD:
                papers += len(record[3])
                months.add(record[1])
            else:
                copied.add(record[1])
        counts = BackupCounts(papers, len(months), len(copied))
        file.append([END_RECORD, {"papers": papers, "months": len(months), "keys": len(copied)}])
    return counts


def _records(redis: Redis) -> Iterator[BackupRecord]:
    for pattern in keys.COPIED:
        for name in _matching_keys(redis, pattern):
            yield from _key_records(redis, name)
    for yymm, month in stored_months(redis):
        papers: Any = redis.hgetall(keys.month_papers(yymm))
        numbered = [[int.from_bytes(field, "big"), packed] for field, packed in papers.items()]
        for batch in _batches(sorted(numbered)):
            yield [PAPERS_RECORD, yymm, month, batch]


def _matching_keys(redis: Redis, pattern: str) -> Iterator[bytes]:
    if "*" in pattern:
        yield from redis.scan_iter(match=pattern, count=BATCH_SIZE)
    elif redis.exists(pattern):
        yield pattern.encode()


def _key_records(redis: Redis, name: bytes) -> Iterator[BackupRecord]:
    """Yield a key's members, in records of bounded size."""
    kind: Any = redis.type(name)
    with redis.pipeline() as pipe:
        KEY_READERS[kind](pipe, name)
        pipe.pexpiretime(name)  # type: ignore[arg-type]  # its annotation does not allow bytes
        found, expiry = pipe.execute()
    members = [found] if kind == b"string" else _as_list(found)
    for batch in _batches(members):
        yield [KEY_RECORD, name, kind, batch, expiry]


KEY_READERS: Final[dict[bytes, Callable[[Redis, bytes], object]]] = {
    b"string": lambda redis, name: redis.get(name),
    b"hash": lambda redis, name: redis.hgetall(name),
    b"set": lambda redis, name: redis.smembers(name),
    b"zset": lambda redis, name: redis.zrange(name, 0, -1, withscores=True),
    b"list": lambda redis, name: redis.lrange(name, 0, -1),
}
"""How to read all of a key, by its type."""


def _as_list(found: Any) -> list[Any]:
    return sorted(found.items()) if isinstance(found, dict) else list(found)


def _batches(members: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(members), BATCH_SIZE):
        yield members[start : start + BATCH_SIZE]
