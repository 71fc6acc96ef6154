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
from tests.workers.tasks.test_backfill import PLAN
from tests.workers.tasks.test_retention import Desk
from workers.registry import recurring_tasks
from workers.tasks.backfill import BackfillPlans
from workers.tasks.compaction import COMPACTION_TASK, compact_behind


@pytest.fixture
def desk(redis: Redis, upstream: Upstream) -> Desk:
    return Desk(redis, upstream)


NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def one_of(month: int) -> Sighting:
    return Sighting(ArxivId(month, 1), "arxiv", Channel.API, NOW, title="A Thing")


def is_closed(redis: Redis, yymm: str) -> bool:
    return redis.hget(keys.segment_postings(yymm), LAYOUT_FIELD) == COMPACTED


def test_months_that_are_over_are_put_together_once_a_day(desk: Desk) -> None:
    id = desk.world.announce(Manuscript(title="A Thing of November"))
    desk.run("announcements:cs.CL", 0)
    assert desk.run(COMPACTION_TASK, 0)["said"] == "nothing was open that is over"
    desk.world.set_time(datetime(2026, 12, 31, 12, tzinfo=UTC))
    desk.run(COMPACTION_TASK, 0)
    assert not is_closed(desk.redis, "2611"), "the month before is written to all day"
    desk.world.set_time(datetime(2027, 1, 1, 12, tzinfo=UTC))
    done = desk.run(COMPACTION_TASK, 0)
    assert done["said"] == "put together the months of 2026"
    assert (done["state"], done["got"]) == (TaskStatus.OK, 1)
    assert is_closed(desk.redis, "2611")
    assert Store(desk.redis).newest_ids(parse_query("november")) == [id]
    at = TaskStates(desk.redis).due_time(COMPACTION_TASK)
    assert at == desk.world.now + timedelta(days=1)


def test_it_waits_for_a_backfill(desk: Desk) -> None:
    desk.world.announce(Manuscript(title="An Old Thing"))
    desk.run("announcements:cs.CL", 0)
    desk.world.set_time(datetime(2027, 3, 1, 12, tzinfo=UTC))
    BackfillPlans(desk.redis).start(PLAN)
    assert desk.run(COMPACTION_TASK, 0)["said"] == "waits for the backfill to end"
    assert not is_closed(desk.redis, "2611")
    BackfillPlans(desk.redis).drop()
    desk.run(COMPACTION_TASK, 0)
    assert is_closed(desk.redis, "2611")


def test_it_is_always_planned_and_there_is_only_one(desk: Desk) -> None:
    assert COMPACTION_TASK in recurring_tasks(Settings())
    assert "there is only closing" in desk.run("closing:hep-th", 0)["skipped"]


def test_a_load_in_order_closes_the_years_it_leaves_behind(redis: Redis) -> None:
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


def test_a_load_that_comes_back_to_months_closes_none(redis: Redis) -> None:
    Store(redis).ingest([one_of(202611)], now=NOW)
    moments = (Store(redis).ingest([one_of(n)], now=NOW) for n in (201402, 201502))
    assert len(list(compact_behind(Compactor(redis), moments))) == 2
    assert redis.keys("{??}:terms") == []
