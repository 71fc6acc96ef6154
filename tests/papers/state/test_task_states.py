from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from papers.errors import BadSettings, StoreError, StoreUnavailable
from papers.redis_backend import keys
from papers.redis_backend.connection import connect, redacted_url, translate_store_errors
from papers.state.task_states import Progress, QuarantinedRecord, TaskState, TaskStates, TaskStatus

NOW = datetime(2026, 11, 21, 12, 0, 0, 250_000, tzinfo=UTC)
SECOND = timedelta(seconds=1)
FEED = TaskState(
    *("announcements:cs.AI", TaskStatus.OK, NOW - SECOND, NOW, NOW, NOW + 60 * SECOND),
    *("Thursday's batch: „742“ papers", 742, 0),
)


@pytest.fixture
def states(redis: Redis) -> TaskStates:
    return TaskStates(redis)


def test_saved_state_is_read_back(states: TaskStates) -> None:
    never = TaskState("hf:today", TaskStatus.FAILING, NOW, NOW, said="no connection", failures=3)
    states.save(FEED)
    states.save(never)
    assert states.all() == [FEED, never]
    assert states.get("hf:today") == never
    assert states.get("hf:recent") is None


def test_decode_all_reads_stored_values_sorted_by_name(redis: Redis, states: TaskStates) -> None:
    for name in ("hf:today", "enrich", "announcements:cs.AI"):
        states.save(replace(FEED, name=name))
    values: Any = redis.hvals(keys.SOURCES)
    assert TaskStates.decode_all(values) == states.all()


def test_saving_a_state_replaces_the_previous_one(states: TaskStates) -> None:
    states.save(FEED)
    states.save(replace(FEED, state=TaskStatus.STALE))
    assert [state.state for state in states.all()] == [TaskStatus.STALE]


DAMAGED = [
    b"no json",
    b"[1]",
    b"5",
    b'{"name": "hf:today", "state": "ok"}',
    b'{"name":"a","state":"excellent","since":"2026-11-21T12:00:00+00:00","attempted_at":'
    b'"2026-11-21T12:00:00+00:00","succeeded_at":null,"next_at":null,"said":"","got":0,'
    b'"failures":0}',
    b'{"name":"a","state":"ok","since":7,"attempted_at":"2026-11-21T12:00:00+00:00",'
    b'"succeeded_at":null,"next_at":null,"said":"","got":0,"failures":0}',
]


@pytest.mark.parametrize("text", DAMAGED)
def test_damaged_state_is_named(redis: Redis, states: TaskStates, text: bytes) -> None:
    redis.hset(keys.SOURCES, "a", text)
    with pytest.raises(StoreError, match=r"sources: .* is no TaskState"):
        states.get("a")


def test_due_tasks_are_sorted_longest_due_first(states: TaskStates) -> None:
    for name, seconds in (("late", -60), ("now", 0), ("soon", 1), ("later", 60)):
        states.schedule(name, NOW + seconds * SECOND)
    assert states.due_tasks(NOW) == ["late", "now"]
    assert list(states.due_times()) == ["late", "now", "soon", "later"]
    assert states.due_time("soon") == NOW + SECOND
    assert states.due_time("never") is None


def test_unscheduled_task_keeps_its_state(states: TaskStates) -> None:
    states.schedule("fill:mllm", NOW)
    states.save(replace(FEED, name="fill:mllm"))
    states.unschedule("fill:mllm")
    assert states.due_times() == {}
    assert states.get("fill:mllm") is not None


def test_only_one_of_many_claims_succeeds(states: TaskStates) -> None:
    states.schedule("enrich", NOW)
    claims = [states.claim("enrich", NOW, NOW + 60 * SECOND) for _ in range(5)]
    assert claims == [True, False, False, False, False]
    assert states.due_tasks(NOW) == []
    assert states.claim("enrich", NOW + 60 * SECOND, NOW + 120 * SECOND)


