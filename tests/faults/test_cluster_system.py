"""A whole system on a cluster, its workers, scheduler and web server, through a failover."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import pytest
from redis import Redis

from papers.redis_backend import keys
from papers.redis_backend.months import stored_months
from papers.state.task_states import TaskStates
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from tests.faults.system import FEED, DurableStore, FeedPoller, SystemUnderTest, wait_until
from tests.outcomes import note_outcome
from tests.papers.cluster_nodes import TestCluster, running_cluster

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

TASKS: Final = ("announcements:cs.CL", "hf:today", "oai:daily")


def announce(world: Upstream, count: int) -> None:
    """Announce papers, picked today."""
    today = world.now.replace(hour=0, minute=0, second=0, microsecond=0)
    for _ in range(count):
        id = world.announce(Manuscript(title=f"Paper {len(world.preprints())}"))
        world.pick(id, at=today)


def papers_in_cluster(cluster: TestCluster, month: str) -> int:
    """Return how many papers of a month the cluster has."""
    return int(cluster.primary_of(keys.month_papers(month)).client.hlen(keys.month_papers(month)))


def make_due(redis: Redis) -> None:
    for task in TASKS:
        TaskStates(redis).schedule(task, datetime.now(UTC))


def test_system_goes_on_through_a_failover() -> None:
    with (
        running_cluster() as cluster,
        DurableStore() as store,
        Upstream(datetime.now(UTC), rests=False) as world,
    ):
        announce(world, 10)
        programs = ("worker", "scheduler")
        with SystemUnderTest.running(
            store.url, world, programs=programs, store_url=cluster.url
        ) as system:
            wait_until(lambda: system.feed().text.count("<entry>") == 10, 120)
            month = stored_months(store.redis)[-1].yymm
            assert papers_in_cluster(cluster, month) > 0
            assert not store.redis.exists(keys.month_papers(month))
            with FeedPoller(f"{system.url}{FEED}").polling() as poller:
                cluster.primary_of(keys.month_papers(month)).kill()
                announce(world, 5)
                make_due(store.redis)
                took = wait_until(lambda: system.feed().text.count("<entry>") == 15, 120)
            assert poller.statuses == {200}
            note_outcome(
                "cluster: a primary is killed",
                lost="nothing",
                served="last good feeds",
                shown="`/healthz`",
                heals="by itself",
                figures=f"a whole system: new papers in the feed after {took:.1f} s; "
                f"slowest poll {poller.slowest:.2f} s, all 200",
            )
