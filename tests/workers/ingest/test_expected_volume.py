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
    """Counts of the Wednesdays before, newest first; None where nothing is known."""
    return {WEDNESDAY - n * WEEK: got for n, got in enumerate(counts, 1) if got is not None}


# (counts of the Wednesdays before, newest first; what is usual)
USUAL = [
    ((), None),
    ((100,), None),
    ((100, 120), 110),
    ((None, 100, None, 120), 110),
    ((100, 110, 120, 0), 105),  # a holiday among them
    ((100, 110, 120, 130, 9_000), 115),  # the fifth week is too long ago
]


@pytest.mark.parametrize(("counts", "expected"), USUAL)
def test_what_is_usual(counts: tuple[int | None, ...], expected: int | None) -> None:
    known = weeks(*counts) | {WEDNESDAY - DAY: 1, WEDNESDAY: 2}  # other days say nothing
    assert expected_volume.expected_count(known, WEDNESDAY) == expected


# (records, what is usual, whether they are suspiciously few)
FEW = [
    (0, None, False),
    (0, 7, False),
    (0, 8, True),
    (49, 100, True),
    (50, 100, False),
    (1_000, 100, False),
]


@pytest.mark.parametrize(("got", "expected", "few"), FEW)
def test_what_is_few(got: int, expected: int | None, few: bool) -> None:
    assert is_below_expected(got, expected) is few


@given(st.lists(st.integers(0, 1_000), min_size=4, max_size=4), st.integers(0, 3))
def test_one_odd_week_never_makes_a_usual_day_few(counts: list[int], odd: int) -> None:
    steady = [100, 100, 100, 100]
    steady[odd] = counts[odd]
    expected = expected_volume.expected_count(weeks(*steady), WEDNESDAY)
    assert expected == 100
    assert not is_below_expected(100, expected)


class Desk:
    """Four weeks of twenty papers on every weekday lie behind it."""

    def __init__(self, redis: Redis, world: Upstream, **settings: object) -> None:
        self.world, self.states, self.store = world, TaskStates(redis), Store(redis)
        fields = world.settings(arxiv_interval=0.0, categories=("cs.CL",), keywords={})
        self.runner = TaskRunner(redis, Settings(**fields | settings), lambda: world.now)
        judge = VolumeCheck(redis, self.states, can_reconcile=False)
        for days in range(1, 29):
            day = WEDNESDAY - days * DAY
            judge.assess(FEED, FetchResult(record_count=20, counted_day=day), NOW)
            judge.assess("hf:recent", FetchResult(record_count=30, counted_day=day), NOW)

    def announce(self, papers: int) -> None:
        for n in range(papers):
            self.world.announce(Manuscript(title=f"Paper {n} of {self.world.today}"))

    def run(self, task: str) -> TaskState:
        self.runner.run(task, None)
        state = self.states.get(task)
        assert state is not None
        return state


@pytest.fixture
def desk(redis: Redis, upstream: Upstream) -> Desk:
    return Desk(redis, upstream)


def test_a_usual_day_is_ok_and_says_what_is_usual(desk: Desk) -> None:
    desk.announce(18)
    state = desk.run(FEED)
    assert (state.state, state.got, state.usual) == (TaskStatus.OK, 18, 20)


def test_a_thin_day_is_asked_for_again_in_full(desk: Desk) -> None:
    desk.announce(18)
    desk.world.fail("thin", "/rss", times=1)
    thin = desk.run(FEED)
    assert thin.state is TaskStatus.STALE
    assert thin.said == "1 announced on 2026-11-18: few for a Wednesday, when 20 are usual"
    assert thin.next_at is not None
    assert thin.next_at - desk.world.now < timedelta(minutes=80)
    assert thin.succeeded_at is None
    again = desk.run(FEED)
    assert desk.world.log[-1].status == 200  # not 304: what was thin is not remembered
    assert (again.state, again.got) == (TaskStatus.OK, 18)
    assert desk.store.count_papers() == 18


def test_what_stays_thin_is_reconciled_and_then_believed(desk: Desk) -> None:
    desk.announce(18)
    desk.world.fail("thin", "/rss")
    assert desk.run(FEED).state is TaskStatus.STALE
    assert desk.states.due_time(OAI) == desk.world.now  # two hours after midnight have passed
    assert desk.store.count_papers() == 1
    found = desk.run(OAI)
    assert "17 of them missing here and filled in" in found.said
    assert desk.store.count_papers() == 18
    believed = desk.run(FEED)
    assert believed.state is TaskStatus.OK
    assert believed.said.endswith("; reconciled with OAI-PMH since")


def test_an_empty_weekday_is_thin_and_an_empty_weekend_is_not(desk: Desk) -> None:
    desk.world.set_time(NOW + timedelta(hours=6))
    assert desk.run(FEED).state is TaskStatus.STALE
    desk.world.set_time(NOW + timedelta(days=3, hours=6))
    assert desk.run(FEED).state is TaskStatus.QUIET


def test_reconciling_waits_until_arxiv_knows_the_day(desk: Desk) -> None:
    midnight = datetime(2026, 11, 18, 5, tzinfo=UTC)
    desk.world.set_time(midnight + timedelta(minutes=10))
    desk.announce(2)
    desk.run(OAI)
    assert desk.run(FEED).state is TaskStatus.STALE  # that reconciliation came too early
    assert desk.states.due_time(OAI) == midnight + ANNOUNCEMENT_SETTLE_TIME


def test_a_failing_reconciliation_keeps_its_own_pace(desk: Desk) -> None:
    desk.announce(2)
    desk.world.fail("html", "/oai")
    planned = desk.run(OAI).next_at
    assert desk.run(FEED).state is TaskStatus.STALE
    assert desk.states.due_time(OAI) == planned


def test_without_oai_a_thin_day_is_only_asked_for_again(redis: Redis, upstream: Upstream) -> None:
    desk = Desk(redis, upstream, arxiv_oai_url="")
    desk.announce(2)
    assert desk.run(FEED).state is TaskStatus.STALE
    assert desk.states.due_time(OAI) is None


def test_thin_picks_are_told_the_day_after(desk: Desk) -> None:
    desk.announce(30)
    for paper in desk.world.preprints():
        desk.world.pick(paper.id)
    desk.world.next_day()
    desk.world.fail("thin", "/hf", times=14)
    thin = desk.run("hf:recent")
    assert thin.state is TaskStatus.STALE
    assert thin.said == "picks for 2026-11-18: 1: few for a Wednesday, when 30 are usual"
    whole = desk.run("hf:recent")
    assert (whole.state, whole.usual) == (TaskStatus.OK, 30)
