from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.state.task_states import TaskState, TaskStatus
from workers import registry
from workers.schedule import cadence
from workers.schedule.cadence import MAX_BACKOFF, MAX_WAIT
from workers.schedule.task_kind import kind_of

WEDNESDAY = datetime(2026, 11, 18, 5, tzinfo=UTC)
"""Eastern midnight, from which the day's batch is expected."""

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def next_run_at(
    task: str, state: TaskState, now: datetime, *, min_wait: float = 0.0
) -> datetime | None:
    """Return the next run by the cadence of the task's row."""
    row = registry.TASKS[kind_of(task)]
    return cadence.next_run_at(task, row.cadence, state, now, min_wait=min_wait)


def state(kind: TaskStatus, failures: int = 0) -> TaskState:
    return TaskState("x", kind, WEDNESDAY, WEDNESDAY, failures=failures)


# (task, state, time since Eastern midnight, earliest and latest next time after that)
CADENCE = [
    ("announcements:cs.CL", TaskStatus.OK, 10 * MINUTE, DAY + 5 * MINUTE, DAY + 10 * MINUTE),
    ("announcements:cs.CL", TaskStatus.OK, 20 * HOUR, DAY + 5 * MINUTE, DAY + 10 * MINUTE),
    ("announcements:cs.CL", TaskStatus.STALE, 10 * MINUTE, 19 * MINUTE, 21 * MINUTE),
    (
        "announcements:cs.CL",
        TaskStatus.STALE,
        5 * HOUR,
        5 * HOUR + 54 * MINUTE,
        6 * HOUR + 6 * MINUTE,
    ),
    ("announcements:cs.CL", TaskStatus.QUIET, 10 * HOUR, DAY + 5 * MINUTE, DAY + 10 * MINUTE),
    # Friday's batch is here, the next is Monday's
    ("announcements:cs.CL", TaskStatus.OK, 2 * DAY + HOUR, 5 * DAY, 5 * DAY + 10 * MINUTE),
    ("announcements:cs.CL", TaskStatus.QUIET, 3 * DAY + HOUR, 5 * DAY, 5 * DAY + 10 * MINUTE),
    ("hf:today", TaskStatus.OK, HOUR, 2 * HOUR - 3 * MINUTE, 2 * HOUR + 3 * MINUTE),
    ("hf:today", TaskStatus.QUIET, HOUR, 2 * HOUR - 3 * MINUTE, 2 * HOUR + 3 * MINUTE),
    ("hf:recent", TaskStatus.OK, 0 * HOUR, 22 * HOUR, 26 * HOUR),
    ("community:weekly", TaskStatus.OK, HOUR, 2 * HOUR - 3 * MINUTE, 2 * HOUR + 3 * MINUTE),
    ("oai:daily", TaskStatus.OK, HOUR, 23 * HOUR, 27 * HOUR),
    ("oai:daily", TaskStatus.STALE, HOUR, HOUR + 4 * MINUTE, HOUR + 6 * MINUTE),
    ("enrich", TaskStatus.OK, HOUR, HOUR + 5 * MINUTE, HOUR + 5 * MINUTE),
    ("enrich", TaskStatus.QUIET, HOUR, HOUR + 5 * MINUTE, HOUR + 5 * MINUTE),
]


@pytest.mark.parametrize(("task", "kind", "since", "earliest", "latest"), CADENCE)
def test_cadence(
    task: str, kind: TaskStatus, since: timedelta, earliest: timedelta, latest: timedelta
) -> None:
    planned = next_run_at(task, state(kind), WEDNESDAY + since)
    assert planned is not None
    assert WEDNESDAY + earliest <= planned <= WEDNESDAY + latest


@pytest.mark.parametrize("kind", [TaskStatus.OK, TaskStatus.QUIET])
def test_initial_fetch_runs_once(kind: TaskStatus) -> None:
    assert next_run_at("fill:mllm", state(kind), WEDNESDAY) is None


# (failures in a row, minutes until the next attempt, give or take a tenth)
BACKOFF = [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (8, 60), (10_000, 60)]


@pytest.mark.parametrize(("failures", "minutes"), BACKOFF)
@pytest.mark.parametrize("task", ["announcements:cs.CL", "hf:today", "fill:mllm", "enrich"])
def test_backoff_grows_to_an_hour_and_never_gives_up(
    task: str, failures: int, minutes: int
) -> None:
    planned = next_run_at(task, state(TaskStatus.FAILING, failures), WEDNESDAY)
    assert planned is not None
    assert 0.9 <= (planned - WEDNESDAY) / (minutes * MINUTE) <= 1.1


def test_jitter_spreads_tasks_and_is_deterministic() -> None:
    failing = state(TaskStatus.FAILING, 5)
    tasks = [f"announcements:cs.{name}" for name in ("AI", "CL", "CV", "LG", "RO")]
    times = [next_run_at(task, failing, WEDNESDAY) for task in tasks]
    assert len(set(times)) == len(tasks)
    assert times == [next_run_at(task, failing, WEDNESDAY) for task in tasks]


@given(
    st.sampled_from(["announcements:cs.CL", "hf:today", "hf:recent", "community:x", "enrich"]),
    st.sampled_from(TaskStatus),
    st.integers(0, 50),
    st.floats(0, 10**6),
    st.integers(0, 14 * 86_400),
)
def test_next_run_is_later_and_respects_requested_wait(
    task: str, kind: TaskStatus, failures: int, wait: float, after: int
) -> None:
    now = WEDNESDAY + after * SECOND
    planned = next_run_at(task, state(kind, failures), now, min_wait=wait)
    assert planned is not None
    assert planned >= now + min(timedelta(seconds=wait), MAX_WAIT)
    assert now < planned <= now + max(4 * DAY, MAX_BACKOFF)


# The nights of New York's clock changes: arXiv's midnight is at another hour of UTC afterwards.
CLOCK_CHANGES = [
    (datetime(2026, 10, 30, 4, tzinfo=UTC), datetime(2026, 11, 2, 5, tzinfo=UTC)),
    (datetime(2027, 3, 12, 5, tzinfo=UTC), datetime(2027, 3, 15, 4, tzinfo=UTC)),
]


@pytest.mark.row("both daylight-saving nights")
@pytest.mark.parametrize(("friday", "monday"), CLOCK_CHANGES)
def test_batch_is_fetched_once_over_a_clock_change(friday: datetime, monday: datetime) -> None:
    task = "announcements:cs.CL"
    planned_times, now = [], friday + 10 * MINUTE
    while now < monday + DAY:
        kind = TaskStatus.OK
        planned = next_run_at(task, TaskState(task, kind, now, now), now)
        assert planned is not None
        planned_times.append(planned)
        now = planned
    assert [at.date() for at in planned_times] == [monday.date(), monday.date() + DAY]
    assert monday < planned_times[0] < monday + 15 * MINUTE


@pytest.mark.row("both daylight-saving nights")
@pytest.mark.parametrize("hours", range(-3, 4))
@pytest.mark.parametrize("midnight", [midnight for change in CLOCK_CHANGES for midnight in change])
def test_missing_batch_is_polled_around_a_clock_change(midnight: datetime, hours: int) -> None:
    now = midnight + hours * HOUR
    planned = next_run_at("announcements:cs.CL", state(TaskStatus.STALE, 1), now)
    assert planned is not None
    assert 8 * MINUTE < planned - now < 70 * MINUTE
