from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from papers.config.settings import Settings
from papers.state.task_states import TaskState, TaskStates, TaskStatus
from papers.store import Store
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from workers.ingest import expected_volume
from workers.ingest.expected_volume import VolumeCheck, is_below_expected
from workers.jobs import TaskRunner
from workers.sources.result import FetchResult
from workers.tasks.reconcile import ANNOUNCEMENT_SETTLE_TIME
from workers.tasks.reconcile import RECONCILE_TASK as OAI

pytestmark = pytest.mark.row("few for the weekday: asked again, reconciled")

FEED = "announcements:cs.CL"
WEDNESDAY = date(2026, 11, 18)
NOW = datetime(2026, 11, 18, 9, tzinfo=UTC)
DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)


def weeks(*counts: int | None) -> dict[date, int]:
    """Counts of the previous Wednesdays, newest first; None if unknown."""
    return {WEDNESDAY - n * WEEK: got for n, got in enumerate(counts, 1) if got is not None}


# (counts of the previous Wednesdays, newest first; the expected count)
EXPECTED_COUNTS = [
    ((), None),
    ((100,), None),
    ((100, 120), 110),
    ((None, 100, None, 120), 110),
    ((100, 110, 120, 0), 105),  # a holiday among them
    ((100, 110, 120, 130, 9_000), 115),  # the fifth week is too old
]


@pytest.mark.parametrize(("counts", "expected"), EXPECTED_COUNTS)
def test_expected_count(counts: tuple[int | None, ...], expected: int | None) -> None:
    stored = weeks(*counts) | {WEDNESDAY - DAY: 1, WEDNESDAY: 2}  # other weekdays do not matter
    assert expected_volume.expected_count(stored, WEDNESDAY) == expected


# (records, expected count, whether they are suspiciously few)
LOW_COUNTS = [
    (0, None, False),
    (0, 7, False),
    (0, 8, True),
    (49, 100, True),
    (50, 100, False),
    (1_000, 100, False),
]


@pytest.mark.parametrize(("got", "expected", "is_low"), LOW_COUNTS)
def test_low_counts(got: int, expected: int | None, is_low: bool) -> None:
    assert is_below_expected(got, expected) is is_low


@given(st.lists(st.integers(0, 1_000), min_size=4, max_size=4), st.integers(0, 3))
def test_one_outlier_week_does_not_change_the_expected_count(
    counts: list[int], outlier_week: int
) -> None:
    steady = [100, 100, 100, 100]
    steady[outlier_week] = counts[outlier_week]
    expected = expected_volume.expected_count(weeks(*steady), WEDNESDAY)
    assert expected == 100
    assert not is_below_expected(100, expected)


def test_highest_of_several_counts_of_a_day_is_kept(redis: Redis) -> None:
    volume_check = VolumeCheck(redis, TaskStates(redis), can_reconcile=False)

    def assess(day: date, count: int) -> FetchResult:
        return volume_check.assess(FEED, FetchResult(record_count=count, counted_day=day), NOW)

    for weeks_ago in (3, 2, 1):
        assess(WEDNESDAY - weeks_ago * WEEK, 20)
        assess(WEDNESDAY - weeks_ago * WEEK, 4)  # fetched again when most had left the list
    assert assess(WEDNESDAY, 20).expected_count == 20


class Harness:
    """A task runner with four past weeks of twenty papers on every weekday."""

    def __init__(self, redis: Redis, world: Upstream, **settings: object) -> None:
        self.world, self.states, self.store = world, TaskStates(redis), Store(redis)
        fields = world.settings(arxiv_interval=0.0, categories=("cs.CL",), keywords={})
        self.runner = TaskRunner(redis, Settings(**fields | settings), lambda: world.now)
        volume_check = VolumeCheck(redis, self.states, can_reconcile=False)
        for days in range(1, 29):
            day = WEDNESDAY - days * DAY
            volume_check.assess(FEED, FetchResult(record_count=20, counted_day=day), NOW)
            volume_check.assess("hf:recent", FetchResult(record_count=30, counted_day=day), NOW)

    def announce(self, papers: int) -> None:
        for n in range(papers):
            self.world.announce(Manuscript(title=f"Paper {n} of {self.world.today}"))

    def run(self, task: str) -> TaskState:
        self.runner.run(task, None)
        state = self.states.get(task)
        assert state is not None
        return state


