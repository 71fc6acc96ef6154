"""Parts that are down: the feed is served, and whoever looks sees what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import requests

from papers.redis_backend import keys
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from tests.faults.stage import DurableStore, FeedPoller, SystemUnderTest, wait_until
from tests.outcomes import note_outcome
from tests.papers.fingerprint import all_papers

pytestmark = pytest.mark.faults

TASK = "announcements:cs.CL"


@pytest.fixture
def world() -> Iterator[Upstream]:
    with Upstream(datetime.now(UTC), rests=False) as world:
        world.announce(Manuscript(title="Paper"))
        yield world


@pytest.fixture
def stage(world: Upstream) -> Iterator[SystemUnderTest]:
    """The web server alone, and a keyword."""
    with DurableStore() as store, SystemUnderTest.running(store.url, world, programs=()) as stage:
        stage.reset_store(world.now)
        yield stage


LEFT = {
    "worker": ("rq:worker:*", "lock:task:*", keys.ARXIV_RATE_LIMIT),
    "scheduler": (keys.SCHEDULER_LEASE,),
}
"""What a part that was killed leaves in the store, for two minutes at most."""

ALL_WELL = (1.0, 1.0, frozenset[str]())


@pytest.mark.parametrize("part", LEFT)
def test_a_part_that_is_killed_is_missed_and_comes_back(
    stage: SystemUnderTest, world: Upstream, part: str
) -> None:
    (other,) = {*LEFT} - {part}
    with FeedPoller(stage.url + "/feeds/papers.atom").polling() as reader, stage.program(other):
        with stage.program(part) as process:
            wait_until(lambda: looks(stage) == ALL_WELL and kept(stage) == 1, 60)
            process.kill()
            process.wait()
        wait_until(lambda: is_missed(stage, part), 60)
        world.announce(Manuscript(title="Another paper"))
        stage.states.schedule(TASK, datetime.now(UTC))
        with stage.program(part):
            seconds = wait_until(lambda: kept(stage) == 2, 120)
            wait_until(lambda: looks(stage) == ALL_WELL, 60)
    assert reader.statuses == {200}
    note_outcome(
        f"{part} killed, and nobody starts another for a while",
        lost="nothing",
        served=f"{len(reader.polls)} x 200",
        shown="page, metrics, doctor",
        heals=f"{seconds:.0f} s after it is back",
    )


def is_missed(stage: SystemUnderTest, part: str) -> bool:
    """Whether page, metrics and doctor tell of it, once what it left has run out."""
    for pattern in LEFT[part]:
        stage.redis.delete(pattern, *stage.redis.scan_iter(pattern))
    seen = (float(part != "worker"), float(part != "scheduler"), frozenset({part}))
    page = requests.get(f"{stage.url}/status", timeout=10).text
    return looks(stage) == seen and f"Nothing new is fetched: no {part}" in page


def looks(stage: SystemUnderTest) -> tuple[float, float, frozenset[str]]:
    """Workers and schedulers as the metrics tell, and which of them the doctor misses."""
    told, missed = stage.metrics(), stage.doctor() & {*LEFT}
    return told[("paperwire_workers",)], told[("paperwire_scheduler_up",)], frozenset(missed)


def kept(stage: SystemUnderTest) -> int:
    return len(all_papers(stage.redis))
