from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from papers.config.settings import Settings
from papers.redis_backend import keys
from papers.state.communities import Communities
from papers.state.keywords import Keywords
from papers.state.task_states import TaskState, TaskStates, TaskStatus
from workers import registry
from workers.registry import recurring_tasks, task_kinds
from workers.schedule import cadence
from workers.schedule.cadence import MAX_BACKOFF, MAX_WAIT
from workers.schedule.lease import Lease, heartbeat_thread
from workers.schedule.scheduler import CLAIM_TTL, LEASE_SECONDS, Scheduler
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


SETTINGS = Settings(categories=("cs.CL",), communities={"weekly": "https://example.org/feed"})
RECURRING = [
    "announcements:cs.CL",
    "oai:daily",
    "hf:today",
    "hf:recent",
    "community:weekly",
    "enrich",
    "closing",
]


class SchedulerHarness:
    """A scheduler and the wake-ups it sends."""

    def __init__(self, redis: Redis, settings: Settings = SETTINGS) -> None:
        self.woken: list[str] = []
        self.backlog = 0
        self.scheduler = Scheduler(
            redis,
            settings,
            task_kinds(),
            lambda task, now: self.woken.append(task),
            lambda: self.backlog,
        )

    def tick(self, now: datetime) -> list[str]:
        return self.scheduler.tick(now)


def test_recurring_tasks() -> None:
    assert sorted(recurring_tasks(SETTINGS)) == sorted(RECURRING)
    assert recurring_tasks(Settings(categories=(), huggingface=False)) == ["enrich", "closing"]


def test_first_tick_wakes_every_task_once(redis: Redis) -> None:
    harness = SchedulerHarness(redis)
    assert sorted(harness.tick(WEDNESDAY)) == sorted(RECURRING)
    assert harness.tick(WEDNESDAY + SECOND) == []
    assert sorted(harness.woken) == sorted(RECURRING)


def test_saved_community_is_scheduled_and_removed(redis: Redis) -> None:
    harness, communities = SchedulerHarness(redis), Communities(redis, SETTINGS)
    harness.tick(WEDNESDAY)
    communities.add("club", "https://club.example/feed", now=WEDNESDAY)
    assert harness.tick(WEDNESDAY + SECOND) == ["community:club"]
    redis.zrem(keys.DUE_TASKS, "community:club")  # as after the store was emptied
    assert harness.tick(WEDNESDAY + 2 * SECOND) == ["community:club"]
    communities.remove("club")
    harness.tick(WEDNESDAY + 3 * SECOND)
    assert "community:club" not in TaskStates(redis).due_times()


def test_lost_wake_up_is_sent_again(redis: Redis) -> None:
    harness = SchedulerHarness(redis)
    harness.tick(WEDNESDAY)
    harness.woken.clear()
    assert harness.tick(WEDNESDAY + CLAIM_TTL - SECOND) == []
    assert sorted(harness.tick(WEDNESDAY + CLAIM_TTL)) == sorted(RECURRING)


def test_tasks_due_later_are_not_woken(redis: Redis) -> None:
    states = TaskStates(redis)
    for task in RECURRING:
        states.schedule(task, WEDNESDAY + HOUR)
    states.schedule("hf:today", WEDNESDAY)
    assert SchedulerHarness(redis).tick(WEDNESDAY) == ["hf:today"]


