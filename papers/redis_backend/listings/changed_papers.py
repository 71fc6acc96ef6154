"""Changed papers: the last change of each paper, in order, for clients that keep a copy of all.

    before an ingest writes     its papers are noted as pending, under its token
    after its transactions      each paper that changed moves to the end, and the note is deleted:
                                both in one transaction
    if it was killed between    `settle` moves all of its papers, ten minutes later

Retention and blocks of papers do the same.

So whatever clients can see is announced, at least once. The score of a paper is its place in the
order, and says when and how the paper changed:

    second since 1970 (32 bits) · number within the second (20 bits) · kind (1 bit)

Scores only increase, even if the clock goes back. A client states the score it has read up to, its
cursor. What is dropped from the front, by age or number, raises the floor: a cursor below it may
have missed changes.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from enum import IntEnum
from functools import partial
from typing import Any, Final, NamedTuple

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import WatchError

from papers.errors import CursorGone, StoreBusy
from papers.model.arxiv_id import ArxivId
from papers.model.dates import from_epoch, to_epoch
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors

MAX_CHANGED_PAPERS: Final = 1_000_000
MAX_CHANGE_AGE: Final = timedelta(days=30)
SETTLE_AFTER: Final = timedelta(minutes=10)
"""How long an ingest may take before it counts as killed."""

_KIND_BITS: Final = 1
_SECOND_SHIFT: Final = 21
_BATCH_SIZE: Final = 1_000
"""Papers that are moved in one transaction: readers wait for it."""
_MAX_TRIES: Final = 50


class ChangeKind(IntEnum):
    """How a paper changed last."""

    NEW = 0
    CHANGED = 1


class PaperMove(NamedTuple):
    """The last change of a paper; `cursor` leads to what changed after it."""

    id: ArxivId
    kind: ChangeKind
    at: datetime
    cursor: int


class PaperMoves(NamedTuple):
    """Changes after a cursor, oldest first; `cursor` leads on from the last."""

    moves: tuple[PaperMove, ...]
    cursor: int
    has_more: bool


class _Bounds(NamedTuple):
    """The floor (None before the first change), the last score, and the number of papers."""

    floor: int | None
    last: int
    size: int

    @classmethod
    def of(cls, floor: bytes | None, last: Sequence[tuple[bytes, float]], size: int) -> _Bounds:
        """Decode the replies to `_BOUND_READS`."""
        return cls(int(floor) if floor else None, int(last[0][1]) if last else 0, size)

    @property
    def newest(self) -> int:
        """The newest cursor."""
        return max(self.floor or 0, self.last)

    def next_step(self, now: datetime) -> int:
        """Return the next score without its kind: that of a time, or the first free one."""
        return max(to_epoch(now) << (_SECOND_SHIFT - _KIND_BITS), (self.newest >> _KIND_BITS) + 1)


class ChangedPapers:
    """The changed papers of one store."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    @staticmethod
    def note_pending(pipe: Redis, token: str, ids: Iterable[ArxivId], now: datetime) -> None:
        """Note, in a pipeline or at once, that papers may change; without ids, that any may."""
        note = array("I", [to_epoch(now), *{id.doc_id for id in ids}])
        pipe.hset(keys.PENDING_CHANGES, token, note.tobytes())

    def move(self, token: str, changes: Sequence[tuple[int, ChangeKind]], now: datetime) -> None:
        """Move papers, by doc id, to the end of the order; delete the note of their ingest.

        To be called when readers can see the changes. Raises StoreBusy, redis-py's errors.
        """
        if not changes:
            self._redis.hdel(keys.PENDING_CHANGES, token)
        for start in range(0, len(changes), _BATCH_SIZE):
            batch = changes[start : start + _BATCH_SIZE]
            ended = token if start + _BATCH_SIZE >= len(changes) else ""
            self._transact(partial(self._queue_moves, batch=batch, ended=ended, now=now))

    def move_noted(self, token: str, now: datetime) -> None:
        """Move the papers that are noted, if any is still. Raises what `move` raises."""
        stored: Any = self._redis.hget(keys.PENDING_CHANGES, token)
        if stored is None:
            return
        _, *doc_ids = array("I", stored)
        if doc_ids:
            self.move(token, [(id, ChangeKind.CHANGED) for id in doc_ids], now)
        else:
            self._transact(partial(self._queue_reset, ended=token, now=now))

    def _transact(self, queue: Callable[[Pipeline, _Bounds], None]) -> None:
        """Read the bounds, and commit what `queue` queues unless another writer was faster."""
        for _ in range(_MAX_TRIES):
            with self._redis.pipeline() as pipe:
                try:
                    pipe.watch(keys.CHANGED_PAPERS, keys.CHANGES_FLOOR)  # type: ignore[no-untyped-call]
                    queue(pipe, _Bounds.of(*[read(pipe) for read in _BOUND_READS]))
                    pipe.execute()
                    return
                except WatchError:
                    continue
        raise StoreBusy(f"{keys.CHANGED_PAPERS}: other writers were faster; try again later")

    @staticmethod
    def _queue_moves(
        pipe: Pipeline,
        bounds: _Bounds,
        batch: Sequence[tuple[int, ChangeKind]],
        ended: str,
        now: datetime,
    ) -> None:
        first = bounds.next_step(now)
        dropped = _last_to_drop(pipe, bounds, bounds.size + len(batch) - MAX_CHANGED_PAPERS, now)
        members: dict[Any, Any] = {
            doc_id.to_bytes(4, "big"): step << _KIND_BITS | kind
            for step, (doc_id, kind) in enumerate(batch, first)
        }
        pipe.multi()
        if dropped is not None:
            pipe.zremrangebyscore(keys.CHANGED_PAPERS, "-inf", dropped)
            pipe.set(keys.CHANGES_FLOOR, dropped)
        elif bounds.floor is None:
            pipe.set(keys.CHANGES_FLOOR, (first << _KIND_BITS) - 1)
        pipe.zadd(keys.CHANGED_PAPERS, members)
        if ended:
            pipe.hdel(keys.PENDING_CHANGES, ended)

    @staticmethod
    def _queue_reset(pipe: Pipeline, bounds: _Bounds, ended: str, now: datetime) -> None:
        pipe.multi()
        pipe.set(keys.CHANGES_FLOOR, bounds.next_step(now) << _KIND_BITS)
        pipe.unlink(keys.CHANGED_PAPERS)
        if ended:
            pipe.hdel(keys.PENDING_CHANGES, ended)

    def reset(self, now: datetime) -> None:
        """Forget all changes, so that whoever follows them reads all papers again.

        After a change of unknown extent, such as a restored backup. Raises what `move` raises.
        """
        self._transact(partial(self._queue_reset, ended="", now=now))

    def settle(self, *, now: datetime) -> None:
        """Move the papers of ingests that were killed. Raises what `move` raises."""
        tokens: Any = self._redis.hkeys(keys.PENDING_CHANGES)
        for token in tokens:
            stored: Any = self._redis.hget(keys.PENDING_CHANGES, token)
            if stored and array("I", stored[:4])[0] <= to_epoch(now - SETTLE_AFTER):
                self.move_noted(token.decode(), now)

    def last_cursor(self) -> int:
        """Return the cursor that leads to what is yet to change. Raises StoreError."""
        with translate_store_errors(self._redis), self._redis.pipeline() as pipe:
            for read in _BOUND_READS:
                read(pipe)
            return _Bounds.of(*pipe.execute()).newest

    def read(self, after: int, limit: int) -> PaperMoves:
        """Return the first changes after a cursor. Raises CursorGone, StoreError."""
        with translate_store_errors(self._redis), self._redis.pipeline() as pipe:
            for read in _BOUND_READS:
                read(pipe)
            pipe.zrangebyscore(
                keys.CHANGED_PAPERS, f"({after}", "+inf", start=0, num=limit + 1, withscores=True
            )
            *replies, rows = pipe.execute()
        bounds = _Bounds.of(*replies)
        if not (bounds.floor or 0) <= after <= bounds.newest:
            raise CursorGone(f"after: what changed since {after} is no longer known here")
        moves = tuple([_decode_move(member, int(score)) for member, score in rows[:limit]])
        return PaperMoves(moves, moves[-1].cursor if moves else after, len(rows) > limit)


