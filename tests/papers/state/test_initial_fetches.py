from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from redis import Redis

from papers.maintenance import migrations
from papers.redis_backend import keys
from papers.state.initial_fetch_states import InitialFetchStates
from papers.state.initial_fetches import (
    missing_initial_fetches,
    move_initial_fetches,
    unfinished_initial_fetches,
)
from papers.state.record_codec import encode_record
from papers.state.task_states import TaskState, TaskStates, TaskStatus

NOW = datetime(2026, 11, 18, 5, tzinfo=UTC)
FILLED = TaskState("fill:mllm", TaskStatus.OK, NOW, NOW, NOW, said="20 papers", got=20)
FAILING = TaskState("fill:rewards", TaskStatus.FAILING, NOW, NOW, None, NOW, "429", failures=2)
SOURCE = TaskState("hf:today", TaskStatus.QUIET, NOW, NOW, NOW)


def test_initial_fetch_has_one_state_apart_from_the_sources(redis: Redis) -> None:
    states = TaskStates(redis)
    for state in (SOURCE, FAILING, replace(FAILING, state=TaskStatus.OK), FILLED):
        states.save(state)
    assert states.all() == [SOURCE]
    assert states.get("fill:rewards") == replace(FAILING, state=TaskStatus.OK)
    assert InitialFetchStates(redis).counts() == {
        "ok": 2,
        "quiet": 0,
        "stale": 0,
        "failing": 0,
        "waiting": 0,
    }
    states.delete_task("fill:rewards")
    assert states.get("fill:rewards") is None
    assert redis.hlen(keys.SOURCES) == 1


def test_unfinished_and_missing(redis: Redis) -> None:
    states, tasks = TaskStates(redis), ["fill:mllm", "fill:new", "fill:rewards"]
    states.save(FILLED)
    states.save(FAILING)
    states.schedule("fill:rewards", NOW)
    assert unfinished_initial_fetches(redis, tasks) == ["fill:new", "fill:rewards"]
    assert missing_initial_fetches(redis, tasks) == ["fill:new"]
    assert missing_initial_fetches(redis, []) == []


@pytest.mark.parametrize("count", [1, 2_500])
def test_data_of_an_older_release_is_moved(redis: Redis, count: int) -> None:
    older = [replace(FILLED, name=f"fill:k{number}") for number in range(count)]
    redis.hset(keys.SOURCES, mapping={s.name: encode_record(s) for s in (*older, FAILING, SOURCE)})
    redis.zadd(keys.DUE_TASKS, {"fill:rewards": NOW.timestamp(), "hf:today": NOW.timestamp()})
    migrations.prepare_store(redis)
    states = TaskStates(redis)
    assert (states.all(), list(states.due_times())) == ([SOURCE], ["hf:today"])
    assert (states.get("fill:rewards"), states.due_time("fill:rewards")) == (FAILING, NOW)
    assert states.get("fill:k0") == older[0]
    assert InitialFetchStates(redis).counts()["ok"] == count
    assert move_initial_fetches(redis) == 0


def test_start_moves_nothing_while_a_scheduler_runs(redis: Redis) -> None:
    redis.hset(keys.SOURCES, FILLED.name, encode_record(FILLED))
    redis.set(keys.SCHEDULER_LEASE, "of an older release")
    migrations.prepare_store(redis)
    assert redis.hkeys(keys.SOURCES) == [b"fill:mllm"]


def test_pages_of_states_hold_each_once(redis: Redis) -> None:
    stored = InitialFetchStates(redis)
    tasks = {f"fill:k{number}" for number in range(300)}
    stored.save_all((task, "failing", task.encode() + b" " * 70) for task in tasks)
    seen, cursor = list[bytes](), 0
    while True:
        values, cursor = stored.scan("failing", cursor, 50)
        assert len(values) < 100
        seen += values
        if not cursor:
            break
    assert {value.decode().strip() for value in seen} == tasks
    assert stored.scan("ok", 0, 50) == ([], 0)
