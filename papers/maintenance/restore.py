"""Restore: a backup is checked, refused if it would mix with other data, and loaded.

check the file to its last byte and every record; its format and schema must be supported
refuse a store that is in use, and one that holds data unless that is to be replaced
mark the store as being restored: no process works with half of it, even if this is cut short
clear it; copy keys; merge papers in batches and index them
give it the schema of the backup, and migrate it from there
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace as with_changes
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from redis import Redis

from papers.command_name import command_line
from papers.errors import BadBackup, BadParameter, StoreBusy
from papers.index.term_months import TermMonths
from papers.index.writing.month_writer import MonthWriter
from papers.index.writing.term_batch import Vocabulary
from papers.maintenance import migrations
from papers.maintenance.backup import BATCH_SIZE, KEY_RECORD, PAPERS_RECORD, BackupCounts
from papers.maintenance.backup_file import BackupReader, BackupRecord
from papers.maintenance.backup_records import check_records
from papers.maintenance.schema_stamp import RESTORING_MARK, SchemaStamp
from papers.maintenance.store_home import stamp_schema
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper
from papers.records import packing
from papers.redis_backend import keys
from papers.redis_backend.connection import RoutingClient, translate_store_errors
from papers.redis_backend.listings.changed_papers import ChangedPapers
from papers.redis_backend.revision import bump_revision
from papers.state.task_states import QuarantinedRecord, TaskStates

_TASK: Final = "restore"
_NEVER_CLEARED: Final = (keys.SCHEMA, keys.REVISION, keys.API_TOKENS, keys.API_TOKEN_USES)
_REVISION_SUFFIX: Final = b":rev"
"""Counters that only increase: a process that cached one must see that it has moved."""


def restore_backup(redis: Redis, path: Path, *, replace: bool, now: datetime) -> BackupCounts:
    """Load a backup into the store; records that cannot be read are put in quarantine.

    Raises BadBackup if the file is unusable, BadParameter if the store is not empty and `replace`
    is False, StoreBusy if it is in use; StoreUnavailable, StoreError.
    """
    with BackupReader.open_file(path) as file:
        if file.header.schema > migrations.SCHEMA_VERSION:
            raise BadBackup(
                f"{path} has schema {file.header.schema}, "
                f"this Paperwire knows {migrations.SCHEMA_VERSION}: "
                "update Paperwire"
            )
        check_records(file.records(), path)
        with translate_store_errors(redis):
            _claim_store(redis, replace=replace)
            counts = _Restore(redis, now).load(file)
            stamp_schema(redis, SchemaStamp.of_version(file.header.schema))
            redis.set(keys.KEYWORDS_VERSION, secrets.token_bytes(12))  # the list has changed
            bump_revision(redis)
            ChangedPapers(redis).reset(now)
    migrations.prepare_store(redis)
    return counts


def holds_data(redis: Redis) -> bool:
    """Return True if the store has any key that a backup copies or that is rebuilt from one."""
    found: Any = redis.exists(
        *(name for name in (*keys.COPIED, *keys.REBUILT) if "*" not in name and ":rev" not in name)
    )
    return bool(found) or redis.get(keys.SCHEMA) == RESTORING_MARK


def _claim_store(redis: Redis, *, replace: bool) -> None:
    """Mark the store as being restored, and clear it. Raises StoreBusy, BadParameter."""
    if holds_data(redis) and not replace:
        raise BadParameter(
            "restore", "the store is not empty; `--replace` puts the backup in place of all of it"
        )
    before: Any = redis.get(keys.SCHEMA)
    redis.set(keys.SCHEMA, RESTORING_MARK)  # from here on no job starts
    jobs = next(iter(redis.scan_iter(match=keys.task_lock("*"), count=BATCH_SIZE)), None)
    if jobs or redis.exists(keys.SCHEDULER_LEASE):
        if before is None:
            redis.delete(keys.SCHEMA)
        else:
            redis.set(keys.SCHEMA, before)
        raise StoreBusy(
            f"Paperwire runs on this store: stop `{command_line('up')}`, or the scheduler and the "
            "workers, wait a minute, and restore again"
        )
    _clear(redis)


def _clear(redis: Redis) -> None:
    """Delete Paperwire's keys, except locks, revisions, tokens and the mark."""
    for name in redis.scan_iter(match="*", count=BATCH_SIZE):
        if name.endswith(_REVISION_SUFFIX):
            redis.incr(name)
        elif _is_own_key(name):
            redis.unlink(name)
    if isinstance(redis, RoutingClient):  # papers that moved from there to a cluster
        plain = redis.plain_client()
        for name in plain.scan_iter(match="{*", count=BATCH_SIZE):
            if keys.is_in_cluster(name):
                plain.unlink(name)


def _is_own_key(name: bytes) -> bool:
    text = name.decode("utf-8", "replace")
    if text.startswith("lock:") or text in _NEVER_CLEARED:
        return False
    return any(
        fnmatchcase(text, pattern) for pattern in (*keys.COPIED, *keys.REBUILT, *keys.TRANSIENT)
    )


class _Restore:
    """One run of a restore."""

    def __init__(self, redis: Redis, now: datetime) -> None:
        self._redis, self._now = redis, now

    def load(self, file: BackupReader) -> BackupCounts:
        """Load every record."""
        counts, names, months = BackupCounts(), set(), set()
        for record in file.records():
            if record[0] == KEY_RECORD:
                self._restore_key(record)
                names.add(record[1])
            elif record[0] == PAPERS_RECORD:
                papers = self._restore_papers(record)
                months.add(record[1])
                counts = with_changes(counts, papers=counts.papers + papers)
        return with_changes(counts, months=len(months), keys=len(names))

    def _restore_key(self, record: BackupRecord) -> None:
        _, name, kind, members, expiry = record
        if name == keys.REVISION.encode():
            current: Any = self._redis.get(name)
            members = [str(max(int(members[0]), int(current or 0)))]
        with self._redis.pipeline() as pipe:
            _KEY_WRITERS[kind](pipe, name, members)
            if expiry > 0:
                pipe.pexpireat(name, expiry)
            pipe.execute()

    def _restore_papers(self, record: BackupRecord) -> int:
        _, yymm, month, rows = record
        papers = [
            paper
            for number, packed in rows
            if (paper := self._unpack_or_quarantine(ArxivId(month, number), packed))
        ]
        if papers:
            MonthWriter(self._redis, month, yymm, TermMonths(self._redis), Vocabulary()).write(
                papers
            )
        return len(papers)

    def _unpack_or_quarantine(self, id: ArxivId, packed: bytes) -> Paper | None:
        """Return a paper; None if it cannot be read and was put in quarantine."""
        try:
            return packing.unpack(id, packed)
        except packing.UNPACK_ERRORS as error:
            reason = f"cannot be restored: {error!r}"
            record = QuarantinedRecord(_TASK, self._now, reason, f"{id}: {packed[:100]!r}")
            TaskStates(self._redis).quarantine(record)
            return None


_KEY_WRITERS: Final[dict[bytes, Callable[[Redis, bytes, Any], object]]] = {
    b"string": lambda redis, name, members: redis.set(name, members[0]),
    b"hash": lambda redis, name, members: redis.hset(name, mapping=dict(members)),
    b"set": lambda redis, name, members: redis.sadd(name, *members),
    b"zset": lambda redis, name, members: redis.zadd(name, dict(members)),
    b"list": lambda redis, name, members: redis.rpush(name, *members),
}
"""How to add members to a key, by its type."""
