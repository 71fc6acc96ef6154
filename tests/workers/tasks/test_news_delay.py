"""A simulated month of announcements, some mornings late: how soon the news is in, for how much."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Final

import pytest
from redis import Redis

from papers.config.settings import Settings
from papers.model.arxiv_calendar import next_announcement
from papers.state.task_states import TaskState, TaskStates, TaskStatus
from papers.store import Store
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from workers.jobs import TaskRunner
from workers.schedule.announcement_times import AnnouncementTimes
from workers.schedule.cadence import after_announcement
from workers.tasks.announcements import announcement_task

CATEGORIES: Final = Settings().categories
BUSIEST: Final = "cs.LG"
START: Final = datetime(2026, 9, 1, 12, tzinfo=UTC)
DAYS: Final = 22
LATE_SHARE: Final = 0.25
SEED: Final = 1


def arrivals() -> Iterator[tuple[datetime, datetime]]:
    """Yield the midnight of each announcement and when its feeds are there."""
    chance, midnight = random.Random(SEED), START
    for _ in range(DAYS):
        midnight = next_announcement(midnight)
        minutes = max(0.5, chance.gauss(4, 1.5))
        if chance.random() < LATE_SHARE:
            minutes += chance.uniform(15, 120)
        yield midnight, midnight + timedelta(minutes=minutes)


@dataclass
class Month:
    """A month of announcements under the real scheduler's due set and the real tasks."""

    redis: Redis
    world: Upstream
    requests_before: int = 0
    delays: dict[str, list[float]] = field(default_factory=lambda: {c: [] for c in CATEGORIES})

    def __post_init__(self) -> None:
        settings = Settings(
            **self.world.settings(arxiv_interval=0.0, communities={}), categories=CATEGORIES
        )
        self.runner = TaskRunner(self.redis, settings, lambda: self.world.now)
        self.states, self.store = TaskStates(self.redis), Store(self.redis)

    def run_until(self, end: datetime, arrival: datetime) -> None:
        """Run every task of announcements that is due before `end`, at its time."""
        while True:
            times = self.states.due_times()
            tasks = [announcement_task(category) for category in CATEGORIES]
            task = min(tasks, key=lambda name: times.get(name, START))
            at = max(self.world.now, times.get(task, START))
            if at >= end:
                return
            if self.world.now < arrival <= at:
                self.world.heal()
            self.world.set_time(at)
            if self.runner.run(task, None)["new"]:
                self.delays[task.partition(":")[2]].append((at - arrival).total_seconds())

    def request_count(self) -> int:
        """Return the requests for announcements that the month took."""
        return len(self.world.requests_to("/rss")) - self.requests_before

    def announce(self, midnight: datetime) -> None:
        """Announce a day's papers, most in the busiest category; its feeds are not there yet."""
        self.world.set_time(midnight)
        for category in (*CATEGORIES, BUSIEST, BUSIEST):
            self.world.announce(Manuscript(title="A Small Thing", categories=(category,)))
        self.world.fail("unpublished", "/rss")


def requests_of_before() -> int:
    """Return how many requests it took while each category was requested at times of its own."""
    count = 0
    for midnight, arrival in arrivals():
        for category in CATEGORIES:
            task = announcement_task(category)
            fetched = TaskState(task, TaskStatus.OK, midnight, midnight)
            now = after_announcement(task, fetched, midnight - timedelta(hours=1))
            while now < arrival:
                count += 1
                now = after_announcement(task, TaskState(task, TaskStatus.STALE, now, now), now)
            count += 1
    return count


@pytest.fixture(scope="module")
def month(store_url: str) -> Iterator[Month]:
    redis = Redis.from_url(store_url)
    redis.flushall()
    with Upstream(START - timedelta(days=1)) as world:
        month = Month(redis, world)
        month.announce(next_announcement(START - timedelta(days=1)))
        world.heal()
        month.run_until(START + timedelta(hours=3), START)
        for delays in month.delays.values():
            delays.clear()
        month.requests_before = len(world.requests_to("/rss"))
        for midnight, arrival in arrivals():
            month.announce(midnight)
            month.run_until(midnight + timedelta(hours=20), arrival)
        yield month
        redis.close()


