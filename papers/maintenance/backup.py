"""A store into records and back: all that cannot be fetched again, and nothing else.

What is taken is told by `papers.redis_backend.keys`. It is taken on line, while ingests run, in an
order that makes up for the time it takes:

    cursors   states of sources, plans, keywords: each key as it is at one moment
    papers    a month at a time, each month as it is at one moment
    (rebuilt  months, picks, postings, words: made anew from the papers)

A cursor so is never ahead of the papers it stands for: what is stored in between is fetched again
after a restore, and merged once more. Validators of feeds are left out for the same reason: a
restored store must not be answered 304 for what it has not got. Memory holds one month's papers.
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
"""What a record begins with:

    [KEY, name, type, members, milliseconds since 1970 when it lapses or -1]
    [PAPERS, yymm, YYYYMM, [[number, packed], ...]]
    [END, {"papers": …, "months": …, "keys": …}]
"""


@dataclass(frozen=True, slots=True)
class BackupCounts:
    """How much a backup holds."""

    papers: int = 0
    months: int = 0
    keys: int = 0


def write_backup(redis: Redis, path: Path, *, now: datetime) -> BackupCounts:
    """Write a backup of the store to a file, which is replaced in one step.

    Raises BadBackup where the file cannot be written; StoreAway, StoreNewer, StoreError.
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
        for some in _batches(sorted(numbered)):
            yield [PAPERS_RECORD, yymm, month, some]


def _matching_keys(redis: Redis, pattern: str) -> Iterator[bytes]:
    if "*" in pattern:
        yield from redis.scan_iter(match=pattern, count=BATCH_SIZE)
    elif redis.exists(pattern):
        yield pattern.encode()


def _key_records(redis: Redis, name: bytes) -> Iterator[BackupRecord]:
    """A key's members, in records of bounded size."""
    kind: Any = redis.type(name)
    with redis.pipeline() as pipe:
        KEY_READERS[kind](pipe, name)
        pipe.pexpiretime(name)  # type: ignore[arg-type]  # it takes bytes, and says it does not
        found, lapses = pipe.execute()
    members = [found] if kind == b"string" else _as_list(found)
    for some in _batches(members):
        yield [KEY_RECORD, name, kind, some, lapses]


KEY_READERS: Final[dict[bytes, Callable[[Redis, bytes], object]]] = {
    b"string": lambda redis, name: redis.get(name),
    b"hash": lambda redis, name: redis.hgetall(name),
    b"set": lambda redis, name: redis.smembers(name),
    b"zset": lambda redis, name: redis.zrange(name, 0, -1, withscores=True),
    b"list": lambda redis, name: redis.lrange(name, 0, -1),
}
"""How a key of each type is read whole."""


def _as_list(found: Any) -> list[Any]:
    return sorted(found.items()) if isinstance(found, dict) else list(found)


def _batches(members: list[Any]) -> Iterator[list[Any]]:
    for at in range(0, len(members), BATCH_SIZE):
        yield members[at : at + BATCH_SIZE]