def test_task_that_is_not_due_cannot_be_claimed(states: TaskStates) -> None:
    states.schedule("soon", NOW + SECOND)
    assert not states.claim("soon", NOW, NOW + 60 * SECOND)
    assert not states.claim("never", NOW, NOW + 60 * SECOND)
    assert states.due_times() == {"soon": NOW + SECOND}


def test_progress_has_a_rate_and_is_deleted_at_the_end(states: TaskStates) -> None:
    run = Progress("fill:mllm", 50, 200, NOW, NOW + 25 * SECOND)
    states.save_progress(run)
    assert states.list_progress() == [run]
    assert (run.records_per_second, run.remaining) == (2.0, 150)
    states.delete_progress("fill:mllm")
    assert states.list_progress() == []


def test_progress_at_its_start_and_without_a_total() -> None:
    run = Progress("fill:mllm", 0, None, NOW, NOW)
    assert (run.records_per_second, run.remaining) == (0.0, None)


def test_deleted_task_leaves_nothing(states: TaskStates) -> None:
    states.save(FEED)
    states.schedule(FEED.name, NOW)
    states.save_progress(Progress(FEED.name, 0, None, NOW, NOW))
    states.delete_task(FEED.name)
    assert (states.all(), states.due_times(), states.list_progress()) == ([], {}, [])


def test_quarantine_keeps_the_newest_thousand_records(redis: Redis, states: TaskStates) -> None:
    for number in range(1_003):
        states.quarantine(QuarantinedRecord("hf:today", NOW, f"reason {number}", "<entry>"))
    newest = states.list_quarantined(2)
    assert [record.reason for record in newest] == ["reason 1002", "reason 1001"]
    assert len(states.list_quarantined(5_000)) == redis.llen(keys.QUARANTINE) == 1_000
    assert states.list_quarantined(0) == []


CALLS: list[Callable[[TaskStates], object]] = [
    lambda states: states.all(),
    lambda states: states.get("a"),
    lambda states: states.save(FEED),
    lambda states: states.due_tasks(NOW),
    lambda states: states.claim("a", NOW, NOW),
    lambda states: states.list_progress(),
    lambda states: states.list_quarantined(1),
]


@pytest.mark.parametrize("call", CALLS)
def test_unavailable_store_is_reported(
    tmp_path: Path, call: Callable[[TaskStates], object]
) -> None:
    away = connect(f"unix://user:secret@{tmp_path}/none", retry=False)
    with pytest.raises(StoreUnavailable, match=rf"the store at unix://{tmp_path}/none does not"):
        call(TaskStates(away))


URLS = [
    ("redis://:secret@store.example:6390/2", "redis://store.example:6390/2"),
    ("rediss://user:secret@store.example", "rediss://store.example:6379/0"),
    ("unix://user:secret@/run/store", "unix:///run/store"),
]


@pytest.mark.parametrize(("url", "shown"), URLS)
@pytest.mark.parametrize("retry", [True, False])
def test_redacted_url_has_no_password(url: str, shown: str, retry: bool) -> None:
    assert redacted_url(connect(url, retry=retry)) == shown


def test_url_that_is_not_redis_is_a_bad_setting() -> None:
    with pytest.raises(BadSettings, match="redis_url"):
        connect("http://store.example", retry=True)


def test_only_retrying_clients_retry() -> None:
    def retry_count(*, retry: bool) -> int:
        policy = connect("redis://x", retry=retry).get_retry()
        assert policy is not None
        return policy.get_retries()

    assert retry_count(retry=False) == 0
    assert retry_count(retry=True) > 3


def test_store_without_memory_is_readable_but_takes_no_writes(redis: Redis) -> None:
    redis.config_set("maxmemory", "1")
    try:
        with (
            pytest.raises(StoreError, match="takes no writes") as error,
            translate_store_errors(redis),
        ):
            redis.set("a", "b")
        assert not isinstance(error.value, StoreUnavailable)
        with translate_store_errors(redis):
            assert redis.get("a") is None
    finally:
        redis.config_set("maxmemory", "0")


def test_other_errors_are_not_translated(redis: Redis) -> None:
    with pytest.raises(ZeroDivisionError), translate_store_errors(redis):
        _ = 1 / 0
