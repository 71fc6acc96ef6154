from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis

from papers.config.settings import Settings
from papers.state.task_states import TaskStates, TaskStatus
from papers.store import Store
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from workers.jobs import TaskRunner
from workers.registry import recurring_tasks
from workers.tasks.retention import RETENTION_TASK


class Desk:
    """Runs tasks in a world at its time, that of 18 November 2026 at first."""

    def __init__(self, redis: Redis, world: Upstream) -> None:
        self.redis, self.world, self.store = redis, world, Store(redis)

    def run(self, task: str, keep_months: int) -> dict[str, Any]:
        settings = Settings(
            **self.world.settings(arxiv_interval=0.0, categories=("cs.CL",), keywords={}),
            keep_months=keep_months,
        )
        return TaskRunner(self.redis, settings, lambda: self.world.now).run(task, None)


@pytest.fixture
def desk(redis: Redis, upstream: Upstream) -> Desk:
    return Desk(redis, upstream)


def test_months_that_are_too_old_go_once_a_day(desk: Desk) -> None:
    desk.world.announce(Manuscript(title="An Old Thing"))
    desk.run("announcements:cs.CL", 2)
    assert desk.run(RETENTION_TASK, 2)["said"] == "2 months are kept; nothing was older"
    desk.world.set_time(datetime(2027, 1, 6, 12, tzinfo=UTC))
    done = desk.run(RETENTION_TASK, 2)
    assert done["said"] == "2 months are kept; removed 1 papers of 1 months (202611)"
    assert (done["state"], done["got"]) == (TaskStatus.OK, 1)
    assert desk.store.count_papers() == 0
    at = TaskStates(desk.redis).due_time(RETENTION_TASK)
    assert at == desk.world.now + timedelta(days=1)


def test_a_removed_month_does_not_come_back(desk: Desk) -> None:
    old = desk.world.announce(Manuscript(title="An Old Thing"))
    desk.world.set_time(datetime(2027, 1, 6, 12, tzinfo=UTC))
    desk.world.revise(old, title="An Old Thing, Revised")
    desk.world.announce(Manuscript(title="A New Thing"))
    desk.world.pick(old, "weekly")
    done = desk.run("announcements:cs.CL", 2)
    assert (done["state"], done["new"]) == (TaskStatus.OK, 1)
    assert done["said"].endswith("; 1 of months that are not kept")
    assert desk.run("community:weekly", 2)["said"].endswith("; 1 of months that are not kept")
    assert desk.store.get_papers([old]) == [None]
    assert desk.run("oai:daily", 0)["new"] == 1
    assert desk.store.get_papers([old]) != [None]


def test_nothing_goes_where_all_is_kept(desk: Desk) -> None:
    desk.world.announce(Manuscript(title="An Old Thing"))
    desk.run("announcements:cs.CL", 0)
    desk.world.set_time(datetime(2027, 1, 6, 12, tzinfo=UTC))
    assert desk.run(RETENTION_TASK, 0)["said"] == "everything is kept; nothing was older"
    assert desk.store.count_papers() == 1


def test_it_is_planned_where_it_is_asked_for() -> None:
    assert RETENTION_TASK not in recurring_tasks(Settings())
    assert RETENTION_TASK in recurring_tasks(Settings(keep_months=12))


def test_there_is_only_one(desk: Desk) -> None:
    assert "there is only retention" in desk.run("retention:hep-th", 2)["skipped"]
