"""Which initial fetches are missing, and the move of states that older releases stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from redis import Redis

from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors
from papers.state.initial_fetch_states import InitialFetchStates, is_initial_fetch
from papers.state.task_states import TaskStates

_MOVE_BATCH: Final = 1_000


def missing_initial_fetches(redis: Redis, tasks: Sequence[str]) -> list[str]:
    """Return which of these initial fetches have never succeeded and are not scheduled."""
    return unfinished_initial_fetches(redis, InitialFetchStates(redis).unscheduled(tasks))


def unfinished_initial_fetches(redis: Redis, tasks: Sequence[str]) -> list[str]:
    """Return which of these initial fetches have never succeeded. Raises StoreError."""
    stored = InitialFetchStates(redis).get_all(tasks)
    states = TaskStates.decode_all(state for state in stored if state)
    succeeded = {state.name for state in states if state.succeeded_at}
    return [task for task in tasks if task not in succeeded]


def move_initial_fetches(redis: Redis) -> int:
    """Move the initial fetches that an older release keeps among the other tasks.

    It may be interrupted and repeated. Returns how many they were. Raises StoreError if a state is
    damaged.
    """
    task_states = TaskStates(redis)
    with translate_store_errors(redis):
        states: Any = redis.hkeys(keys.SOURCES)
    stored = [task for task in map(bytes.decode, states) if is_initial_fetch(task)]
    planned = {t: at for t, at in task_states.due_times().items() if is_initial_fetch(t)}
    for start in range(0, len(stored), _MOVE_BATCH):
        _move_states(redis, stored[start : start + _MOVE_BATCH])
    for task, at in planned.items():
        task_states.schedule(task, at)
        with translate_store_errors(redis):
            redis.zrem(keys.DUE_TASKS, task)
    return len({*stored, *planned})


def _move_states(redis: Redis, tasks: Sequence[str]) -> None:
    with translate_store_errors(redis):
        stored: Any = redis.hmget(keys.SOURCES, list(tasks))
    encoded = [state for state in stored if state]
    states = {state.name: state.state for state in TaskStates.decode_all(encoded)}
    moved = [(t, states[t], state) for t, state in zip(tasks, stored, strict=True) if t in states]
    InitialFetchStates(redis).save_all(moved)
    with translate_store_errors(redis):
        redis.hdel(keys.SOURCES, *tasks)
