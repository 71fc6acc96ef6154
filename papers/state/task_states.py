"""Task states: how each source is doing, what is due when, long runs, and quarantined records.

Everything is stored by task name (`announcements:cs.AI`, `hf:today`): the due set, the states and
the progress use the same name, so that a page can show all of it in one line. Initial fetches of
keywords, of which there is one a keyword, have states and a due set of their own: see
`papers.state.initial_fetch_states`.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from redis import Redis
from redis.client import Pipeline

from papers.errors import StoreError
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors
from papers.state.initial_fetch_states import InitialFetchStates, is_initial_fetch
from papers.state.record_codec import RecordT, decode_record, encode_record

MAX_QUARANTINED: Final = 1_000

_CLAIM_SCRIPT: Final = """
-- KEYS: the due set. ARGV: task, now, until. Moves a task that is due to `until`; 1 if it was due.
local at = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not at or tonumber(at) > tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
return 1
"""


class TaskStatus(enum.StrEnum):
    """The status of a source; only `ok` and `quiet` move its cursor."""

    OK = "ok"
    QUIET = "quiet"
    """A valid response without records, as on a weekend."""
    STALE = "stale"
    """A valid response of an earlier day, or with far fewer records than such a day has."""
    FAILING = "failing"
    """Anything else."""


@dataclass(frozen=True, slots=True)
class TaskState:
    """The state of one source. Times are aware UTC.

    `since` is when the current status began; `succeeded_at` the last attempt that was ok or quiet;
    `said` a sentence for people; `got` the records of the last attempt, `usual` those that such a
    day usually has, if known; `failures` the attempts in a row that were neither ok nor quiet.
    """

    name: str
    state: TaskStatus
    since: datetime
    attempted_at: datetime
    succeeded_at: datetime | None = None
    next_at: datetime | None = None
    said: str = ""
    got: int = 0
    failures: int = 0
    usual: int | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a long run, in records; `total` is None while it is unknown."""

    task: str
    done: int
    total: int | None
    started_at: datetime
    updated_at: datetime

    @property
    def records_per_second(self) -> float:
        """The rate since the start."""
        seconds = (self.updated_at - self.started_at).total_seconds()
        return self.done / seconds if seconds > 0 else 0.0

    @property
    def remaining(self) -> int | None:
        """The number of records still to come; None while the total is unknown."""
        return None if self.total is None else max(0, self.total - self.done)


@dataclass(frozen=True, slots=True)
class QuarantinedRecord:
    """A record that could not be ingested: its task, the time, the reason, and its beginning."""

    task: str
    at: datetime
    reason: str
    excerpt: str


