"""A backup into a store: checked first, refused where it would mix, finished or marked as not.

check the file to its last byte; its form and its schema must be known
refuse a store that is in use, and one that holds something, unless that is to be replaced
mark the store as being restored: nobody works with half of it, also if this is cut short
clear; copy keys; merge papers in and index them, some at a time
give it the schema of the backup, and migrate it from there
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace as changed
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from redis import Redis

from papers.errors import BadBackup, BadParameter, StoreBusy
from papers.index.month_writer import MonthWriter
from papers.index.term_batch import Vocabulary
from papers.index.term_months import Spread
from papers.maintenance import migrations
from papers.maintenance.backup import AT_ONCE, KEY, PAPERS, Counts
from papers.maintenance.backup_file import BackupReader, Record
from papers.model import packing
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper
from papers.redis_backend import keys
from papers.redis_backend.connection import store_errors
from papers.redis_backend.revision import move
from papers.state.task_states import SetAside, SourceStates

_TASK: Final = "restore"
_REVISIONS: Final = b":rev"
"""Counters that only go up: whoever remembers one must see that it moved."""


def restore(redis: Redis, path: Path, *, replace: bool, now: datetime) -> Counts:
    """Bring a backup back. Records that cannot be read are set aside, and the rest goes on.

    Raises BadBackup for the file, BadParameter where the store is not empty and `replace` is
    False, StoreBusy where it is in use; StoreAway, StoreError.
    """
    with BackupReader.opened(path) as file:
        if file.head.schema > migrations.SCHEMA:
            raise BadBackup(
                f"{path} has schema {file.head.schema}, this Paperwire knows {migrations.SCHEMA}: "
                "update Paperwire"
            )
        with store_errors(redis):
            _begin(redis, replace=replace)
            counts = _Restoration(redis, now).take(file)
            redis.set(keys.SCHEMA, file.head.schema)
            move(redis)
    migrations.prepare(redis)
    return counts


def holds_something(redis: Redis) -> bool:
    """Whether there is anything that a backup takes, or that is made from it."""
    found: Any = redis.exists(
        *(name for name in (*keys.COPIED, *keys.REBUILT) if "*" not in name and ":rev" not in name)
    )
    return bool(found) or redis.get(keys.SCHEMA) == migrations.RESTORING


def _begin(redis: Redis, *, replace: bool) -> None:
    """Mark the store as being restored, and empty it. Raises StoreBusy, BadParameter."""
    if holds_something(redis) and not replace:
        raise BadParameter(
            "restore", "the store is not empty; `--replace` puts the backup in place of all of it"
        )
    before: Any = redis.get(keys.SCHEMA)
    redis.set(keys.SCHEMA, migrations.RESTORING)  # from here on no job begins
    jobs = next(iter(redis.scan_iter(match=keys.task_lock("*"), count=AT_ONCE)), None)
    if jobs or redis.exists(keys.SCHEDULER_LEASE):
        if before is None:
            redis.delete(keys.SCHEMA)
        else:
            redis.set(keys.SCHEMA, before)
        raise StoreBusy(
            "Paperwire runs on this store: stop `paperwire up`, or the scheduler and the workers, "
            "wait a minute, and restore again"
        )
    _clear(redis)


def _clear(redis: Redis) -> None:
    """Delete what is ours, except locks, revisions and the mark."""
    for name in redis.scan_iter(match="*", count=AT_ONCE):
        if name.endswith(_REVISIONS):
            redis.incr(name)
        elif _is_ours(name):
            redis.unlink(name)


def _is_ours(name: bytes) -> bool:
    text = name.decode("utf-8", "replace")
    if text.startswith("lock:") or text in (keys.SCHEMA, keys.REVISION):
        return False
    return any(
        fnmatchcase(text, pattern) for pattern in (*keys.COPIED, *keys.REBUILT, *keys.PASSING)
    )


class _Restoration:
    """One restore under way."""

    def __init__(self, redis: Redis, now: datetime) -> None:
        self._redis, self._now = redis, now

    def take(self, file: BackupReader) -> Counts:
        """Take every record in."""
        counts, names, months = Counts(), set(), set()
        for record in file.records():
            if record[0] == KEY:
                self._copy(record)
                names.add(record[1])
            elif record[0] == PAPERS:
                taken = self._papers(record)
                months.add(record[1])
                counts = changed(counts, papers=counts.papers + taken)
        return changed(counts, months=len(months), keys=len(names))

    def _copy(self, record: Record) -> None:
        _, name, kind, members, lapses = record
        if name == keys.REVISION.encode():
            now: Any = self._redis.get(name)
            members = [str(max(int(members[0]), int(now or 0)))]
        with self._redis.pipeline() as pipe:
            _WRITES[kind](pipe, name, members)
            if lapses > 0:
                pipe.pexpireat(name, lapses)
            pipe.execute()

    def _papers(self, record: Record) -> int:
        _, yymm, month, rows = record
        papers = [
            paper
            for number, packed in rows
            if (paper := self._unpacked(ArxivId(month, number), packed))
        ]
        if papers:
            MonthWriter(self._redis, month, yymm, Spread(self._redis), Vocabulary()).write(papers)
        return len(papers)

    def _unpacked(self, id: ArxivId, packed: bytes) -> Paper | None:
        """A paper; one that cannot be read is set aside."""
        try:
            return packing.unpack(id, packed)
        except packing.UNREADABLE as error:
            reason = f"cannot be restored: {error!r}"
            aside = SetAside(_TASK, self._now, reason, f"{id}: {packed[:100]!r}")
            SourceStates(self._redis).quarantine(aside)
            return None


_WRITES: Final[dict[bytes, Callable[[Redis, bytes, Any], object]]] = {
    b"string": lambda redis, name, members: redis.set(name, members[0]),
    b"hash": lambda redis, name, members: redis.hset(name, mapping=dict(members)),
    b"set": lambda redis, name, members: redis.sadd(name, *members),
    b"zset": lambda redis, name, members: redis.zadd(name, dict(members)),
    b"list": lambda redis, name, members: redis.rpush(name, *members),
}
"""How members are added to a key of each type."""