def test_news_is_there_within_ninety_seconds_at_the_median(month: Month) -> None:
    busiest, others = (
        month.delays[BUSIEST],
        [
            delay
            for category in CATEGORIES
            if category != BUSIEST
            for delay in month.delays[category]
        ],
    )
    print(
        f"busiest category: median {median(busiest):.0f} s, at most {max(busiest):.0f} s; "
        f"others: median {median(others):.0f} s, at most {max(others):.0f} s"
    )
    assert len(busiest) == DAYS
    assert len(others) == DAYS * (len(CATEGORIES) - 1)
    assert median(busiest) <= 90
    assert median(others) <= 90
    assert max(others) <= max(busiest) + 20 * 60


def test_requests_are_fewer_than_with_times_of_their_own(month: Month) -> None:
    now, before = month.request_count(), requests_of_before()
    print(f"requests for announcements a day: {before / DAYS:.1f} before, {now / DAYS:.1f} now")
    assert now < before


def test_every_paper_came_once(month: Month) -> None:
    assert month.store.count_papers() == len(month.world.preprints())


def test_times_are_learnt_by_weekday(month: Month) -> None:
    delays = AnnouncementTimes(month.redis).delays()
    assert sorted(delays) == [0, 1, 2, 3, 4]
    assert sum(map(len, delays.values())) >= DAYS


def test_category_whose_requests_fail_does_not_look_out_for_the_next_batch(
    redis: Redis, upstream: Upstream
) -> None:
    upstream.set_time(START)
    month, times = Month(redis, upstream), AnnouncementTimes(redis)
    month.announce(next_announcement(START))
    upstream.heal()
    times.note_size(BUSIEST, 300)
    times.note_size("cs.CL", 200)
    failing = TaskState(announcement_task(BUSIEST), TaskStatus.FAILING, START, START)
    month.states.save(failing)
    month.runner.run(announcement_task("cs.CV"), None)
    assert times.busiest() == "cs.CL"


def test_first_category_looks_out_if_the_busiest_is_no_longer_followed(
    redis: Redis, upstream: Upstream
) -> None:
    upstream.set_time(START)
    month, times = Month(redis, upstream), AnnouncementTimes(redis)
    times.add(START.date(), 100.0, ["math.GT"])
    month.announce(next_announcement(START))
    upstream.set_time(upstream.now + timedelta(minutes=2))
    for category in CATEGORIES:
        month.runner.run(announcement_task(category), None)
    waits = {task: at - upstream.now for task, at in month.states.due_times().items()}
    first, *others = (waits[announcement_task(category)] for category in CATEGORIES)
    assert first < timedelta(minutes=3)
    assert min(others) > timedelta(minutes=30)


def test_category_that_was_seen_since_midnight_is_not_made_due(
    redis: Redis, upstream: Upstream
) -> None:
    upstream.set_time(START)
    month, midnight = Month(redis, upstream), next_announcement(START)
    month.announce(midnight)
    upstream.heal()
    later = midnight + timedelta(hours=20)
    for category, seen_at in (
        ("cs.CL", midnight),
        ("cs.AI", midnight - timedelta(seconds=1)),
    ):
        task = announcement_task(category)
        month.states.save(TaskState(task, TaskStatus.OK, START, seen_at, seen_at))
        month.states.schedule(task, later)
    upstream.set_time(midnight + timedelta(minutes=1))
    month.runner.run(announcement_task("cs.CV"), None)
    due = month.states.due_times()
    assert due[announcement_task("cs.CL")] == later
    assert due[announcement_task("cs.AI")] <= upstream.now


def test_category_that_finds_a_batch_makes_the_others_due(redis: Redis, upstream: Upstream) -> None:
    upstream.set_time(START)
    month = Month(redis, upstream)
    for category in CATEGORIES:
        month.runner.run(announcement_task(category), None)
    midnight = next_announcement(START)
    month.announce(midnight)
    upstream.heal()
    upstream.set_time(midnight + timedelta(minutes=1))
    month.runner.run(announcement_task("cs.CV"), None)
    due = month.states.due_times()
    for category in CATEGORIES:
        is_due = due[announcement_task(category)] <= upstream.now
        assert is_due is (category != "cs.CV"), category
