"""Three schedulers at once: each source is fetched once, and another takes over from a dead one."""

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
from tests.faults.system import DurableStore, SystemUnderTest, wait_until
from tests.outcomes import note_outcome

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

CATEGORIES = ("cs.AI", "cs.CL", "cs.CV", "cs.LG", "stat.ML")
ROUNDS = 3
TAKE_OVER = 45.0


def test_three_schedulers_wake_each_source_once_and_replace_a_dead_one() -> None:
    with (
        DurableStore() as store,
        Upstream(datetime.now(UTC), rests=False, communities=("weekly",)) as world,
        ExitStack() as stack,
    ):
        for category in CATEGORIES:
            world.announce(Manuscript(title=f"Paper of {category}", categories=(category,)))
        programs = ("worker", "worker")
        settings = {"categories": list(CATEGORIES), "arxiv_oai_url": ""}
        system = stack.enter_context(
            SystemUnderTest.running(store.url, world, programs=programs, **settings)
        )
        first = stack.enter_context(system.program("scheduler"))
        wait_until(lambda: system.redis.exists(keys.SCHEDULER_LEASE))
        for _ in range(2):
            stack.enter_context(system.program("scheduler"))
        feeds = [f"announcements:{category}" for category in CATEGORIES]
        wait_until(lambda: all_succeeded(system, feeds))
        for _ in range(ROUNDS - 1):
            make_due(system, feeds)
        requested = Counter(visit.target for visit in world.requests_to("/rss", "/feeds"))
        paths = [f"/rss/atom/{category}" for category in CATEGORIES]
        assert {path: requested[path] for path in paths} == dict.fromkeys(paths, ROUNDS)
        holder = system.redis.get(keys.SCHEDULER_LEASE)
        first.kill()
        first.wait()
        began = time.monotonic()
        make_due(system, feeds)
        took = time.monotonic() - began
        assert system.redis.get(keys.SCHEDULER_LEASE) not in (None, holder)
    assert took < TAKE_OVER
    note_outcome(
        "three schedulers", figures=f"{len(feeds)} sources, each fetched once in {ROUNDS} rounds"
    )
    note_outcome("the scheduler that ticks is killed", lost="nothing", heals=f"{took:.0f} s")


def make_due(system: SystemUnderTest, tasks: list[str]) -> None:
    """Make tasks due, and wait until they have run."""
    now = datetime.now(UTC)
    for task in tasks:
        system.states.schedule(task, now)
    wait_until(lambda: all_succeeded(system, tasks, now), TAKE_OVER)


def all_succeeded(system: SystemUnderTest, tasks: list[str], since: datetime | None = None) -> bool:
    """Return True if every task has succeeded since a time, and is scheduled again."""
    states = {state.name: state for state in system.states.all()}
    return all(
        task in states
        and states[task].state is TaskStatus.OK
        and states[task].next_at == system.states.due_time(task)
        and (since is None or states[task].attempted_at >= since)
        for task in tasks
    )