@pytest.fixture
def harness(redis: Redis, upstream: Upstream) -> Harness:
    return Harness(redis, upstream)


def test_normal_day_is_ok_with_expected_count(harness: Harness) -> None:
    harness.announce(18)
    state = harness.run(FEED)
    assert (state.state, state.got, state.usual) == (TaskStatus.OK, 18, 20)


def test_thin_day_is_fetched_again_in_full(harness: Harness) -> None:
    harness.announce(18)
    harness.world.fail("thin", "/rss", times=1)
    thin = harness.run(FEED)
    assert thin.state is TaskStatus.STALE
    assert thin.said == "1 announced on 2026-11-18: few for a Wednesday, when 20 are usual"
    assert thin.next_at is not None
    assert thin.next_at - harness.world.now < timedelta(minutes=80)
    assert thin.succeeded_at is None
    again = harness.run(FEED)
    assert harness.world.log[-1].status == 200  # not 304: validators of a thin result are not saved
    assert (again.state, again.got) == (TaskStatus.OK, 18)
    assert harness.store.count_papers() == 18


def test_persistently_thin_day_is_reconciled_then_accepted(harness: Harness) -> None:
    harness.announce(18)
    harness.world.fail("thin", "/rss")
    assert harness.run(FEED).state is TaskStatus.STALE
    assert harness.states.due_time(OAI) == harness.world.now  # two hours after midnight have passed
    assert harness.store.count_papers() == 1
    found = harness.run(OAI)
    assert "17 of them missing here and filled in" in found.said
    assert harness.store.count_papers() == 18
    accepted = harness.run(FEED)
    assert accepted.state is TaskStatus.OK
    assert accepted.said.endswith("; reconciled with OAI-PMH since")


def test_empty_weekday_is_thin_and_empty_weekend_is_not(harness: Harness) -> None:
    harness.world.set_time(NOW + timedelta(hours=6))
    assert harness.run(FEED).state is TaskStatus.STALE
    harness.world.set_time(NOW + timedelta(days=3, hours=6))
    assert harness.run(FEED).state is TaskStatus.QUIET


def test_reconciliation_waits_until_announcement_settles(harness: Harness) -> None:
    midnight = datetime(2026, 11, 18, 5, tzinfo=UTC)
    harness.world.set_time(midnight + timedelta(minutes=10))
    harness.announce(2)
    harness.run(OAI)
    assert harness.run(FEED).state is TaskStatus.STALE  # that reconciliation was too early
    assert harness.states.due_time(OAI) == midnight + ANNOUNCEMENT_SETTLE_TIME


def test_failing_reconciliation_keeps_its_backoff(harness: Harness) -> None:
    harness.announce(2)
    harness.world.fail("html", "/oai")
    planned = harness.run(OAI).next_at
    assert harness.run(FEED).state is TaskStatus.STALE
    assert harness.states.due_time(OAI) == planned


def test_without_oai_thin_day_is_only_fetched_again(redis: Redis, upstream: Upstream) -> None:
    harness = Harness(redis, upstream, arxiv_oai_url="")
    harness.announce(2)
    assert harness.run(FEED).state is TaskStatus.STALE
    assert harness.states.due_time(OAI) is None


def test_thin_picks_are_reported_the_day_after(harness: Harness) -> None:
    harness.announce(30)
    for paper in harness.world.preprints():
        harness.world.pick(paper.id)
    harness.world.next_day()
    harness.world.fail("thin", "/hf", times=14)
    thin = harness.run("hf:recent")
    assert thin.state is TaskStatus.STALE
    assert thin.said == "picks for 2026-11-18: 1: few for a Wednesday, when 30 are usual"
    complete = harness.run("hf:recent")
    assert (complete.state, complete.usual) == (TaskStatus.OK, 30)
