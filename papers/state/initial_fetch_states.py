"""States of the initial fetches (`fill:SLUG`), one for every saved keyword, and when they are due.

They are kept apart from the states of the other tasks, of which there are a few dozen and which
every request reads. A hash for each status makes their counts as cheap as one state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from redis import Redis

from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors

INITIAL_FETCH_PREFIX: Final = "fill:"
MAX_WAITING_FETCHES: Final = 100
"""Initial fetches that are due at a time; each takes some seconds of arXiv's rate limit."""
_STATE_KEYS: Final = {
    "ok": keys.OK_INITIAL_FETCHES,
    "quiet": keys.QUIET_INITIAL_FETCHES,
    "stale": keys.STALE_INITIAL_FETCHES,
    "failing": keys.FAILING_INITIAL_FETCHES,
}
"""Value of `papers.state.task_states.TaskStatus` to the key of the states that have it."""


class StatePage(NamedTuple):
    """Some of the stored states, and the cursor of the next ones; 0 if these are the last."""

    values: Sequence[bytes]
    next_cursor: int


def is_initial_fetch(task: str) -> bool:
    """Return whether a task is the initial fetch of a keyword."""
    return task.startswith(INITIAL_FETCH_PREFIX)


class InitialFetchStates:
    """The encoded states by status, in Redis; a task has one at most. Raises StoreUnavailable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def get(self, task: str) -> bytes | None:
        """Return the state of a task; None before its first attempt."""
        (stored,) = self.get_all([task])
        return stored

    def get_all(self, tasks: Sequence[str]) -> list[bytes | None]:
        """Return the states of tasks, None for those without, in one round trip."""
        if not tasks:
            return []
        with translate_store_errors(self._redis), self._redis.pipeline(transaction=False) as pipe:
            for key in _STATE_KEYS.values():
                pipe.hmget(key, list(tasks))
            rows = pipe.execute()
        return [next(filter(None, found), None) for found in zip(*rows, strict=True)]

    def save(self, task: str, status: str, encoded: bytes) -> None:
        """Store a state in place of the previous one."""
        self.save_all([(task, status, encoded)])

    def save_all(self, states: Iterable[tuple[str, str, bytes]]) -> None:
        """Store states (task, status, encoded) in place of the previous ones."""
        with translate_store_errors(self._redis), self._redis.pipeline() as pipe:
            for task, status, encoded in states:
                for key in _STATE_KEYS.values():
                    pipe.hdel(key, task)
                pipe.hset(_STATE_KEYS[status], task, encoded)
            pipe.execute()

    def delete(self, task: str) -> None:
        """Delete a state, if there is one."""
        with translate_store_errors(self._redis), self._redis.pipeline() as pipe:
            for key in _STATE_KEYS.values():
                pipe.hdel(key, task)
            pipe.execute()

    def counts(self) -> Mapping[str, int]:
        """Return how many initial fetches are in each status, and `waiting`: how many are due."""
        with translate_store_errors(self._redis), self._redis.pipeline(transaction=False) as pipe:
            for key in _STATE_KEYS.values():
                pipe.hlen(key)
            pipe.zcard(keys.DUE_INITIAL_FETCHES)
            return dict(zip((*_STATE_KEYS, "waiting"), pipe.execute(), strict=True))

    def has_free_place(self) -> bool:
        """Return whether fewer than `MAX_WAITING_FETCHES` are due."""
        return self.counts()["waiting"] < MAX_WAITING_FETCHES

    def clear_due(self) -> None:
        """Remove all from the schedule, as something else brings their papers."""
        with translate_store_errors(self._redis):
            self._redis.delete(keys.DUE_INITIAL_FETCHES)

    def scan(self, status: str, cursor: int, count: int) -> StatePage:
        """Return about `count` states of a status, from a cursor on; 0 is the first."""
        with translate_store_errors(self._redis):
            found: Any = self._redis.hscan(_STATE_KEYS[status], cursor, count=count)
        next_cursor, states = found
        return StatePage([states[task] for task in sorted(states)], int(next_cursor))

    def unscheduled(self, tasks: Sequence[str]) -> list[str]:
        """Return which of the tasks are not due at any time."""
        if not tasks:
            return []
        with translate_store_errors(self._redis):
            scores: Any = self._redis.zmscore(keys.DUE_INITIAL_FETCHES, list(tasks))
        return [task for task, score in zip(tasks, scores, strict=True) if score is None]