_BOUND_READS: Final[tuple[Callable[[Pipeline], Any], ...]] = (
    lambda pipe: pipe.get(keys.CHANGES_FLOOR),
    lambda pipe: pipe.zrange(keys.CHANGED_PAPERS, -1, -1, withscores=True),
    lambda pipe: pipe.zcard(keys.CHANGED_PAPERS),
)
"""The commands whose replies `_Bounds.of` takes."""


def _last_to_drop(pipe: Pipeline, bounds: _Bounds, surplus: int, now: datetime) -> int | None:
    """Return the last score to drop, by age or number; None if there is nothing to drop."""
    aged = f"({to_epoch(now - MAX_CHANGE_AGE) << _SECOND_SHIFT}"
    found: Any = pipe.zrevrangebyscore(
        keys.CHANGED_PAPERS, aged, "-inf", start=0, num=1, withscores=True
    )
    if surplus > 0:
        last = min(surplus, bounds.size) - 1
        found += pipe.zrange(keys.CHANGED_PAPERS, last, last, withscores=True)
    return max((int(score) for _, score in found), default=None)


def _decode_move(member: bytes, score: int) -> PaperMove:
    id = ArxivId.from_doc_id(int.from_bytes(member, "big"))
    kind = ChangeKind(score & ((1 << _KIND_BITS) - 1))
    return PaperMove(id, kind, from_epoch(score >> _SECOND_SHIFT), score)
