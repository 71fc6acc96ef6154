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
def test_a_fill_is_done_once(kind: TaskStatus) -> None:
    assert next_run_at("fill:mllm", state(kind), WEDNESDAY) is None


# (failures in a row, minutes until the next try, a tenth more or less)
BACKOFF = [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (8, 60), (10_000, 60)]


@pytest.mark.parametrize(("failures", "minutes"), BACKOFF)
@pytest.mark.parametrize("task", ["announcements:cs.CL", "hf:today", "fill:mllm", "enrich"])
def test_backoff_grows_to_an_hour_and_never_gives_up(
    task: str, failures: int, minutes: int
) -> None:
    planned = next_run_at(task, state(TaskStatus.FAILING, failures), WEDNESDAY)
    assert planned is not None
    assert 0.9 <= (planned - WEDNESDAY) / (minutes * MINUTE) <= 1.1


def test_neighbours_are_spread_and_the_same_is_the_same() -> None:
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
def test_the_next_time_is_later_and_no_sooner_than_asked(
    task: str, kind: TaskStatus, failures: int, wait: float, after: int
) -> None:
    now = WEDNESDAY + after * SECOND
    planned = next_run_at(task, state(kind, failures), now, min_wait=wait)
    assert planned is not None
    assert planned >= now + min(timedelta(seconds=wait), MAX_WAIT)
    assert now < planned <= now + max(4 * DAY, MAX_BACKOFF)


SETTINGS = Settings(categories=("cs.CL",), communities={"weekly": "https://example.org/feed"})
STANDING = [
    "announcements:cs.CL",
    "oai:daily",
    "hf:today",
    "hf:recent",
    "community:weekly",
    "enrich",
    "closing",
]


class Clockwork:
    """A scheduler, and the wake-ups it sends."""

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


def test_standing_tasks() -> None:
    assert sorted(recurring_tasks(SETTINGS)) == sorted(STANDING)
    assert recurring_tasks(Settings(categories=(), huggingface=False)) == ["enrich", "closing"]


def test_a_fresh_start_wakes_everything_at_once_and_once(redis: Redis) -> None:
    clockwork = Clockwork(redis)
    assert sorted(clockwork.tick(WEDNESDAY)) == sorted(STANDING)
    assert clockwork.tick(WEDNESDAY + SECOND) == []
    assert sorted(clockwork.woken) == sorted(STANDING)


def test_a_saved_community_is_taken_up_and_let_go(redis: Redis) -> None:
    clockwork, communities = Clockwork(redis), Communities(redis, SETTINGS)
    clockwork.tick(WEDNESDAY)
    communities.add("club", "https://club.example/feed", now=WEDNESDAY)
    assert clockwork.tick(WEDNESDAY + SECOND) == ["community:club"]
    redis.zrem(keys.DUE_TASKS, "community:club")  # what a store that was emptied forgets
    assert clockwork.tick(WEDNESDAY + 2 * SECOND) == ["community:club"]
    communities.remove("club")
    clockwork.tick(WEDNESDAY + 3 * SECOND)
    assert "community:club" not in TaskStates(redis).due_times()


def test_a_lost_wake_up_is_sent_again(redis: Redis) -> None:
    clockwork = Clockwork(redis)
    clockwork.tick(WEDNESDAY)
    clockwork.woken.clear()
    assert clockwork.tick(WEDNESDAY + CLAIM_TTL - SECOND) == []
    assert sorted(clockwork.tick(WEDNESDAY + CLAIM_TTL)) == sorted(STANDING)


def test_what_is_planned_for_later_waits(redis: Redis) -> None:
    states = TaskStates(redis)
    for task in STANDING:
        states.schedule(task, WEDNESDAY + HOUR)
    states.schedule("hf:today", WEDNESDAY)
    assert Clockwork(redis).tick(WEDNESDAY) == ["hf:today"]


