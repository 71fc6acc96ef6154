from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from redis import Redis

from papers.config.settings import Settings
from papers.errors import BadParameter
from papers.state.task_states import TaskStates, TaskStatus
from papers.store import Store
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from tests.workers.tasks.backfill_plan import NOW, PLAN
from workers.jobs import TaskRunner
from workers.registry import task_kinds
from workers.schedule.scheduler import Scheduler
from workers.sources.arxiv import oai
from workers.sources.arxiv.oai import HarvestPage, HarvestRange
from workers.tasks.backfill import (
    BACKFILL_TASK,
    BackfillPlan,
    BackfillPlans,
    advance_plan,
    plan_backfill,
)
from workers.tasks.coverage import Coverage, CoverageRecord


def test_plan_advances_by_windows_of_a_month() -> None:
    plan, windows = PLAN, []
    while not plan.is_finished:
        windows.append(plan.window)
        plan = advance_plan(plan, HarvestPage())
    assert windows == [
        HarvestRange(date(2026, 9, 1), date(2026, 10, 1)),
        HarvestRange(date(2026, 10, 2), date(2026, 11, 1)),
        HarvestRange(date(2026, 11, 2), date(2026, 11, 18)),
    ]


def test_token_keeps_the_window() -> None:
    plan = advance_plan(PLAN, HarvestPage(token="next", deleted=3))
    assert (plan.at, plan.token, plan.done) == (PLAN.at, "next", 3)
    assert advance_plan(plan, HarvestPage()).token == ""


def test_short_window_is_requested_once_more() -> None:
    short = (HarvestPage(token="next", total=5, deleted=3), HarvestPage(deleted=1))
    first = advance_plan(advance_plan(PLAN, short[0]), short[1])
    assert (first.window, first.token, first.done, first.again) == (PLAN.window, "", 0, True)
    complete = advance_plan(advance_plan(first, short[0]), HarvestPage(deleted=2))
    assert (complete.at, complete.done, complete.again, complete.short) == (
        date(2026, 10, 2),
        5,
        False,
        0,
    )
    again = advance_plan(advance_plan(first, short[0]), short[1])
    assert (again.at, again.done, again.again, again.short) == (date(2026, 10, 2), 4, False, 1)
    assert "1 that arXiv declared did not come" in replace(again, at=date(2026, 11, 19)).description


def test_days_are_clamped() -> None:
    plan = plan_backfill(date(1991, 1, 1), date(2030, 1, 1), "cs", NOW)
    assert (plan.since, plan.until) == (date(2005, 1, 1), NOW.date())


@pytest.mark.parametrize("since", [date(2026, 11, 19), date(2027, 1, 1)])
def test_impossible_days_are_refused(since: date) -> None:
    with pytest.raises(BadParameter, match="--from"):
        plan_backfill(since, date(2026, 11, 18), "", NOW)


def test_only_one_backfill_at_a_time(redis: Redis) -> None:
    plans = BackfillPlans(redis)
    plans.start(PLAN)
    with pytest.raises(BadParameter, match=r"under way .*2026-09-01"):
        plans.start(PLAN)
    assert plans.drop() == PLAN
    plans.start(PLAN)


def test_attempt_does_not_restore_a_stopped_plan(redis: Redis) -> None:
    plans = BackfillPlans(redis)
    plans.start(PLAN)
    later = replace(PLAN, set="cs")
    plans.drop()
    plans.compare_and_set(PLAN, advance_plan(PLAN, HarvestPage()))
    assert plans.get() is None
    plans.start(later)
    plans.compare_and_set(PLAN, advance_plan(PLAN, HarvestPage()))
    assert plans.get() == later


class Harness:
    """Attempts of a backfill in a world with five papers, two per page."""

    def __init__(self, redis: Redis, world: Upstream) -> None:
        self.redis, self.world = redis, world
        self.states, self.plans, self.store = TaskStates(redis), BackfillPlans(redis), Store(redis)
        self.settings = Settings(**world.settings(arxiv_interval=0.0), keywords={})
        self.runner = TaskRunner(redis, self.settings, lambda: world.now)
        self.ids = [world.announce(Manuscript(title=f"Paper {n}")) for n in range(5)]

    def plan(self, since: date = date(2026, 11, 1)) -> BackfillPlan:
        plan = plan_backfill(since, self.world.today, "", self.world.now)
        self.plans.start(plan)
        return plan

    def turn(self) -> str:
        return str(self.runner.run(BACKFILL_TASK, None)["said"])


@pytest.fixture
def harness(redis: Redis) -> Iterator[Harness]:
    with Upstream(NOW, oai_page=2) as world:
        yield Harness(redis, world)


def test_attempt_stores_one_page_and_next_is_due_at_once(harness: Harness) -> None:
    harness.plan()
    for done in (2, 4):
        harness.turn()
        assert harness.store.count_papers() == done
        assert harness.states.due_time(BACKFILL_TASK) == harness.world.now
        (progress,) = harness.states.list_progress()
        assert (progress.task, progress.done, progress.total) == (BACKFILL_TASK, done, None)
    assert harness.turn() == "5 records, 2026-11-01 to 2026-11-18: all there is"
    assert all(harness.store.get_papers(harness.ids))
    assert harness.plans.get() is None
    assert harness.states.due_time(BACKFILL_TASK) is None
    assert harness.states.list_progress() == []
    assert len(harness.world.requests_to("/oai")) == 3


