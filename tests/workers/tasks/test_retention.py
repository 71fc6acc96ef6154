from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from papers.config.settings import Settings
from papers.state.task_states import TaskStates, TaskStatus
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from tests.workers.tasks.task_harness import Harness
from workers.registry import recurring_tasks
from workers.tasks.retention import RETENTION_TASK


@pytest.fixture
def harness(redis: Redis, upstream: Upstream) -> Harness:
    return Harness(redis, upstream)


def test_expired_months_are_removed_once_a_day(harness: Harness) -> None:
    harness.world.announce(Manuscript(title="An Old Thing"))
    harness.run("announcements:cs.CL", 2)
    assert harness.run(RETENTION_TASK, 2)["said"] == "keep_months is 2; nothing was older"
    harness.world.set_time(datetime(2027, 1, 6, 12, tzinfo=UTC))
    done = harness.run(RETENTION_TASK, 2)
    assert done["said"] == "keep_months is 2; removed 1 paper of 1 month (202611)"
    assert (done["state"], done["got"]) == (TaskStatus.OK, 1)
    assert harness.store.count_papers() == 0
    at = TaskStates(harness.redis).due_time(RETENTION_TASK)
    assert at == harness.world.now + timedelta(days=1)


def test_removed_month_is_not_stored_again(harness: Harness) -> None:
    old = harness.world.announce(Manuscript(title="An Old Thing"))
    harness.world.set_time(datetime(2027, 1, 6, 12, tzinfo=UTC))
    harness.world.revise(old, title="An Old Thing, Revised")
    harness.world.announce(Manuscript(title="A New Thing"))
    harness.world.pick(old, "weekly")
    done = harness.run("announcements:cs.CL", 2)
    assert (done["state"], done["new"]) == (TaskStatus.OK, 1)
    assert done["said"].endswith("; 1 of months that are not kept")
    assert harness.run("community:weekly", 2)["said"].endswith("; 1 of months that are not kept")
    assert harness.store.get_papers([old]) == [None]
    assert harness.run("oai:daily", 0)["new"] == 1
    assert harness.store.get_papers([old]) != [None]


def test_nothing_is_removed_by_default(harness: Harness) -> None:
    harness.world.announce(Manuscript(title="An Old Thing"))
    harness.run("announcements:cs.CL", 0)
    harness.world.set_time(datetime(2027, 1, 6, 12, tzinfo=UTC))
    assert harness.run(RETENTION_TASK, 0)["said"] == "everything is kept; nothing was older"
    assert harness.store.count_papers() == 1


def test_retention_recurs_only_if_configured() -> None:
    assert RETENTION_TASK not in recurring_tasks(Settings())
    assert RETENTION_TASK in recurring_tasks(Settings(keep_months=12))


def test_retention_has_no_subject(harness: Harness) -> None:
    assert "there is only retention" in harness.run("retention:hep-th", 2)["skipped"]