def test_many_schedulers_wake_each_task_once(redis: Redis) -> None:
    clockworks = [Clockwork(redis) for _ in range(8)]
    threads = [threading.Thread(target=each.tick, args=(WEDNESDAY,)) for each in clockworks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(task for each in clockworks for task in each.woken) == sorted(STANDING)


def test_another_scheduler_takes_over_where_one_died_or_resigned(redis: Redis) -> None:
    first, second = Clockwork(redis), Clockwork(redis)
    first.tick(WEDNESDAY)
    assert second.tick(WEDNESDAY + CLAIM_TTL) == []
    assert 0 < redis.pttl(keys.SCHEDULER_LEASE) <= LEASE_SECONDS * 1000
    redis.delete(keys.SCHEDULER_LEASE)  # what thirty seconds do
    assert len(second.tick(WEDNESDAY + CLAIM_TTL)) == len(STANDING)
    assert first.tick(WEDNESDAY + 2 * CLAIM_TTL) == []
    first.scheduler.resign()  # it has nothing to give up
    assert first.tick(WEDNESDAY + 2 * CLAIM_TTL) == []
    second.scheduler.resign()
    assert len(first.tick(WEDNESDAY + 2 * CLAIM_TTL)) == len(STANDING)


def test_no_wake_ups_pile_up_where_no_worker_takes_them(redis: Redis) -> None:
    clockwork = Clockwork(redis)
    clockwork.backlog = 2 * len(STANDING)
    assert clockwork.tick(WEDNESDAY) == []
    clockwork.backlog = 0
    assert len(clockwork.tick(WEDNESDAY)) == len(STANDING)


def test_what_is_no_longer_configured_is_forgotten(redis: Redis) -> None:
    Clockwork(redis).tick(WEDNESDAY)
    states = TaskStates(redis)
    states.save(TaskState("community:weekly", TaskStatus.FAILING, WEDNESDAY, WEDNESDAY))
    redis.delete(keys.SCHEDULER_LEASE)
    Clockwork(redis, Settings(categories=("cs.LG",))).tick(WEDNESDAY + SECOND)
    assert sorted(states.due_times()) == [
        *("announcements:cs.LG", "closing", "enrich", "hf:recent", "hf:today", "oai:daily")
    ]
    assert states.get("community:weekly") is None


def test_a_keyword_is_filled_once_even_if_its_task_got_lost(redis: Redis) -> None:
    clockwork, states = Clockwork(redis), TaskStates(redis)
    Keywords(redis).add("MLLM", "mllm", now=WEDNESDAY)
    redis.delete(keys.DUE_TASKS)
    assert "fill:mllm" in clockwork.tick(WEDNESDAY)
    states.unschedule("fill:mllm")
    states.save(TaskState("fill:mllm", TaskStatus.QUIET, WEDNESDAY, WEDNESDAY, WEDNESDAY))
    assert "fill:mllm" not in clockwork.tick(WEDNESDAY + DAY)


def test_a_keyword_that_changed_is_filled_again(redis: Redis) -> None:
    clockwork, states, keywords = Clockwork(redis), TaskStates(redis), Keywords(redis)
    keywords.add("MLLM", "mllm", now=WEDNESDAY)
    clockwork.tick(WEDNESDAY)
    states.unschedule("fill:mllm")
    states.save(TaskState("fill:mllm", TaskStatus.QUIET, WEDNESDAY, WEDNESDAY, WEDNESDAY))
    keywords.add("MLLM", "mllm OR vlm", now=WEDNESDAY + MINUTE)
    assert "fill:mllm" in clockwork.tick(WEDNESDAY + MINUTE)


def test_an_ingest_that_was_cut_short_is_settled(redis: Redis) -> None:
    redis.zadd(keys.PENDING_INGESTS, {"2611": WEDNESDAY.timestamp()})
    revision = int(redis.get(keys.REVISION) or 0)
    Clockwork(redis).tick(WEDNESDAY)
    assert int(redis.get(keys.REVISION) or 0) > revision


def test_a_lease_has_one_holder(redis: Redis) -> None:
    one, other = Lease(redis, "lease:x", 30.0), Lease(redis, "lease:x", 30.0)
    assert [one.acquire(), other.acquire(), one.acquire()] == [True, False, True]
    other.release()
    assert not other.acquire()
    one.release()
    assert other.acquire()


def test_a_lease_runs_out(redis: Redis) -> None:
    one, other = Lease(redis, "lease:x", 0.05), Lease(redis, "lease:x", 30.0)
    assert one.acquire()
    threading.Event().wait(0.1)
    assert other.acquire()
    assert not one.acquire()


def test_beats_come_until_the_end_and_then_no_more() -> None:
    beaten = threading.Semaphore(0)
    with heartbeat_thread(beaten.release, interval=0.01):
        assert beaten.acquire(timeout=30)
        assert beaten.acquire(timeout=30)
    while beaten.acquire(blocking=False):
        pass
    assert not beaten.acquire(timeout=0.05)


@pytest.mark.row("clock jumps")
def test_a_clock_that_was_ahead_keeps_nothing_waiting(redis: Redis) -> None:
    clockwork, states = Clockwork(redis), TaskStates(redis)
    clockwork.tick(WEDNESDAY)
    for task in STANDING:
        states.schedule(task, WEDNESDAY + 300 * DAY)  # planned by a clock a year ahead
    clockwork.woken.clear()
    clockwork.tick(WEDNESDAY + MINUTE)
    assert sorted(clockwork.woken) == sorted(STANDING)


# (what the clock does, how often each task is woken by ten ticks around it)
JUMPS = [(DAY, 2), (30 * DAY, 2), (-HOUR, 1), (-DAY, 1)]


@pytest.mark.row("clock jumps")
@pytest.mark.parametrize(("jump", "times"), JUMPS)
def test_a_clock_that_jumps_wakes_each_task_once_more_at_most(
    redis: Redis, jump: timedelta, times: int
) -> None:
    clockwork, states = Clockwork(redis), TaskStates(redis)
    now = WEDNESDAY
    for tick in range(10):
        now += SECOND if tick != 5 else jump
        for task in clockwork.tick(now):
            states.schedule(task, now + HOUR)  # a worker runs it at once
    assert {task: clockwork.woken.count(task) for task in STANDING} == dict.fromkeys(
        STANDING, times
    )


# The nights on which New York's clocks change: arXiv's midnight is at another hour of UTC after.
NIGHTS = [
    (datetime(2026, 10, 30, 4, tzinfo=UTC), datetime(2026, 11, 2, 5, tzinfo=UTC)),
    (datetime(2027, 3, 12, 5, tzinfo=UTC), datetime(2027, 3, 15, 4, tzinfo=UTC)),
]


@pytest.mark.row("both daylight-saving nights")
@pytest.mark.parametrize(("friday", "monday"), NIGHTS)
def test_over_a_night_that_changes_the_clocks_a_batch_is_asked_for_once(
    friday: datetime, monday: datetime
) -> None:
    task = "announcements:cs.CL"
    asked, now = [], friday + 10 * MINUTE
    while now < monday + DAY:
        kind = TaskStatus.OK
        planned = next_run_at(task, TaskState(task, kind, now, now), now)
        assert planned is not None
        asked.append(planned)
        now = planned
    assert [at.date() for at in asked] == [monday.date(), monday.date() + DAY]
    assert monday < asked[0] < monday + 15 * MINUTE


@pytest.mark.row("both daylight-saving nights")
@pytest.mark.parametrize("hours", range(-3, 4))
@pytest.mark.parametrize("night", [night for nights in NIGHTS for night in nights])
def test_around_such_a_night_a_missing_batch_is_looked_for_soon(
    night: datetime, hours: int
) -> None:
    now = night + hours * HOUR
    planned = next_run_at("announcements:cs.CL", state(TaskStatus.STALE, 1), now)
    assert planned is not None
    assert 8 * MINUTE < planned - now < 70 * MINUTE
