"""Processes that are down: the feed is served; page, metrics and doctor show what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import requests

from papers.redis_backend import keys
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from tests.faults.system import DurableStore, FeedPoller, SystemUnderTest, wait_until
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
def system(world: Upstream) -> Iterator[SystemUnderTest]:
    """The web server alone, with one keyword."""
    with DurableStore() as store, SystemUnderTest.running(store.url, world, programs=()) as system:
        system.reset_store(world.now)
        yield system


LEFTOVER_KEYS = {
    "worker": ("rq:worker:*", "lock:task:*", keys.ARXIV_RATE_LIMIT),
    "scheduler": (keys.SCHEDULER_LEASE,),
}
"""What a killed process leaves in the store, for two minutes at most."""

ALL_WELL = (1.0, 1.0, frozenset[str]())


@pytest.mark.parametrize("part", LEFTOVER_KEYS)
def test_killed_process_is_reported_missing_until_it_is_back(
    system: SystemUnderTest, world: Upstream, part: str
) -> None:
    (other,) = {*LEFTOVER_KEYS} - {part}
    with FeedPoller(system.url + "/feeds/papers.atom").polling() as reader, system.program(other):
        with system.program(part) as process:
            wait_until(lambda: visible_state(system) == ALL_WELL and paper_count(system) == 1, 60)
            process.kill()
            process.wait()
        wait_until(lambda: is_missed(system, part), 60)
        world.announce(Manuscript(title="Another paper"))
        system.states.schedule(TASK, datetime.now(UTC))
        with system.program(part):
            seconds = wait_until(lambda: paper_count(system) == 2, 120)
            wait_until(lambda: visible_state(system) == ALL_WELL, 60)
    assert reader.statuses == {200}
    note_outcome(
        f"{part} killed, and nobody starts another for a while",
        lost="nothing",
        served=f"{len(reader.polls)} x 200",
        shown="page, metrics, doctor",
        heals=f"{seconds:.0f} s after it is back",
    )


def is_missed(system: SystemUnderTest, part: str) -> bool:
    """Return True if page, metrics and doctor report it, after what it left has expired."""
    for pattern in LEFTOVER_KEYS[part]:
        system.redis.delete(pattern, *system.redis.scan_iter(pattern))
    expected = (float(part != "worker"), float(part != "scheduler"), frozenset({part}))
    page = requests.get(f"{system.url}/status", timeout=10).text
    return visible_state(system) == expected and f"Nothing new is fetched: no {part}" in page


def visible_state(system: SystemUnderTest) -> tuple[float, float, frozenset[str]]:
    """Return the workers and schedulers in the metrics, and those that the doctor misses."""
    metrics, missed = system.metrics(), system.doctor() & {*LEFTOVER_KEYS}
    return metrics[("paperwire_workers",)], metrics[("paperwire_scheduler_up",)], frozenset(missed)


def paper_count(system: SystemUnderTest) -> int:
    return len(all_papers(system.redis))
