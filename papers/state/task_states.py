"""How the sources are: the state of each, what is due when, long runs, and what was set aside.

Everything is told by task name (`announcements:cs.AI`, `hf:today`): the same name stands in the
due set, in the states and in the progress, so that a page can show all of it in one line.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from redis import Redis
from redis.client import Pipeline

from papers.errors import StoreError
from papers.redis_backend import keys
from papers.redis_backend.connection import store_errors

MAX_QUARANTINED: Final = 1_000

_CLAIM: Final = """
-- KEYS: the due set. ARGV: task, now, until. Moves a task that is due to `until`; 1 where it was.
local at = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not at or tonumber(at) > tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
return 1
"""


class State(enum.StrEnum):
    """How a source is; only `ok` and `quiet` move its cursor."""

    OK = "ok"
    QUIET = "quiet"
    """A valid answer with nothing in it: a weekend."""
    STALE = "stale"
    """A valid answer from an earlier day, or with far less in it than such a day has."""
    FAILING = "failing"
    """Anything else."""


@dataclass(frozen=True, slots=True)
class SourceState:
    """The state of one source. Times are aware UTC.

    `since` is when it came into this state; `succeeded_at` the last ok or quiet; `said` tells a
    person in a sentence; `got` is how many records the last attempt brought, `usual` how many
    such a day usually has, where that is known; `failures` how many attempts in a row were neither
    ok nor quiet.
    """

    name: str
    state: State
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
    def pace(self) -> float:
        """Records a second since the start."""
        seconds = (self.updated_at - self.started_at).total_seconds()
        return self.done / seconds if seconds > 0 else 0.0

    @property
    def left(self) -> int | None:
        """Records still to come."""
        return None if self.total is None else max(0, self.total - self.done)


@dataclass(frozen=True, slots=True)
class SetAside:
    """A record that could not be taken: from which task, when, why, and how it began."""

    task: str
    at: datetime
    reason: str
    excerpt: str


class SourceStates:
    """The states, the due set, the progress and the quarantine in Redis. Raises StoreAway."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def all(self) -> list[SourceState]:
        """Every state, by name."""
        with store_errors(self._redis):
            found: Any = self._redis.hgetall(keys.SOURCES)
        states = [_decoded(SourceState, keys.SOURCES, text) for text in found.values()]
        return sorted(states, key=lambda state: state.name)

    def get(self, name: str) -> SourceState | None:
        """The state of one source; None before its first attempt."""
        with store_errors(self._redis):
            text: Any = self._redis.hget(keys.SOURCES, name)
        return _decoded(SourceState, keys.SOURCES, text) if text else None

    def put(self, state: SourceState) -> None:
        """Keep a state in place of the one before."""
        with store_errors(self._redis):
            self._redis.hset(keys.SOURCES, state.name, _encoded(state))

    def forget(self, name: str) -> None:
        """Drop all that is kept under a task's name: it is no longer configured."""
        with store_errors(self._redis):
            self._redis.hdel(keys.SOURCES, name)
            self._redis.zrem(keys.DUE, name)
            self._redis.hdel(keys.PROGRESS, name)

    def make_due(self, name: str, at: datetime) -> None:
        """Make a task due at a time, whatever time it had before."""
        with store_errors(self._redis):
            self._redis.zadd(keys.DUE, {name: at.timestamp()})

    def hasten(self, name: str, at: datetime) -> None:
        """Make a task that is planned due at a time, unless it is due sooner."""
        with store_errors(self._redis):
            self._redis.zadd(keys.DUE, {name: at.timestamp()}, xx=True, lt=True)

    def unplan(self, name: str) -> None:
        """Take a task out of the due set: it was to be done once, and is."""
        with store_errors(self._redis):
            self._redis.zrem(keys.DUE, name)

    def due(self, now: datetime) -> list[str]:
        """The tasks whose time has come, longest due first."""
        with store_errors(self._redis):
            names: Any = self._redis.zrangebyscore(keys.DUE, "-inf", now.timestamp())
        return [name.decode() for name in names]

    def next_due(self, name: str) -> datetime | None:
        """When a task is due; None where it is not planned."""
        with store_errors(self._redis):
            at = self._redis.zscore(keys.DUE, name)
        return None if at is None else datetime.fromtimestamp(at, UTC)

    def planned(self) -> dict[str, datetime]:
        """Every task in the due set with its time, the soonest first."""
        with store_errors(self._redis):
            found: Any = self._redis.zrange(keys.DUE, 0, -1, withscores=True)
        return {name.decode(): datetime.fromtimestamp(at, UTC) for name, at in found}

    def claim(self, name: str, now: datetime, until: datetime) -> bool:
        """Take a due task, which is due again at `until` if nobody says otherwise before.

        False where it is not due: whoever else claims at the same time, one gets it.
        """
        with store_errors(self._redis):
            claim = self._redis.eval(
                _CLAIM, 1, keys.DUE, name, str(now.timestamp()), str(until.timestamp())
            )
        return bool(claim)

    def progress(self) -> list[Progress]:
        """Every long run under way, by task."""
        with store_errors(self._redis):
            found: Any = self._redis.hgetall(keys.PROGRESS)
        runs = [_decoded(Progress, keys.PROGRESS, text) for text in found.values()]
        return sorted(runs, key=lambda run: run.task)

    def put_progress(self, progress: Progress) -> None:
        """Keep how far a run is."""
        with store_errors(self._redis):
            self._redis.hset(keys.PROGRESS, progress.task, _encoded(progress))

    def end_progress(self, task: str) -> None:
        """A run is over: nothing is left to show."""
        with store_errors(self._redis):
            self._redis.hdel(keys.PROGRESS, task)

    def quarantine(self, record: SetAside) -> None:
        """Set a record aside; of more than 1,000 the oldest goes."""
        with store_errors(self._redis):
            self._redis.lpush(keys.QUARANTINE, _encoded(record))
            self._redis.ltrim(keys.QUARANTINE, 0, MAX_QUARANTINED - 1)

    def quarantine_once(self, records: Sequence[SetAside]) -> None:
        """Set records aside, those of one task that are there already not again."""

        def push(pipe: Pipeline) -> None:
            texts: Any = pipe.lrange(keys.QUARANTINE, 0, -1)
            there = {_told(_set_aside(text)) for text in texts}
            fresh = [_encoded(record) for record in records if _told(record) not in there]
            pipe.multi()
            if fresh:
                pipe.lpush(keys.QUARANTINE, *fresh)
                pipe.ltrim(keys.QUARANTINE, 0, MAX_QUARANTINED - 1)

        if records:
            with store_errors(self._redis):
                self._redis.transaction(push, keys.QUARANTINE)

    def quarantined(self, limit: int) -> list[SetAside]:
        """What was set aside, newest first; an entry that is damaged is told as one."""
        with store_errors(self._redis):
            texts: Any = self._redis.lrange(keys.QUARANTINE, 0, max(0, limit) - 1)
        return [_set_aside(text) for text in texts[:limit]]

    def quarantine_size(self) -> int:
        """How many records are set aside."""
        with store_errors(self._redis):
            return int(self._redis.llen(keys.QUARANTINE))

    def clear_quarantine(self) -> int:
        """Forget what was set aside; how many records that were."""
        with store_errors(self._redis), self._redis.pipeline() as pipe:
            pipe.llen(keys.QUARANTINE)
            pipe.delete(keys.QUARANTINE)
            return int(pipe.execute()[0])


