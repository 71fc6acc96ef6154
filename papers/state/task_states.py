"""How the sources are: the state of each, what is due when, long runs, and what was set aside.

Everything is told by task name (`announcements:cs.AI`, `hf:today`): the same name stands in the
due set, in the states and in the progress, so that a page can show all of it in one line.
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
-- KEYS: the due set. ARGV: task, now, until. Moves a task that is due to `until`; 1 where it was.
local at = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not at or tonumber(at) > tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
return 1
"""


class TaskStatus(enum.StrEnum):
    """How a source is; only `ok` and `quiet` move its cursor."""

    OK = "ok"
    QUIET = "quiet"
    """A valid answer with nothing in it: a weekend."""
    STALE = "stale"
    """A valid answer from an earlier day, or with far less in it than such a day has."""
    FAILING = "failing"
    """Anything else."""


@dataclass(frozen=True, slots=True)
class TaskState:
    """The state of one source. Times are aware UTC.

    `since` is when it came into this state; `succeeded_at` the last ok or quiet; `said` tells a
    person in a sentence; `got` is how many records the last attempt brought, `usual` how many
    such a day usually has, where that is known; `failures` how many attempts in a row were neither
    ok nor quiet.
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
    """How far a long run is, in records; `total` is None while nobody knows."""

    task: str
    done: int
    total: int | None
    started_at: datetime
    updated_at: datetime

    @property
    def records_per_second(self) -> float:
        """Records a second since the start."""
        seconds = (self.updated_at - self.started_at).total_seconds()
        return self.done / seconds if seconds > 0 else 0.0

    @property
    def remaining(self) -> int | None:
        """Records still to come."""
        return None if self.total is None else max(0, self.total - self.done)


@dataclass(frozen=True, slots=True)
class QuarantinedRecord:
    """A record that could not be taken: from which task, when, why, and how it began."""

    task: str
    at: datetime
    reason: str
    excerpt: str


class TaskStates:
    """The states, the due set, the progress and the quarantine in Redis. Raises StoreAway."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def all(self) -> list[TaskState]:
        """Every state, by name."""
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
        """The state of one source; None before its first attempt."""
        with translate_store_errors(self._redis):
            text: Any = self._redis.hget(keys.SOURCES, name)
        return _decode(TaskState, keys.SOURCES, text) if text else None

    def save(self, state: TaskState) -> None:
        """Keep a state in place of the one before."""
        with translate_store_errors(self._redis):
            self._redis.hset(keys.SOURCES, state.name, _encode(state))

    def delete_task(self, name: str) -> None:
        """Drop all that is kept under a task's name: it is no longer configured."""
        with translate_store_errors(self._redis):
            self._redis.hdel(keys.SOURCES, name)
            self._redis.zrem(keys.DUE_TASKS, name)
            self._redis.hdel(keys.TASK_PROGRESS, name)

    def schedule(self, name: str, at: datetime) -> None:
        """Make a task due at a time, whatever time it had before."""
        with translate_store_errors(self._redis):
            self._redis.zadd(keys.DUE_TASKS, {name: at.timestamp()})

    def schedule_earlier(self, name: str, at: datetime) -> None:
        """Make a task that is planned due at a time, unless it is due sooner."""
        with translate_store_errors(self._redis):
            self._redis.zadd(keys.DUE_TASKS, {name: at.timestamp()}, xx=True, lt=True)

    def unschedule(self, name: str) -> None:
        """Take a task out of the due set: it was to be done once, and is."""
        with translate_store_errors(self._redis):
            self._redis.zrem(keys.DUE_TASKS, name)

    def due_tasks(self, now: datetime) -> list[str]:
        """The tasks whose time has come, longest due first."""
        with translate_store_errors(self._redis):
            names: Any = self._redis.zrangebyscore(keys.DUE_TASKS, "-inf", now.timestamp())
        return [name.decode() for name in names]

    def due_time(self, name: str) -> datetime | None:
        """When a task is due; None where it is not planned."""
        with translate_store_errors(self._redis):
            at = self._redis.zscore(keys.DUE_TASKS, name)
        return None if at is None else datetime.fromtimestamp(at, UTC)

    def due_times(self) -> dict[str, datetime]:
        """Every task in the due set with its time, the soonest first."""
        with translate_store_errors(self._redis):
            found: Any = self._redis.zrange(keys.DUE_TASKS, 0, -1, withscores=True)
        return {name.decode(): datetime.fromtimestamp(at, UTC) for name, at in found}

    def claim(self, name: str, now: datetime, until: datetime) -> bool:
        """Take a due task, which is due again at `until` if nobody says otherwise before.

        False where it is not due: whoever else claims at the same time, one gets it.
        """
        with translate_store_errors(self._redis):
            claim = self._redis.eval(
                _CLAIM_SCRIPT, 1, keys.DUE_TASKS, name, str(now.timestamp()), str(until.timestamp())
            )
        return bool(claim)

    def list_progress(self) -> list[Progress]:
        """Every long run under way, by task."""
        with translate_store_errors(self._redis):
            found: Any = self._redis.hgetall(keys.TASK_PROGRESS)
        runs = [_decode(Progress, keys.TASK_PROGRESS, text) for text in found.values()]
        return sorted(runs, key=lambda run: run.task)

    def save_progress(self, progress: Progress) -> None:
        """Keep how far a run is."""
        with translate_store_errors(self._redis):
            self._redis.hset(keys.TASK_PROGRESS, progress.task, _encode(progress))

    def delete_progress(self, task: str) -> None:
        """A run is over: nothing is left to show."""
        with translate_store_errors(self._redis):
            self._redis.hdel(keys.TASK_PROGRESS, task)

    def quarantine(self, record: QuarantinedRecord) -> None:
        """Set a record aside; of more than 1,000 the oldest goes."""
        with translate_store_errors(self._redis):
            self._redis.lpush(keys.QUARANTINE, _encode(record))
            self._redis.ltrim(keys.QUARANTINE, 0, MAX_QUARANTINED - 1)

    def quarantine_new(self, records: Sequence[QuarantinedRecord]) -> None:
        """Set records aside, those of one task that are there already not again."""

        def push(pipe: Pipeline) -> None:
            texts: Any = pipe.lrange(keys.QUARANTINE, 0, -1)
            there = {_record_identity(_decode_quarantined(text)) for text in texts}
            fresh = [_encode(record) for record in records if _record_identity(record) not in there]
            pipe.multi()
            if fresh:
                pipe.lpush(keys.QUARANTINE, *fresh)
                pipe.ltrim(keys.QUARANTINE, 0, MAX_QUARANTINED - 1)

        if records:
            with translate_store_errors(self._redis):
                self._redis.transaction(push, keys.QUARANTINE)

    def list_quarantined(self, limit: int) -> list[QuarantinedRecord]:
        """What was set aside, newest first; an entry that is damaged is told as one."""
        with translate_store_errors(self._redis):
            texts: Any = self._redis.lrange(keys.QUARANTINE, 0, max(0, limit) - 1)
        return [_decode_quarantined(text) for text in texts[:limit]]

    def quarantine_size(self) -> int:
        """How many records are set aside."""
        with translate_store_errors(self._redis):
            return int(self._redis.llen(keys.QUARANTINE))

    def clear_quarantine(self) -> int:
        """Forget what was set aside; how many records that were."""
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
    """JSON with times as ISO 8601 in UTC; of a foreign text all that UTF-8 can say."""
    values = {
        name: value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(record).items()
    }
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def _decode(kind: type[_RecordT], key: str, text: bytes) -> _RecordT:
    """What was encoded, perhaps before a field was added; anything else is damage, and is named."""
    try:
        values = json.loads(text)
        known = {field.name: field.default is MISSING for field in fields(kind)}
        needed = {name for name, is_needed in known.items() if is_needed}
        if not needed <= set(values) <= set(known):
            raise ValueError(f"fields {sorted(values)}")
        return kind(**{name: _decode_value(name, value) for name, value in values.items()})
    except (ValueError, TypeError, AttributeError) as error:
        raise StoreError(
            f"{key}: {text[:200]!r} is no {kind.__name__} ({error}); delete it to go on"
        ) from error


def _decode_quarantined(text: bytes) -> QuarantinedRecord:
    """A record that was set aside. Damage here keeps nobody from setting the next one aside."""
    try:
        return _decode(QuarantinedRecord, keys.QUARANTINE, text)
    except StoreError as error:
        at = datetime.fromtimestamp(0, UTC)
        return QuarantinedRecord(keys.QUARANTINE, at, f"damaged: {error}", repr(text[:500]))


def _decode_value(name: str, value: Any) -> Any:
    if name == "state":
        return TaskStatus(value)
    if name not in _TIME_FIELDS or value is None:
        return value
    return datetime.fromisoformat(value)
