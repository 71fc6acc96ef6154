from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from redis import Redis

from papers.config.settings import Settings
from papers.redis_backend import keys
from papers.state.communities import Communities
from papers.state.initial_fetch_states import MAX_WAITING_FETCHES, InitialFetchStates
from papers.state.keyword_record import Keyword
from papers.state.keywords import Keywords
from papers.state.record_codec import encode_record
from papers.state.task_states import TaskState, TaskStates, TaskStatus
from workers.registry import recurring_tasks, task_kinds
from workers.schedule.scheduler import (
    CLAIM_TTL,
    LEASE_SECONDS,
    MAX_INITIAL_FETCHES,
    Scheduler,
)
from workers.tasks.backfill import BackfillPlans
from workers.tasks.coverage import Coverage, CoverageRecord

WEDNESDAY = datetime(2026, 11, 18, 5, tzinfo=UTC)
"""Eastern midnight, from which the day's batch is expected."""

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


SETTINGS = Settings(categories=("cs.CL",), communities={"weekly": "https://example.org/feed"})
RECURRING = [
    "announcements:cs.CL",
    "oai:daily",
    "hf:today",
    "hf:recent",
    "community:weekly",
    "enrich",
    "lists",
    "closing",
    "abbreviations",
]


class SchedulerHarness:
    """A scheduler and the wake-ups it sends."""

    def __init__(self, redis: Redis, settings: Settings = SETTINGS) -> None:
        self.woken: list[str] = []
        self.backlog = self.background = 0
        self.scheduler = Scheduler(
            redis,
            settings,
            task_kinds(),
            lambda task, now: self.woken.append(task),
            lambda: self.backlog,
            lambda: self.background,
        )

    def tick(self, now: datetime) -> list[str]:
        return self.scheduler.tick(now)


def test_recurring_tasks() -> None:
    assert sorted(recurring_tasks(SETTINGS)) == sorted(RECURRING)
    assert recurring_tasks(Settings(categories=(), huggingface=False)) == [
        "enrich",
        "lists",
        "closing",
        "abbreviations",
    ]


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
        *("abbreviations", "announcements:cs.LG", "closing", "enrich", "hf:recent", "hf:today"),
        *("lists", "oai:daily"),
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


@pytest.mark.row("clock jumps")
def test_times_from_a_clock_ahead_are_corrected(redis: Redis) -> None:
    harness, states = SchedulerHarness(redis), TaskStates(redis)
    harness.tick(WEDNESDAY)
    for task in RECURRING:
        states.schedule(task, WEDNESDAY + 300 * DAY)  # planned by a clock a year ahead
    harness.woken.clear()
    harness.tick(WEDNESDAY + MINUTE)
    assert sorted(harness.woken) == sorted(RECURRING)


@pytest.mark.parametrize(("ahead", "is_woken"), [(5 * DAY, False), (5 * DAY + SECOND, True)])
def test_times_up_to_five_days_ahead_stand(redis: Redis, ahead: timedelta, is_woken: bool) -> None:
    """Over a holiday an announcement may be some days away."""
    harness, states = SchedulerHarness(redis), TaskStates(redis)
    harness.tick(WEDNESDAY)
    states.schedule("announcements:cs.CL", WEDNESDAY + MINUTE + ahead)
    harness.woken.clear()
    harness.tick(WEDNESDAY + MINUTE)
    assert ("announcements:cs.CL" in harness.woken) is is_woken


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


def test_one_initial_fetch_at_a_time_is_sent_to_a_worker(redis: Redis) -> None:
    harness, keywords = SchedulerHarness(redis), Keywords(redis)
    for number in range(20):
        keywords.add(f"keyword {number}", f"word{number}", now=WEDNESDAY)
    woken = harness.tick(WEDNESDAY)
    assert sorted(set(woken) & set(RECURRING)) == sorted(RECURRING)
    assert len(set(woken) - set(RECURRING)) == MAX_INITIAL_FETCHES
    harness.background = MAX_INITIAL_FETCHES
    assert harness.tick(WEDNESDAY + SECOND) == []
    harness.background, harness.backlog = 0, 2
    assert len(harness.tick(WEDNESDAY + 2 * SECOND)) == MAX_INITIAL_FETCHES


def test_unplanned_initial_fetches_are_found_a_few_at_a_time(redis: Redis) -> None:
    harness, keywords = SchedulerHarness(redis), Keywords(redis)
    harness.background = MAX_INITIAL_FETCHES
    for number in range(90):
        keywords.add(f"keyword {number}", f"word{number}", now=WEDNESDAY)
    redis.delete(keys.DUE_INITIAL_FETCHES)
    for second in range(3):
        harness.tick(WEDNESDAY + second * SECOND)
    assert redis.zcard(keys.DUE_INITIAL_FETCHES) == 90


