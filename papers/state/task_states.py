"""Task states: how each source is doing, what is due when, long runs, and quarantined records.

Everything is stored by task name (`announcements:cs.AI`, `hf:today`): the due set, the states and
the progress use the same name, so that a page can show all of it in one line.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Iterable, Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from redis import Redis
from redis.client import Pipeline

from papers.errors import StoreError
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors

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

    def all(self) -> list[TaskState]:
        """Return every state, sorted by name."""
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
        """Return the state of one source; None before its first attempt."""
        with translate_store_errors(self._redis):
            stored: Any = self._redis.hget(keys.SOURCES, name)
        return _decode(TaskState, keys.SOURCES, stored) if stored else None

    def save(self, state: TaskState) -> None:
        """Store a state in place of the previous one."""
        with translate_store_errors(self._redis):
            self._redis.hset(keys.SOURCES, state.name, _encode(state))

    def delete_task(self, name: str) -> None:
        """Delete everything stored under a task's name, once it is no longer configured."""
        with translate_store_errors(self._redis):
            self._redis.hdel(keys.SOURCES, name)
            self._redis.zrem(keys.DUE_TASKS, name)
            self._redis.hdel(keys.TASK_PROGRESS, name)

    def schedule(self, name: str, at: datetime) -> None:
        """Schedule a task, replacing an earlier schedule."""
        with translate_store_errors(self._redis):
            self._redis.zadd(keys.DUE_TASKS, {name: at.timestamp()})

    def schedule_earlier(self, name: str, at: datetime) -> None:
        """Move a scheduled task to a time, unless it is due sooner."""
        with translate_store_errors(self._redis):
            self._redis.zadd(keys.DUE_TASKS, {name: at.timestamp()}, xx=True, lt=True)

    def unschedule(self, name: str) -> None:
        """Remove a task from the due set, as a task that runs once is when it is done."""
        with translate_store_errors(self._redis):
            self._redis.zrem(keys.DUE_TASKS, name)

    def due_tasks(self, now: datetime) -> list[str]:
        """Return the tasks that are due, longest due first."""
        with translate_store_errors(self._redis):
            names: Any = self._redis.zrangebyscore(keys.DUE_TASKS, "-inf", now.timestamp())
        return [name.decode() for name in names]

    def due_time(self, name: str) -> datetime | None:
        """Return when a task is due; None if it is not scheduled."""
        with translate_store_errors(self._redis):
            at = self._redis.zscore(keys.DUE_TASKS, name)
        return None if at is None else datetime.fromtimestamp(at, UTC)

    def due_times(self) -> dict[str, datetime]:
        """Return every scheduled task with its time, the soonest first."""
        with translate_store_errors(self._redis):
            found: Any = self._redis.zrange(keys.DUE_TASKS, 0, -1, withscores=True)
        return {name.decode(): datetime.fromtimestamp(at, UTC) for name, at in found}

    def claim(self, name: str, now: datetime, until: datetime) -> bool:
        """Claim a due task; it is due again at `until` unless it is rescheduled before.

        Returns False if it is not due: of concurrent claims one succeeds.
        """
        with translate_store_errors(self._redis):
            claim = self._redis.eval(
                _CLAIM_SCRIPT, 1, keys.DUE_TASKS, name, str(now.timestamp()), str(until.timestamp())
            )
        return bool(claim)

    def list_progress(self) -> list[Progress]:
        """Return the progress of every long run, sorted by task."""
        with translate_store_errors(self._redis):
            found: Any = self._redis.hgetall(keys.TASK_PROGRESS)
        runs = [_decode(Progress, keys.TASK_PROGRESS, stored) for stored in found.values()]
        return sorted(runs, key=lambda run: run.task)

    def save_progress(self, progress: Progress) -> None:
        """Store the progress of a run."""
        with translate_store_errors(self._redis):
            self._redis.hset(keys.TASK_PROGRESS, progress.task, _encode(progress))

    def delete_progress(self, task: str) -> None:
        """Delete the progress of a run that has ended."""
        with translate_store_errors(self._redis):
            self._redis.hdel(keys.TASK_PROGRESS, task)

    def quarantine(self, record: QuarantinedRecord) -> None:
        """Quarantine a record; beyond 1,000 the oldest is dropped."""
        with translate_store_errors(self._redis):
            self._redis.lpush(keys.QUARANTINE, _encode(record))
            self._redis.ltrim(keys.QUARANTINE, 0, MAX_QUARANTINED - 1)

    def quarantine_new(self, records: Sequence[QuarantinedRecord]) -> None:
        """Quarantine records, except those of a task that are quarantined already."""

        def push(pipe: Pipeline) -> None:
            stored: Any = pipe.lrange(keys.QUARANTINE, 0, -1)
            known = {_record_identity(_decode_quarantined(value)) for value in stored}
            fresh = [_encode(record) for record in records if _record_identity(record) not in known]
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


def _record_identity(record: QuarantinedRecord) -> tuple[str, str, str]:
    return (record.task, record.reason, record.excerpt)


_RecordT = TypeVar("_RecordT", TaskState, Progress, QuarantinedRecord)
_TIME_FIELDS: Final = {
    "since",
    "attempted_at",
    "succeeded_at",
    "next_at",
    "started_at",
    "updated_at",
    "at",
}


def _encode(record: TaskState | Progress | QuarantinedRecord) -> bytes:
    """Encode a record as JSON, times as ISO 8601 in UTC; lone surrogates become `?`."""
    values = {
        name: value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(record).items()
    }
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def _decode(kind: type[_RecordT], key: str, stored: bytes) -> _RecordT:
    """Decode a record, perhaps one stored before an optional field was added.

    Raises StoreError for anything else.
    """
    try:
        values = json.loads(stored)
        is_required = {field.name: field.default is MISSING for field in fields(kind)}
        required = {name for name, needed in is_required.items() if needed}
        if not required <= set(values) <= set(is_required):
            raise ValueError(f"fields {sorted(values)}")
        return kind(**{name: _decode_value(name, value) for name, value in values.items()})
    except (ValueError, TypeError, AttributeError) as error:
        raise StoreError(
            f"{key}: {stored[:200]!r} is no {kind.__name__} ({error}); delete it to go on"
        ) from error


def _decode_quarantined(stored: bytes) -> QuarantinedRecord:
    """Decode a quarantined record; a damaged one must not prevent quarantining the next one."""
    try:
        return _decode(QuarantinedRecord, keys.QUARANTINE, stored)
    except StoreError as error:
        at = datetime.fromtimestamp(0, UTC)
        return QuarantinedRecord(keys.QUARANTINE, at, f"damaged: {error}", repr(stored[:500]))


def _decode_value(name: str, value: Any) -> Any:
    if name == "state":
        return TaskStatus(value)
    if name not in _TIME_FIELDS or value is None:
        return value
    return datetime.fromisoformat(value)
