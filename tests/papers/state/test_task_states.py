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


def test_a_state_comes_back_as_it_was(states: TaskStates) -> None:
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


def test_the_newest_state_is_kept(states: TaskStates) -> None:
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
def test_damage_is_named(redis: Redis, states: TaskStates, text: bytes) -> None:
    redis.hset(keys.SOURCES, "a", text)
    with pytest.raises(StoreError, match=r"sources: .* is no TaskState"):
        states.get("a")


def test_due_are_those_whose_time_has_come_longest_first(states: TaskStates) -> None:
    for name, seconds in (("late", -60), ("now", 0), ("soon", 1), ("later", 60)):
        states.schedule(name, NOW + seconds * SECOND)
    assert states.due_tasks(NOW) == ["late", "now"]
    assert list(states.due_times()) == ["late", "now", "soon", "later"]
    assert states.due_time("soon") == NOW + SECOND
    assert states.due_time("never") is None


def test_what_is_done_for_good_is_planned_no_more(states: TaskStates) -> None:
    states.schedule("fill:mllm", NOW)
    states.save(replace(FEED, name="fill:mllm"))
    states.unschedule("fill:mllm")
    assert states.due_times() == {}
    assert states.get("fill:mllm") is not None


def test_of_many_claims_one_gets_the_task(states: TaskStates) -> None:
    states.schedule("enrich", NOW)
    claims = [states.claim("enrich", NOW, NOW + 60 * SECOND) for _ in range(5)]
    assert claims == [True, False, False, False, False]
    assert states.due_tasks(NOW) == []
    assert states.claim("enrich", NOW + 60 * SECOND, NOW + 120 * SECOND)


def test_what_is_not_due_or_not_planned_cannot_be_claimed(states: TaskStates) -> None:
    states.schedule("soon", NOW + SECOND)
    assert not states.claim("soon", NOW, NOW + 60 * SECOND)
    assert not states.claim("never", NOW, NOW + 60 * SECOND)
    assert states.due_times() == {"soon": NOW + SECOND}


def test_progress_has_a_pace_and_an_end(states: TaskStates) -> None:
    run = Progress("fill:mllm", 50, 200, NOW, NOW + 25 * SECOND)
    states.save_progress(run)
    assert states.list_progress() == [run]
    assert (run.records_per_second, run.remaining) == (2.0, 150)
    states.delete_progress("fill:mllm")
    assert states.list_progress() == []


def test_progress_at_its_start_and_without_a_total() -> None:
    run = Progress("fill:mllm", 0, None, NOW, NOW)
    assert (run.records_per_second, run.remaining) == (0.0, None)


def test_forgotten_is_gone_everywhere(states: TaskStates) -> None:
    states.save(FEED)
    states.schedule(FEED.name, NOW)
    states.save_progress(Progress(FEED.name, 0, None, NOW, NOW))
    states.delete_task(FEED.name)
    assert (states.all(), states.due_times(), states.list_progress()) == ([], {}, [])


def test_the_quarantine_keeps_the_newest_thousand(redis: Redis, states: TaskStates) -> None:
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
def test_a_store_that_is_away_is_said_to_be(
    tmp_path: Path, call: Callable[[TaskStates], object]
) -> None:
    away = connect(f"unix://user:secret@{tmp_path}/none", retry=False)
    with pytest.raises(StoreUnavailable, match=rf"the store at unix://{tmp_path}/none does not"):
        call(TaskStates(away))


ADDRESSES = [
    ("redis://:secret@store.example:6390/2", "redis://store.example:6390/2"),
    ("rediss://user:secret@store.example", "rediss://store.example:6379/0"),
    ("unix://user:secret@/run/store", "unix:///run/store"),
]


@pytest.mark.parametrize(("url", "shown"), ADDRESSES)
@pytest.mark.parametrize("patient", [True, False])
def test_an_address_is_shown_without_its_password(url: str, shown: str, patient: bool) -> None:
    assert redacted_url(connect(url, retry=patient)) == shown


def test_another_kind_of_url_is_a_bad_setting() -> None:
    with pytest.raises(BadSettings, match="redis_url"):
        connect("http://store.example", retry=True)


def test_impatient_clients_try_once_and_patient_ones_again() -> None:
    def retries(patient: bool) -> int:
        retry = connect("redis://x", retry=patient).get_retry()
        assert retry is not None
        return retry.get_retries()

    assert retries(False) == 0
    assert retries(True) > 3


def test_a_store_without_memory_is_there_but_takes_no_writes(redis: Redis) -> None:
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


def test_other_errors_pass_as_they_are(redis: Redis) -> None:
    with pytest.raises(ZeroDivisionError), translate_store_errors(redis):
        _ = 1 / 0
