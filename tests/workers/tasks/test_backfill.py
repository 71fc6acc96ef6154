from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from redis import Redis

from papers.config.settings import Settings
from papers.errors import BadParameter
from papers.state.task_states import TaskStates, TaskStatus
from papers.store import Store
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript
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

NOW = datetime(2026, 11, 18, 15, tzinfo=UTC)
PLAN = plan_backfill(date(2026, 9, 1), date(2026, 11, 18), "", NOW)


def test_a_plan_goes_a_month_at_a_time_to_its_end() -> None:
    plan, windows = PLAN, []
    while not plan.is_finished:
        windows.append(plan.window)
        plan = advance_plan(plan, HarvestPage())
    assert windows == [
        HarvestRange(date(2026, 9, 1), date(2026, 10, 1)),
        HarvestRange(date(2026, 10, 2), date(2026, 11, 1)),
        HarvestRange(date(2026, 11, 2), date(2026, 11, 18)),
    ]


def test_a_token_keeps_the_window() -> None:
    plan = advance_plan(PLAN, HarvestPage(token="next", deleted=3))
    assert (plan.at, plan.token, plan.done) == (PLAN.at, "next", 3)
    assert advance_plan(plan, HarvestPage()).token == ""


def test_a_window_that_comes_short_is_asked_for_once_more() -> None:
    short = (HarvestPage(token="next", total=5, deleted=3), HarvestPage(deleted=1))
    first = advance_plan(advance_plan(PLAN, short[0]), short[1])
    assert (first.window, first.token, first.done, first.again) == (PLAN.window, "", 0, True)
    whole = advance_plan(advance_plan(first, short[0]), HarvestPage(deleted=2))
    assert (whole.at, whole.done, whole.again, whole.short) == (date(2026, 10, 2), 5, False, 0)
    again = advance_plan(advance_plan(first, short[0]), short[1])
    assert (again.at, again.done, again.again, again.short) == (date(2026, 10, 2), 4, False, 1)
    assert "1 that arXiv declared did not come" in replace(again, at=date(2026, 11, 19)).description


def test_days_are_brought_into_reach() -> None:
    plan = plan_backfill(date(1991, 1, 1), date(2030, 1, 1), "cs", NOW)
    assert (plan.since, plan.until) == (date(2005, 1, 1), NOW.date())


@pytest.mark.parametrize("since", [date(2026, 11, 19), date(2027, 1, 1)])
def test_days_that_cannot_be_are_refused(since: date) -> None:
    with pytest.raises(BadParameter, match="--from"):
        plan_backfill(since, date(2026, 11, 18), "", NOW)


def test_only_one_is_under_way(redis: Redis) -> None:
    plans = BackfillPlans(redis)
    plans.start(PLAN)
    with pytest.raises(BadParameter, match=r"under way .*2026-09-01"):
        plans.start(PLAN)
    assert plans.drop() == PLAN
    plans.start(PLAN)


def test_a_turn_does_not_bring_a_stopped_plan_back(redis: Redis) -> None:
    plans = BackfillPlans(redis)
    plans.start(PLAN)
    later = replace(PLAN, set="cs")
    plans.drop()
    plans.compare_and_set(PLAN, advance_plan(PLAN, HarvestPage()))
    assert plans.get() is None
    plans.start(later)
    plans.compare_and_set(PLAN, advance_plan(PLAN, HarvestPage()))
    assert plans.get() == later


class Desk:
    """Turns of a backfill in a world with five papers, two on a page."""

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
def desk(redis: Redis) -> Iterator[Desk]:
    with Upstream(NOW, oai_page=2) as world:
        yield Desk(redis, world)


