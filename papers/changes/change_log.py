"""Change log: which papers each of the last ingests changed, and what they were before.

    revision 100 ─▶ 130: papers 7 (new), 9 (was: …)
    revision 130 ─▶ 220: paper 8 (was: …)

A record leads from one revision to the next, so that a reader can tell whether it knows all changes
between two of them. Whatever else moves the revision (a restore, retention, an ingest that was
killed or changed too much) leaves no record, and no chain leads across it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgpack
from redis import Redis

from papers.model.paper import Paper
from papers.records import packing
from papers.redis_backend import keys
from papers.redis_backend.connection import read_many

MAX_RECORDS: Final = 32
MAX_CHANGED: Final = 5_000
"""The most papers in one record."""
MAX_RECORD_BYTES: Final = 400_000
"""The most bytes in one record: the whole list takes thirteen megabytes at most."""


class LoggedChange(NamedTuple):
    """A paper that an ingest changed, by its doc id; `before` is None for a new one."""

    doc_id: int
    before: Paper | None


class ChangeRecord(NamedTuple):
    """What led from one revision to the next: doc ids, and packed records of what was before."""

    previous: int
    revision: int
    doc_ids: tuple[int, ...]
    replaced: tuple[tuple[int, bytes], ...]


def append_change(
    redis: Redis, previous: int, revision: int, changes: Sequence[LoggedChange]
) -> None:
    """Append a record, unless it is too large. Raises redis-py's errors."""
    if len(changes) > MAX_CHANGED:
        return
    known = [(change.doc_id, change.before) for change in changes if change.before]
    packed = packing.pack_all([before for _, before in known])
    replaced = [(doc_id, record) for (doc_id, _), record in zip(known, packed, strict=True)]
    stored: bytes = msgpack.packb(
        (previous, revision, [change.doc_id for change in changes], replaced)
    )
    if len(stored) > MAX_RECORD_BYTES:
        return
    with redis.pipeline(transaction=False) as pipe:
        pipe.zadd(keys.CHANGE_LOG, {stored: revision})
        pipe.zremrangebyrank(keys.CHANGE_LOG, 0, -MAX_RECORDS - 1)
        pipe.execute()


def read_changes(redis: Redis, after: int) -> list[ChangeRecord]:
    """Return the records that lead to revisions after one, oldest first; unreadable ones left out.

    Raises redis-py's errors.
    """
    found: list[Any]
    (found,) = read_many(redis, [("ZRANGEBYSCORE", keys.CHANGE_LOG, f"({after}", "+inf")])
    return [record for stored in found if (record := _unpack(stored))]


def _unpack(stored: bytes) -> ChangeRecord | None:
    try:
        previous, revision, doc_ids, replaced = msgpack.unpackb(stored)
        return ChangeRecord(previous, revision, tuple(doc_ids), tuple(map(tuple, replaced)))
    except (ValueError, TypeError, msgpack.UnpackException):
        return None
