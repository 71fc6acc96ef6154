from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from redis import Redis

from papers.config.settings import Settings
from papers.errors import BadParameter
from papers.state.task_states import SourceStates, State
from papers.store import Store
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from workers.jobs import TaskRun
from workers.schedule.scheduler import Scheduler
from workers.sources.arxiv import oai
from workers.sources.arxiv.oai import Harvest, Span
from workers.tasks.backfill import TASK, Plan, Plans, moved, planned

NOW = datetime(2026, 11, 18, 15, tzinfo=UTC)
PLAN = planned(date(2026, 9, 1), date(2026, 11, 18), "", NOW)


def test_a_plan_goes_a_month_at_a_time_to_its_end() -> None:
    plan, windows = PLAN, []
    while not plan.ended:
        windows.append(plan.window)
        plan = moved(plan, Harvest())
    assert windows == [
        Span(date(2026, 9, 1), date(2026, 10, 1)),
        Span(date(2026, 10, 2), date(2026, 11, 1)),
        Span(date(2026, 11, 2), date(2026, 11, 18)),
    ]


def test_a_token_keeps_the_window() -> None:
    plan = moved(PLAN, Harvest(token="next", deleted=3))
    assert (plan.at, plan.token, plan.done) == (PLAN.at, "next", 3)
    assert moved(plan, Harvest()).token == ""


def test_a_window_that_comes_short_is_asked_for_once_more() -> None:
    short = (Harvest(token="next", total=5, deleted=3), Harvest(deleted=1))
    first = moved(moved(PLAN, short[0]), short[1])
    assert (first.window, first.token, first.done, first.again) == (PLAN.window, "", 0, True)
    whole = moved(moved(first, short[0]), Harvest(deleted=2))
    assert (whole.at, whole.done, whole.again, whole.short) == (date(2026, 10, 2), 5, False, 0)
    again = moved(moved(first, short[0]), short[1])
    assert (again.at, again.done, again.again, again.short) == (date(2026, 10, 2), 4, False, 1)
    assert "1 that arXiv declared did not come" in replace(again, at=date(2026, 11, 19)).said


def test_days_are_brought_into_reach() -> None:
    plan = planned(date(1991, 1, 1), date(2030, 1, 1), "cs", NOW)
    assert (plan.since, plan.until) == (date(2005, 1, 1), NOW.date())


@pytest.mark.parametrize("since", [date(2026, 11, 19), date(2027, 1, 1)])
def test_days_that_cannot_be_are_refused(since: date) -> None:
    with pytest.raises(BadParameter, match="--from"):
        planned(since, date(2026, 11, 18), "", NOW)


def test_only_one_is_under_way(redis: Redis) -> None:
    plans = Plans(redis)
    plans.begin(PLAN)
    with pytest.raises(BadParameter, match=r"under way .*2026-09-01"):
        plans.begin(PLAN)
    assert plans.drop() == PLAN
    plans.begin(PLAN)


def test_a_turn_does_not_bring_a_stopped_plan_back(redis: Redis) -> None:
    plans = Plans(redis)
    plans.begin(PLAN)
    later = replace(PLAN, set="cs")
    plans.drop()
    plans.move(PLAN, moved(PLAN, Harvest()))
    assert plans.get() is None
    plans.begin(later)
    plans.move(PLAN, moved(PLAN, Harvest()))
    assert plans.get() == later


class Desk:
    """Turns of a backfill in a world with five papers, two on a page."""

    def __init__(self, redis: Redis, world: Upstream) -> None:
        self.redis, self.world = redis, world
        self.states, self.plans, self.store = SourceStates(redis), Plans(redis), Store(redis)
        self.settings = Settings(**world.settings(arxiv_interval=0.0), keywords={})
        self.runner = TaskRun(redis, self.settings, lambda: world.now)
        self.ids = [world.announce(Manuscript(title=f"Paper {n}")) for n in range(5)]

    def plan(self, since: date = date(2026, 11, 1)) -> Plan:
        plan = planned(since, self.world.today, "", self.world.now)
        self.plans.begin(plan)
        return plan

    def turn(self) -> str:
        return str(self.runner.run(TASK, None)["said"])


