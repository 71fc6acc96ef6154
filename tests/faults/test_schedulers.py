"""Three schedulers at once: each source is asked once, and another takes over from a dead one."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest

from papers.redis_backend import keys
from papers.state.task_states import TaskStatus
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from tests.faults.stage import DurableStore, SystemUnderTest, wait_until
from tests.outcomes import note_outcome

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

CATEGORIES = ("cs.AI", "cs.CL", "cs.CV", "cs.LG", "stat.ML")
ROUNDS = 3
TAKE_OVER = 45.0


def test_three_schedulers_ask_once_and_one_of_them_may_die() -> None:
    with (
        DurableStore() as store,
        Upstream(datetime.now(UTC), rests=False, communities=("weekly",)) as world,
        ExitStack() as stack,
    ):
        for category in CATEGORIES:
            world.announce(Manuscript(title=f"Paper of {category}", categories=(category,)))
        programs = ("worker", "worker")
        wanted = {"categories": list(CATEGORIES), "arxiv_oai_url": ""}
        stage = stack.enter_context(
            SystemUnderTest.running(store.url, world, programs=programs, **wanted)
        )
        first = stack.enter_context(stage.program("scheduler"))
        wait_until(lambda: stage.redis.exists(keys.SCHEDULER_LEASE))
        for _ in range(2):
            stack.enter_context(stage.program("scheduler"))
        feeds = [f"announcements:{category}" for category in CATEGORIES]
        wait_until(lambda: all_well(stage, feeds))
        for _ in range(ROUNDS - 1):
            make_due(stage, feeds)
        asked = Counter(visit.target for visit in world.requests_to("/rss", "/feeds"))
        paths = [f"/rss/atom/{category}" for category in CATEGORIES]
        assert {path: asked[path] for path in paths} == dict.fromkeys(paths, ROUNDS)
        holder = stage.redis.get(keys.SCHEDULER_LEASE)
        first.kill()
        first.wait()
        began = time.monotonic()
        make_due(stage, feeds)
        took = time.monotonic() - began
        assert stage.redis.get(keys.SCHEDULER_LEASE) not in (None, holder)
    assert took < TAKE_OVER
    note_outcome(
        "three schedulers", figures=f"{len(feeds)} sources, each asked once in {ROUNDS} rounds"
    )
    note_outcome("the scheduler that ticks is killed", lost="nothing", heals=f"{took:.0f} s")


def make_due(stage: SystemUnderTest, tasks: list[str]) -> None:
    """Have tasks asked again, and wait until they were."""
    now = datetime.now(UTC)
    for task in tasks:
        stage.states.schedule(task, now)
    wait_until(lambda: all_well(stage, tasks, now), TAKE_OVER)


def all_well(stage: SystemUnderTest, tasks: list[str], since: datetime | None = None) -> bool:
    """Whether every task was done, and not before then, and is planned anew."""
    states = {state.name: state for state in stage.states.all()}
    return all(
        task in states
        and states[task].state is TaskStatus.OK
        and states[task].next_at == stage.states.due_time(task)
        and (since is None or states[task].attempted_at >= since)
        for task in tasks
    )