def test_a_turn_is_a_page_and_the_next_is_due_at_once(desk: Desk) -> None:
    desk.plan()
    for done in (2, 4):
        desk.turn()
        assert desk.store.count_papers() == done
        assert desk.states.due_time(BACKFILL_TASK) == desk.world.now
        (progress,) = desk.states.list_progress()
        assert (progress.task, progress.done, progress.total) == (BACKFILL_TASK, done, None)
    assert desk.turn() == "5 records, 2026-11-01 to 2026-11-18: all there is"
    assert all(desk.store.get_papers(desk.ids))
    assert desk.plans.get() is None
    assert desk.states.due_time(BACKFILL_TASK) is None
    assert desk.states.list_progress() == []
    assert len(desk.world.requests_to("/oai")) == 3


def test_another_process_goes_on_where_one_ended(desk: Desk) -> None:
    desk.plan()
    desk.turn()
    Desk.turn(desk)
    again = TaskRunner(desk.redis, desk.settings, lambda: desk.world.now)
    again.run(BACKFILL_TASK, None)
    assert desk.store.count_papers() == 5
    assert desk.plans.get() is None


def test_a_forgotten_token_begins_the_window_again(desk: Desk) -> None:
    plan = desk.plan()
    desk.turn()
    known = desk.plans.get()
    assert known is not None
    desk.plans.compare_and_set(known, replace(known, token="long gone"))
    done = desk.runner.run(BACKFILL_TASK, None)
    assert (done["state"], "forgot the resumption token" in done["said"]) == (
        TaskStatus.FAILING,
        True,
    )
    again = desk.plans.get()
    assert again is not None
    assert (again.at, again.token) == (plan.at, "")
    while desk.plans.get():
        desk.turn()
    assert desk.store.count_papers() == 5


def test_a_refusal_keeps_the_plan_where_it_is(desk: Desk) -> None:
    desk.plan()
    desk.turn()
    before = desk.plans.get()
    desk.world.fail("half", "/oai", times=1)
    assert desk.runner.run(BACKFILL_TASK, None)["state"] == TaskStatus.FAILING
    assert desk.plans.get() == before
    at = desk.states.due_time(BACKFILL_TASK)
    assert at is not None
    assert at > desk.world.now


def test_months_without_anything_are_passed(desk: Desk) -> None:
    desk.plan(date(2026, 6, 1))
    while desk.plans.get():
        desk.turn()
    assert desk.store.count_papers() == 5


def test_without_a_plan_there_is_nothing_to_do(desk: Desk) -> None:
    assert desk.turn() == "nothing is planned"
    assert desk.states.due_time(BACKFILL_TASK) is None
    assert desk.world.requests_to("/oai") == []


def test_the_scheduler_keeps_a_plan_due_and_nothing_else(desk: Desk) -> None:
    woken: list[str] = []
    scheduler = Scheduler(
        desk.redis, desk.settings, task_kinds(), lambda task, now: woken.append(task), lambda: 0
    )
    scheduler.tick(NOW)
    assert BACKFILL_TASK not in woken
    desk.plan()
    scheduler.tick(NOW)
    assert BACKFILL_TASK in woken
    scheduler.tick(NOW + timedelta(seconds=1))
    assert BACKFILL_TASK in desk.states.due_times()
    desk.plans.drop()
    scheduler.tick(NOW + timedelta(seconds=2))
    assert BACKFILL_TASK not in desk.states.due_times()


def test_a_short_window_is_told_and_filled(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.plan()
    read = oai.parse_harvest_page
    monkeypatch.setattr(oai, "parse_harvest_page", lambda body: replace(read(body), token=""))
    done = desk.runner.run(BACKFILL_TASK, None)
    assert (done["state"], done["new"]) == (TaskStatus.FAILING, 2)
    assert "part of the answer is missing" in done["said"]
    monkeypatch.undo()
    while desk.plans.get():
        desk.turn()
    assert desk.store.count_papers() == 5
    state = desk.states.get(BACKFILL_TASK)
    assert state is not None
    assert state.said == "5 records, 2026-11-01 to 2026-11-18: all there is"