def test_many_initial_fetches_are_replaced_by_one_backfill(redis: Redis) -> None:
    harness, plans = SchedulerHarness(redis), BackfillPlans(redis)
    block = [Keyword(f"k{n}", f"k{n}", f"word{n}", WEDNESDAY) for n in range(300)]
    Keywords(redis).save_new(block[:50])
    harness.tick(WEDNESDAY)
    assert (redis.zcard(keys.DUE_INITIAL_FETCHES), plans.get()) == (50, None)
    Keywords(redis).save_new(block)
    for second in range(1, 8):
        harness.tick(WEDNESDAY + second * SECOND)
    assert redis.zcard(keys.DUE_INITIAL_FETCHES) == 0
    plan = plans.get()
    assert plan
    assert (plan.set, plan.since, plan.until) == (
        *("", (WEDNESDAY - 365 * DAY).date()),
        WEDNESDAY.date(),
    )
    assert "backfill" in harness.woken
    Keywords(redis).add("One more", "more", now=WEDNESDAY)
    harness.tick(WEDNESDAY + 9 * SECOND)
    assert redis.zcard(keys.DUE_INITIAL_FETCHES) == 1  # somebody waits for this one


def test_keywords_need_no_fetch_where_the_store_has_all_of_arxiv(redis: Redis) -> None:
    harness = SchedulerHarness(redis)
    CoverageRecord(redis).add(Coverage((WEDNESDAY - 365 * DAY).date(), WEDNESDAY.date()))
    Keywords(redis).save_new([Keyword(f"k{n}", f"k{n}", "word", WEDNESDAY) for n in range(300)])
    for second in range(8):
        harness.tick(WEDNESDAY + second * SECOND)
    assert set(harness.woken) == set(RECURRING)
    assert InitialFetchStates(redis).counts()["ok"] == 300
    state = TaskStates(redis).get("fill:k0")
    assert state
    assert state.said == f"the store has all of arXiv since {(WEDNESDAY - 365 * DAY).date()}"
    assert BackfillPlans(redis).get() is None


def test_old_coverage_is_brought_up_to_date(redis: Redis) -> None:
    harness, until = SchedulerHarness(redis), (WEDNESDAY - 30 * DAY).date()
    CoverageRecord(redis).add(Coverage((WEDNESDAY - 500 * DAY).date(), until))
    Keywords(redis).save_new([Keyword(f"k{n}", f"k{n}", "word", WEDNESDAY) for n in range(300)])
    for second in range(8):
        harness.tick(WEDNESDAY + second * SECOND)
    plan = BackfillPlans(redis).get()
    assert plan
    assert (plan.since, plan.until) == (until, WEDNESDAY.date())


@pytest.mark.parametrize(
    ("settings", "since"),
    [
        (replace(SETTINGS, keep_months=3), date(2026, 9, 1)),
        (replace(SETTINGS, fill_papers=0), None),
        (replace(SETTINGS, arxiv_oai_url=""), None),
    ],
)
def test_settings_limit_the_backfill(redis: Redis, settings: Settings, since: date | None) -> None:
    harness = SchedulerHarness(redis, settings)
    Keywords(redis).save_new([Keyword(f"k{n}", f"k{n}", "word", WEDNESDAY) for n in range(300)])
    for second in range(8):
        harness.tick(WEDNESDAY + second * SECOND)
    plan = BackfillPlans(redis).get()
    assert (plan.since if plan else None) == since
    assert redis.zcard(keys.DUE_INITIAL_FETCHES) <= MAX_WAITING_FETCHES


def test_tick_moves_what_an_older_release_left(redis: Redis) -> None:
    harness, keywords = SchedulerHarness(redis), Keywords(redis)
    keywords.add("MLLM", "mllm", now=WEDNESDAY)
    state = TaskState("fill:mllm", TaskStatus.OK, WEDNESDAY, WEDNESDAY, WEDNESDAY)
    redis.delete(keys.DUE_INITIAL_FETCHES)
    redis.hset(keys.SOURCES, "fill:mllm", encode_record(state))
    assert "fill:mllm" not in harness.tick(WEDNESDAY)
    assert TaskStates(redis).get("fill:mllm") == state
    assert not redis.hexists(keys.SOURCES, "fill:mllm")