def test_many_schedulers_wake_each_task_once(redis: Redis) -> None:
    harnesses = [SchedulerHarness(redis) for _ in range(8)]
    threads = [threading.Thread(target=each.tick, args=(WEDNESDAY,)) for each in harnesses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(task for each in harnesses for task in each.woken) == sorted(RECURRING)


def test_another_scheduler_takes_over_after_death_or_resignation(redis: Redis) -> None:
    first, second = SchedulerHarness(redis), SchedulerHarness(redis)
    first.tick(WEDNESDAY)
    assert second.tick(WEDNESDAY + CLAIM_TTL) == []
    assert 0 < redis.pttl(keys.SCHEDULER_LEASE) <= LEASE_SECONDS * 1000
    redis.delete(keys.SCHEDULER_LEASE)  # as after thirty seconds
    assert len(second.tick(WEDNESDAY + CLAIM_TTL)) == len(RECURRING)
    assert first.tick(WEDNESDAY + 2 * CLAIM_TTL) == []
    first.scheduler.resign()  # it has nothing to release
    assert first.tick(WEDNESDAY + 2 * CLAIM_TTL) == []
    second.scheduler.resign()
    assert len(first.tick(WEDNESDAY + 2 * CLAIM_TTL)) == len(RECURRING)


def test_wake_ups_do_not_pile_up_without_workers(redis: Redis) -> None:
    harness = SchedulerHarness(redis)
    harness.backlog = 2 * len(RECURRING)
    assert harness.tick(WEDNESDAY) == []
    harness.backlog = 0
    assert len(harness.tick(WEDNESDAY)) == len(RECURRING)


def test_tasks_no_longer_configured_are_deleted(redis: Redis) -> None:
    SchedulerHarness(redis).tick(WEDNESDAY)
    states = TaskStates(redis)
    states.save(TaskState("community:weekly", TaskStatus.FAILING, WEDNESDAY, WEDNESDAY))
    redis.delete(keys.SCHEDULER_LEASE)
    SchedulerHarness(redis, Settings(categories=("cs.LG",))).tick(WEDNESDAY + SECOND)
    assert sorted(states.due_times()) == [
        *("announcements:cs.LG", "closing", "enrich", "hf:recent", "hf:today", "oai:daily")
    ]
    assert states.get("community:weekly") is None


def test_lost_initial_fetch_is_rescheduled_until_it_succeeds(redis: Redis) -> None:
    harness, states = SchedulerHarness(redis), TaskStates(redis)
    Keywords(redis).add("MLLM", "mllm", now=WEDNESDAY)
    redis.delete(keys.DUE_TASKS)
    assert "fill:mllm" in harness.tick(WEDNESDAY)
    states.unschedule("fill:mllm")
    states.save(TaskState("fill:mllm", TaskStatus.QUIET, WEDNESDAY, WEDNESDAY, WEDNESDAY))
    assert "fill:mllm" not in harness.tick(WEDNESDAY + DAY)


def test_changed_keyword_is_fetched_again(redis: Redis) -> None:
    harness, states, keywords = SchedulerHarness(redis), TaskStates(redis), Keywords(redis)
    keywords.add("MLLM", "mllm", now=WEDNESDAY)
    harness.tick(WEDNESDAY)
    states.unschedule("fill:mllm")
    states.save(TaskState("fill:mllm", TaskStatus.QUIET, WEDNESDAY, WEDNESDAY, WEDNESDAY))
    keywords.add("MLLM", "mllm OR vlm", now=WEDNESDAY + MINUTE)
    assert "fill:mllm" in harness.tick(WEDNESDAY + MINUTE)


def test_interrupted_ingest_is_settled(redis: Redis) -> None:
    redis.zadd(keys.PENDING_INGESTS, {"2611": WEDNESDAY.timestamp()})
    revision = int(redis.get(keys.REVISION) or 0)
    SchedulerHarness(redis).tick(WEDNESDAY)
    assert int(redis.get(keys.REVISION) or 0) > revision


def test_lease_has_one_holder(redis: Redis) -> None:
    lease, other_lease = Lease(redis, "lease:x", 30.0), Lease(redis, "lease:x", 30.0)
    assert [lease.acquire(), other_lease.acquire(), lease.acquire()] == [True, False, True]
    other_lease.release()
    assert not other_lease.acquire()
    lease.release()
    assert other_lease.acquire()


def test_lease_expires(redis: Redis) -> None:
    lease, other_lease = Lease(redis, "lease:x", 0.05), Lease(redis, "lease:x", 30.0)
    assert lease.acquire()
    threading.Event().wait(0.1)
    assert other_lease.acquire()
    assert not lease.acquire()


def test_heartbeat_stops_with_the_block() -> None:
    beats = threading.Semaphore(0)
    with heartbeat_thread(beats.release, interval=0.01):
        assert beats.acquire(timeout=30)
        assert beats.acquire(timeout=30)
    while beats.acquire(blocking=False):
        pass
    assert not beats.acquire(timeout=0.05)


@pytest.mark.row("clock jumps")
def test_times_from_a_clock_ahead_are_corrected(redis: Redis) -> None:
    harness, states = SchedulerHarness(redis), TaskStates(redis)
    harness.tick(WEDNESDAY)
    for task in RECURRING:
        states.schedule(task, WEDNESDAY + 300 * DAY)  # planned by a clock a year ahead
    harness.woken.clear()
    harness.tick(WEDNESDAY + MINUTE)
    assert sorted(harness.woken) == sorted(RECURRING)


# (jump of the clock, wake-ups of each task in ten ticks around it)
JUMPS = [(DAY, 2), (30 * DAY, 2), (-HOUR, 1), (-DAY, 1)]


@pytest.mark.row("clock jumps")
@pytest.mark.parametrize(("jump", "times"), JUMPS)
def test_clock_jump_wakes_each_task_at_most_once_more(
    redis: Redis, jump: timedelta, times: int
) -> None:
    harness, states = SchedulerHarness(redis), TaskStates(redis)
    now = WEDNESDAY
    for tick in range(10):
        now += SECOND if tick != 5 else jump
        for task in harness.tick(now):
            states.schedule(task, now + HOUR)  # a worker runs it at once
    assert {task: harness.woken.count(task) for task in RECURRING} == dict.fromkeys(
        RECURRING, times
    )


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