def _told(record: SetAside) -> tuple[str, str, str]:
    return (record.task, record.reason, record.excerpt)


_Kind = TypeVar("_Kind", SourceState, Progress, SetAside)
_TIMES: Final = {
    "since",
    "attempted_at",
    "succeeded_at",
    "next_at",
    "started_at",
    "updated_at",
    "at",
}


def _encoded(record: SourceState | Progress | SetAside) -> bytes:
    """JSON with times as ISO 8601 in UTC; of a foreign text all that UTF-8 can say."""
    values = {
        name: value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(record).items()
    }
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def _decoded(kind: type[_Kind], key: str, text: bytes) -> _Kind:
    """What was encoded, perhaps before a field was added; anything else is damage, and is named."""
    try:
        values = json.loads(text)
        known = {field.name: field.default is MISSING for field in fields(kind)}
        needed = {name for name, is_needed in known.items() if is_needed}
        if not needed <= set(values) <= set(known):
            raise ValueError(f"fields {sorted(values)}")
        return kind(**{name: _value(name, value) for name, value in values.items()})
    except (ValueError, TypeError, AttributeError) as error:
        raise StoreError(
            f"{key}: {text[:200]!r} is no {kind.__name__} ({error}); delete it to go on"
        ) from error


def _set_aside(text: bytes) -> SetAside:
    """A record that was set aside. Damage here keeps nobody from setting the next one aside."""
    try:
        return _decoded(SetAside, keys.QUARANTINE, text)
    except StoreError as error:
        at = datetime.fromtimestamp(0, UTC)
        return SetAside(keys.QUARANTINE, at, f"damaged: {error}", repr(text[:500]))


def _value(name: str, value: Any) -> Any:
    if name == "state":
        return State(value)
    if name not in _TIMES or value is None:
        return value
    return datetime.fromisoformat(value)