class TaskStates:
    """The states, due set, progress and quarantine in Redis. Raises StoreUnavailable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._initial_fetches = InitialFetchStates(redis)

    def all(self) -> list[TaskState]:
        """Return every state but those of initial fetches, sorted by name."""
        with translate_store_errors(self._redis):
            found: Any = self._redis.hgetall(keys.SOURCES)
        return self.decode_all(found.values())

    @staticmethod
    def decode_all(values: Iterable[bytes]) -> list[TaskState]:
        """Decode the values of the task states hash, sorted by name.

        Raises StoreError if one is damaged.
        """
        states = [_decode(TaskState, keys.SOURCES, value) for value in values]
        return sorted(states, key=lambda state: state.name)

    def get(self, name: str) -> TaskState | None:
        """Return the state of one task; None before its first attempt."""
        if is_initial_fetch(name):
            stored: Any = self._initial_fetches.get(name)
        else:
            with translate_store_errors(self._redis):
                stored = self._redis.hget(keys.SOURCES, name)
        return _decode(TaskState, keys.SOURCES, stored) if stored else None

    def save(self, state: TaskState) -> None:
        """Store a state in place of the previous one."""
        if is_initial_fetch(state.name):
            self._initial_fetches.save(state.name, state.state, encode_record(state))
            return
        with translate_store_errors(self._redis):
            self._redis.hset(keys.SOURCES, state.name, encode_record(state))

    def delete_task(self, name: str) -> None:
        """Delete everything stored under a task's name, once it is no longer configured."""
        if is_initial_fetch(name):
            self._initial_fetches.delete(name)
        with translate_store_errors(self._redis):
            self._redis.hdel(keys.SOURCES, name)
            self._redis.zrem(_due_key(name), name)
            self._redis.hdel(keys.TASK_PROGRESS, name)

    def schedule(self, name: str, at: datetime) -> None:
        """Schedule a task, replacing an earlier schedule."""
        with translate_store_errors(self._redis):
            self._redis.zadd(_due_key(name), {name: at.timestamp()})

    def schedule_earlier(self, name: str, at: datetime) -> None:
        """Move a scheduled task to a time, unless it is due sooner."""
        with translate_store_errors(self._redis):
            self._redis.zadd(_due_key(name), {name: at.timestamp()}, xx=True, lt=True)

    def unschedule(self, name: str) -> None:
        """Remove a task from the due set, as a task that runs once is when it is done."""
        with translate_store_errors(self._redis):
            self._redis.zrem(_due_key(name), name)

    def due_tasks(self, now: datetime, *, max_initial_fetches: int | None = None) -> list[str]:
        """Return the tasks that are due, longest due first; initial fetches, if any, after them."""
        limit, until = -1 if max_initial_fetches is None else max_initial_fetches, now.timestamp()
        with translate_store_errors(self._redis), self._redis.pipeline(transaction=False) as pipe:
            pipe.zrangebyscore(keys.DUE_TASKS, "-inf", until)
            pipe.zrangebyscore(keys.DUE_INITIAL_FETCHES, "-inf", until, start=0, num=limit)
            names, initial_fetches = pipe.execute()
        return [name.decode() for name in [*names, *initial_fetches]]

    def due_time(self, name: str) -> datetime | None:
        """Return when a task is due; None if it is not scheduled."""
        with translate_store_errors(self._redis):
            at = self._redis.zscore(_due_key(name), name)
        return None if at is None else datetime.fromtimestamp(at, UTC)

    def due_times(self) -> dict[str, datetime]:
        """Return every scheduled task but initial fetches with its time, the soonest first."""
        with translate_store_errors(self._redis):
            found: Any = self._redis.zrange(keys.DUE_TASKS, 0, -1, withscores=True)
        return {name.decode(): datetime.fromtimestamp(at, UTC) for name, at in found}

    def claim(self, name: str, now: datetime, until: datetime) -> bool:
        """Claim a due task; it is due again at `until` unless it is rescheduled before.

        Returns False if it is not due: of concurrent claims one succeeds.
        """
        with translate_store_errors(self._redis):
            claim = self._redis.eval(
                _CLAIM_SCRIPT, 1, _due_key(name), name, str(now.timestamp()), str(until.timestamp())
            )
        return bool(claim)

    def list_progress(self) -> list[Progress]:
        """Return the progress of every long run, sorted by task."""
        with translate_store_errors(self._redis):
            found: Any = self._redis.hgetall(keys.TASK_PROGRESS)
        runs = [_decode(Progress, keys.TASK_PROGRESS, stored) for stored in found.values()]
        return sorted(runs, key=lambda run: run.task)

    def progress(self, task: str) -> Progress | None:
        """Return the progress of a run; None if it is not under way."""
        with translate_store_errors(self._redis):
            stored: Any = self._redis.hget(keys.TASK_PROGRESS, task)
        return _decode(Progress, keys.TASK_PROGRESS, stored) if stored else None

    def save_progress(self, progress: Progress) -> None:
        """Store the progress of a run."""
        with translate_store_errors(self._redis):
            self._redis.hset(keys.TASK_PROGRESS, progress.task, encode_record(progress))

    def delete_progress(self, task: str) -> None:
        """Delete the progress of a run that has ended."""
        with translate_store_errors(self._redis):
            self._redis.hdel(keys.TASK_PROGRESS, task)

    def quarantine(self, record: QuarantinedRecord) -> None:
        """Quarantine a record; beyond 1,000 the oldest is dropped."""
        with translate_store_errors(self._redis):
            self._redis.lpush(keys.QUARANTINE, encode_record(record))
            self._redis.ltrim(keys.QUARANTINE, 0, MAX_QUARANTINED - 1)

    def quarantine_new(self, records: Sequence[QuarantinedRecord]) -> None:
        """Quarantine records, except those of a task that are quarantined already."""

        def push(pipe: Pipeline) -> None:
            stored: Any = pipe.lrange(keys.QUARANTINE, 0, -1)
            known = {_record_identity(_decode_quarantined(value)) for value in stored}
            new = [record for record in records if _record_identity(record) not in known]
            fresh = [*map(encode_record, new)]
            pipe.multi()
            if fresh:
                pipe.lpush(keys.QUARANTINE, *fresh)
                pipe.ltrim(keys.QUARANTINE, 0, MAX_QUARANTINED - 1)

        if records:
            with translate_store_errors(self._redis):
                self._redis.transaction(push, keys.QUARANTINE)

    def list_quarantined(self, limit: int) -> list[QuarantinedRecord]:
        """Return the quarantined records, newest first; a damaged entry becomes a record of it."""
        with translate_store_errors(self._redis):
            stored: Any = self._redis.lrange(keys.QUARANTINE, 0, max(0, limit) - 1)
        return [_decode_quarantined(value) for value in stored[:limit]]

    def quarantine_size(self) -> int:
        """Return the number of quarantined records."""
        with translate_store_errors(self._redis):
            return int(self._redis.llen(keys.QUARANTINE))

    def clear_quarantine(self) -> int:
        """Delete all quarantined records and return how many there were."""
        with translate_store_errors(self._redis), self._redis.pipeline() as pipe:
            pipe.llen(keys.QUARANTINE)
            pipe.delete(keys.QUARANTINE)
            return int(pipe.execute()[0])


def _due_key(task: str) -> str:
    return keys.DUE_INITIAL_FETCHES if is_initial_fetch(task) else keys.DUE_TASKS


def _record_identity(record: QuarantinedRecord) -> tuple[str, str, str]:
    return (record.task, record.reason, record.excerpt)


_FIELD_DECODERS: Final = {"state": TaskStatus}


def _decode(kind: type[RecordT], key: str, stored: bytes) -> RecordT:
    return decode_record(kind, key, stored, _FIELD_DECODERS)


def _decode_quarantined(stored: bytes) -> QuarantinedRecord:
    """Decode a quarantined record; a damaged one must not prevent quarantining the next one."""
    try:
        return _decode(QuarantinedRecord, keys.QUARANTINE, stored)
    except StoreError as error:
        at = datetime.fromtimestamp(0, UTC)
        return QuarantinedRecord(keys.QUARANTINE, at, f"damaged: {error}", repr(stored[:500]))