def test_another_process_resumes_the_backfill(harness: Harness) -> None:
    harness.plan()
    harness.turn()
    Harness.turn(harness)
    again = TaskRunner(harness.redis, harness.settings, lambda: harness.world.now)
    again.run(BACKFILL_TASK, None)
    assert harness.store.count_papers() == 5
    assert harness.plans.get() is None


def test_expired_token_restarts_the_window(harness: Harness) -> None:
    plan = harness.plan()
    harness.turn()
    stored = harness.plans.get()
    assert stored is not None
    harness.plans.compare_and_set(stored, replace(stored, token="long gone"))
    done = harness.runner.run(BACKFILL_TASK, None)
    assert (done["state"], "no longer knows the resumption token" in done["said"]) == (
        TaskStatus.FAILING,
        True,
    )
    again = harness.plans.get()
    assert again is not None
    assert (again.at, again.token) == (plan.at, "")
    while harness.plans.get():
        harness.turn()
    assert harness.store.count_papers() == 5


def test_refusal_does_not_advance_the_plan(harness: Harness) -> None:
    harness.plan()
    harness.turn()
    before = harness.plans.get()
    harness.world.fail("half", "/oai", times=1)
    assert harness.runner.run(BACKFILL_TASK, None)["state"] == TaskStatus.FAILING
    assert harness.plans.get() == before
    at = harness.states.due_time(BACKFILL_TASK)
    assert at is not None
    assert at > harness.world.now


def test_empty_months_are_passed(harness: Harness) -> None:
    harness.plan(date(2026, 6, 1))
    while harness.plans.get():
        harness.turn()
    assert harness.store.count_papers() == 5


def test_without_a_plan_nothing_is_requested(harness: Harness) -> None:
    assert harness.turn() == "nothing is planned"
    assert harness.states.due_time(BACKFILL_TASK) is None
    assert harness.world.requests_to("/oai") == []


def test_backfill_is_scheduled_only_while_planned(harness: Harness) -> None:
    woken: list[str] = []
    scheduler = Scheduler(
        harness.redis,
        harness.settings,
        task_kinds(),
        lambda task, now: woken.append(task),
        lambda: 0,
    )
    scheduler.tick(NOW)
    assert BACKFILL_TASK not in woken
    harness.plan()
    scheduler.tick(NOW)
    assert BACKFILL_TASK in woken
    scheduler.tick(NOW + timedelta(seconds=1))
    assert BACKFILL_TASK in harness.states.due_times()
    harness.plans.drop()
    scheduler.tick(NOW + timedelta(seconds=2))
    assert BACKFILL_TASK not in harness.states.due_times()


def test_short_window_is_reported_and_filled(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.plan()
    read = oai.parse_harvest_page
    monkeypatch.setattr(oai, "parse_harvest_page", lambda body: replace(read(body), token=""))
    done = harness.runner.run(BACKFILL_TASK, None)
    assert (done["state"], done["new"]) == (TaskStatus.FAILING, 2)
    assert "part of the answer is missing" in done["said"]
    monkeypatch.undo()
    while harness.plans.get():
        harness.turn()
    assert harness.store.count_papers() == 5
    state = harness.states.get(BACKFILL_TASK)
    assert state is not None
    assert state.said == "5 records, 2026-11-01 to 2026-11-18: all there is"


@pytest.mark.parametrize("set", ["", "cs"])
def test_backfill_of_everything_is_recorded_when_it_is_complete(harness: Harness, set: str) -> None:
    plan, coverage = harness.plan(), CoverageRecord(harness.redis)
    harness.plans.drop()
    harness.plans.start(replace(plan, set=set))
    while harness.plans.get():
        assert coverage.get() is None
        harness.turn()
    span = Coverage(plan.since, plan.until)
    assert coverage.get() == (None if set else span)


def test_backfill_that_missed_records_is_not_recorded(harness: Harness) -> None:
    plan = harness.plan()
    harness.plans.compare_and_set(plan, replace(plan, short=1))
    while harness.plans.get():
        harness.turn()
    assert CoverageRecord(harness.redis).get() is None


@pytest.mark.parametrize(
    ("spans", "whole"),
    [
        ([(1, 5), (5, 9)], (1, 9)),
        ([(1, 5), (6, 9)], (1, 9)),
        ([(6, 9), (1, 5)], (1, 9)),
        ([(1, 9), (3, 5)], (1, 9)),
        ([(1, 5), (7, 9)], (7, 9)),
        ([(7, 9), (1, 5)], (7, 9)),
    ],
)
def test_spans_unite_where_they_touch(
    redis: Redis, spans: list[tuple[int, int]], whole: tuple[int, int]
) -> None:
    record = CoverageRecord(redis)
    for first, last in spans:
        record.add(Coverage(date(2026, 11, first), date(2026, 11, last)))
    assert record.get() == Coverage(date(2026, 11, whole[0]), date(2026, 11, whole[1]))
