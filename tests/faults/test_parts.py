"""Parts that are down: the feed is served, and whoever looks sees what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import requests

from papers.redis_backend import keys
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from tests.faults.stage import OwnStore, Reader, Stage, until
from tests.outcomes import note
from tests.papers.fingerprint import papers

pytestmark = pytest.mark.faults

TASK = "announcements:cs.CL"


@pytest.fixture
def world() -> Iterator[Upstream]:
    with Upstream(datetime.now(UTC), rests=False) as world:
        world.announce(Manuscript(title="Paper"))
        yield world


@pytest.fixture
def stage(world: Upstream) -> Iterator[Stage]:
    """The web server alone, and a keyword."""
    with OwnStore() as store, Stage.running(store.url, world, programs=()) as stage:
        stage.begin(world.now)
        yield stage


LEFT = {
    "worker": ("rq:worker:*", "lock:task:*", keys.ARXIV_LANE),
    "scheduler": (keys.SCHEDULER_LEASE,),
}
"""What a part that was killed leaves in the store, for two minutes at most."""

ALL_WELL = (1.0, 1.0, frozenset[str]())


@pytest.mark.parametrize("part", LEFT)
def test_a_part_that_is_killed_is_missed_and_comes_back(
    stage: Stage, world: Upstream, part: str
) -> None:
    (other,) = {*LEFT} - {part}
    with Reader(stage.url + "/feeds/papers.atom").reading() as reader, stage.program(other):
        with stage.program(part) as process:
            until(lambda: looks(stage) == ALL_WELL and kept(stage) == 1, 60)
            process.kill()
            process.wait()
        until(lambda: is_missed(stage, part), 60)
        world.announce(Manuscript(title="Another paper"))
        stage.states.make_due(TASK, datetime.now(UTC))
        with stage.program(part):
            seconds = until(lambda: kept(stage) == 2, 120)
            until(lambda: looks(stage) == ALL_WELL, 60)
    assert reader.statuses == {200}
    note(
        f"{part} killed, and nobody starts another for a while",
        lost="nothing",
        served=f"{len(reader.polls)} x 200",
        shown="page, metrics, doctor",
        heals=f"{seconds:.0f} s after it is back",
    )


def is_missed(stage: Stage, part: str) -> bool:
    """Whether page, metrics and doctor tell of it, once what it left has run out."""
    for pattern in LEFT[part]:
        stage.redis.delete(pattern, *stage.redis.scan_iter(pattern))
    seen = (float(part != "worker"), float(part != "scheduler"), frozenset({part}))
    page = requests.get(f"{stage.url}/status", timeout=10).text
    return looks(stage) == seen and f"Nothing new is fetched: no {part}" in page


def looks(stage: Stage) -> tuple[float, float, frozenset[str]]:
    """Workers and schedulers as the metrics tell, and which of them the doctor misses."""
    told, missed = stage.metrics(), stage.doctor() & {*LEFT}
    return told[("paperwire_workers",)], told[("paperwire_scheduler_up",)], frozenset(missed)


def kept(stage: Stage) -> int:
    return len(papers(stage.redis))