@pytest.fixture
def desk(redis: Redis) -> Iterator[Desk]:
    with Upstream(NOW, oai_page=2) as world:
        yield Desk(redis, world)


def test_a_turn_is_a_page_and_the_next_is_due_at_once(desk: Desk) -> None:
    desk.plan()
    for done in (2, 4):
        desk.turn()
        assert desk.store.size() == done
        assert desk.states.next_due(TASK) == desk.world.now
        (progress,) = desk.states.progress()
        assert (progress.task, progress.done, progress.total) == (TASK, done, None)
    assert desk.turn() == "5 records, 2026-11-01 to 2026-11-18: all there is"
    assert all(desk.store.papers(desk.ids))
    assert desk.plans.get() is None
    assert desk.states.next_due(TASK) is None
    assert desk.states.progress() == []
    assert len(desk.world.visits("/oai")) == 3


def test_another_process_goes_on_where_one_ended(desk: Desk) -> None:
    desk.plan()
    desk.turn()
    Desk.turn(desk)
    again = TaskRun(desk.redis, desk.settings, lambda: desk.world.now)
    again.run(TASK, None)
    assert desk.store.size() == 5
    assert desk.plans.get() is None


def test_a_forgotten_token_begins_the_window_again(desk: Desk) -> None:
    plan = desk.plan()
    desk.turn()
    known = desk.plans.get()
    assert known is not None
    desk.plans.move(known, replace(known, token="long gone"))
    done = desk.runner.run(TASK, None)
    assert (done["state"], "forgot the resumption token" in done["said"]) == (State.FAILING, True)
    again = desk.plans.get()
    assert again is not None
    assert (again.at, again.token) == (plan.at, "")
    while desk.plans.get():
        desk.turn()
    assert desk.store.size() == 5


def test_a_refusal_keeps_the_plan_where_it_is(desk: Desk) -> None:
    desk.plan()
    desk.turn()
    before = desk.plans.get()
    desk.world.fail("half", "/oai", times=1)
    assert desk.runner.run(TASK, None)["state"] == State.FAILING
    assert desk.plans.get() == before
    at = desk.states.next_due(TASK)
    assert at is not None
    assert at > desk.world.now


def test_months_without_anything_are_passed(desk: Desk) -> None:
    desk.plan(date(2026, 6, 1))
    while desk.plans.get():
        desk.turn()
    assert desk.store.size() == 5


def test_without_a_plan_there_is_nothing_to_do(desk: Desk) -> None:
    assert desk.turn() == "nothing is planned"
    assert desk.states.next_due(TASK) is None
    assert desk.world.visits("/oai") == []


def test_the_scheduler_keeps_a_plan_due_and_nothing_else(desk: Desk) -> None:
    woken: list[str] = []
    scheduler = Scheduler(
        desk.redis, desk.settings, lambda task, now: woken.append(task), lambda: 0
    )
    scheduler.tick(NOW)
    assert TASK not in woken
    desk.plan()
    scheduler.tick(NOW)
    assert TASK in woken
    scheduler.tick(NOW + timedelta(seconds=1))
    assert TASK in desk.states.planned()
    desk.plans.drop()
    scheduler.tick(NOW + timedelta(seconds=2))
    assert TASK not in desk.states.planned()


def test_a_short_window_is_told_and_filled(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.plan()
    read = oai.read
    monkeypatch.setattr(oai, "read", lambda body: replace(read(body), token=""))
    done = desk.runner.run(TASK, None)
    assert (done["state"], done["new"]) == (State.FAILING, 2)
    assert "part of the answer is missing" in done["said"]
    monkeypatch.undo()
    while desk.plans.get():
        desk.turn()
    assert desk.store.size() == 5
    state = desk.states.get(TASK)
    assert state is not None
    assert state.said == "5 records, 2026-11-01 to 2026-11-18: all there is"
