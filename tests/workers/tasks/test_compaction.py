from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis

from papers.config.settings import Settings
from papers.index.compaction.compactor import Compactor
from papers.index.postings import COMPACTED, LAYOUT_FIELD
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Channel, Sighting
from papers.query.parser import parse_query
from papers.redis_backend import keys
from papers.state.task_states import TaskStates, TaskStatus
from papers.store import Store
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from tests.workers.tasks.backfill_plan import PLAN
from tests.workers.tasks.task_harness import Harness
from workers.registry import recurring_tasks
from workers.tasks.backfill import BackfillPlans
from workers.tasks.compaction import COMPACTION_TASK, compact_behind


@pytest.fixture
def harness(redis: Redis, upstream: Upstream) -> Harness:
    return Harness(redis, upstream)


NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def one_of(month: int) -> Sighting:
    return Sighting(ArxivId(month, 1), "arxiv", Channel.API, NOW, title="A Thing")


def is_closed(redis: Redis, yymm: str) -> bool:
    return redis.hget(keys.segment_postings(yymm), LAYOUT_FIELD) == COMPACTED


def test_past_months_are_compacted_once_a_day(harness: Harness) -> None:
    id = harness.world.announce(Manuscript(title="A Thing of November"))
    harness.run("announcements:cs.CL", 0)
    assert harness.run(COMPACTION_TASK, 0)["said"] == "nothing to compact"
    harness.world.set_time(datetime(2026, 12, 31, 12, tzinfo=UTC))
    harness.run(COMPACTION_TASK, 0)
    assert not is_closed(harness.redis, "2611"), "the month before is written to all day"
    harness.world.set_time(datetime(2027, 1, 1, 12, tzinfo=UTC))
    done = harness.run(COMPACTION_TASK, 0)
    assert done["said"] == "compacted the months of 2026"
    assert (done["state"], done["got"]) == (TaskStatus.OK, 1)
    assert is_closed(harness.redis, "2611")
    assert Store(harness.redis).newest_ids(parse_query("november")) == [id]
    at = TaskStates(harness.redis).due_time(COMPACTION_TASK)
    assert at == harness.world.now + timedelta(days=1)


def test_unfinished_compaction_is_due_at_once(harness: Harness, redis: Redis) -> None:
    """Other tasks run between its slices: here a slice is done when a year is."""
    Store(redis).ingest([one_of(201411), one_of(201511)], now=NOW)
    assert harness.run(COMPACTION_TASK, 0)["said"] == "compacted the months of 2014"
    assert TaskStates(redis).due_time(COMPACTION_TASK) == harness.world.now
    assert harness.run(COMPACTION_TASK, 0)["said"] == "compacted the months of 2015"
    at = TaskStates(redis).due_time(COMPACTION_TASK)
    assert at == harness.world.now + timedelta(days=1)


def test_compaction_waits_for_a_backfill(harness: Harness) -> None:
    harness.world.announce(Manuscript(title="An Old Thing"))
    harness.run("announcements:cs.CL", 0)
    harness.world.set_time(datetime(2027, 3, 1, 12, tzinfo=UTC))
    BackfillPlans(harness.redis).start(PLAN)
    assert harness.run(COMPACTION_TASK, 0)["said"] == "waits for the backfill to end"
    assert not is_closed(harness.redis, "2611")
    BackfillPlans(harness.redis).drop()
    harness.run(COMPACTION_TASK, 0)
    assert is_closed(harness.redis, "2611")


def test_compaction_always_recurs_and_has_no_subject(harness: Harness) -> None:
    assert COMPACTION_TASK in recurring_tasks(Settings())
    assert "there is only closing" in harness.run("closing:hep-th", 0)["skipped"]


def test_load_in_order_compacts_past_years(redis: Redis) -> None:
    closing = Compactor(redis)
    Store(redis).ingest([one_of(201411)], now=NOW)

    def moments() -> Iterator[int]:
        for month in (201412, 201501, 201502, 201503, 200001, 201601, 201602):
            Store(redis).ingest([one_of(month)], now=NOW)
            yield month

    closed = dict[int, list[bytes]]()
    for month in compact_behind(closing, moments()):
        years: Any = redis.keys("{??}:terms")
        closed[month] = sorted(years)
    fourteen, both = [b"{14}:terms"], [b"{00}:terms", b"{14}:terms", b"{15}:terms"]
    assert closed == {
        201412: [],
        201501: [],
        201502: fourteen,
        201503: fourteen,
        200001: fourteen,
        201601: fourteen,
        201602: both,
    }


def test_load_out_of_order_compacts_nothing(redis: Redis) -> None:
    Store(redis).ingest([one_of(202611)], now=NOW)
    moments = (Store(redis).ingest([one_of(n)], now=NOW) for n in (201402, 201502))
    assert len(list(compact_behind(Compactor(redis), moments))) == 2
    assert redis.keys("{??}:terms") == []
