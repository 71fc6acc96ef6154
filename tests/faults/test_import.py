"""An import of 10,000 keywords: the announcements of the day wait for none of their past.

arXiv lets one request through at a time, at intervals. First the past of some keywords is fetched,
keyword by keyword, then that of thousands by a backfill, and each time papers are announced.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import Final

import pytest

from paperwire.simulator.upstream import ARXIV_PATHS, Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from tests.faults.saving_keywords import ANNOUNCEMENTS, is_at_rest, save_keywords
from tests.faults.system import DurableStore, SystemUnderTest, wait_until
from tests.outcomes import note_outcome

pytestmark = [pytest.mark.faults, pytest.mark.timeout(400)]

INTERVAL: Final = 0.5
"""Seconds between two requests to arXiv; outside tests three."""

ROUNDS: Final = 6
"""Announcements of each phase."""

FEW: Final = 90
MANY: Final = 10_000


@dataclass(frozen=True, slots=True)
class Delay:
    """How an announced paper came into the feed."""

    seconds: float
    waits: int
    """Requests for the past that arXiv got after the task was due and before the announcement's."""

    requests: int
    """Requests for the past between this announcement and the one before."""


@pytest.fixture
def world() -> Iterator[Upstream]:
    with Upstream(datetime.now(UTC), rests=False, oai_page=5) as world:
        yield world


def test_import_of_ten_thousand_keywords_delays_no_announcement(world: Upstream) -> None:
    settings = {"arxiv_interval": INTERVAL, "arxiv_oai_url": f"{world.url}/oai"}
    with (
        DurableStore() as store,
        SystemUnderTest.running(
            store.url, world, programs=("worker", "scheduler"), **settings
        ) as system,
    ):
        world.announce(Manuscript(title="Paper of the first day"))
        wait_until(lambda: "first day" in system.feed().text, 60)
        wait_until(lambda: not world_is_busy(world), 60)
        calm = announce(system, world, "calm")
        save_keywords(system, FEW)
        few = announce(system, world, "few")
        took = save_keywords(system, MANY)
        many = announce(system, world, "many")
    assert sum(one.requests for one in few) > 0, "no past was fetched meanwhile"
    assert sum(one.requests for one in many) > 0, "no past was fetched meanwhile"
    figures = []
    for name, phase in {"calm": calm, f"{FEW} saved": few, f"{MANY:,} imported": many}.items():
        assert max(one.waits for one in phase) <= 1, (name, phase)
        figures.append(
            f"{name}: {median(one.seconds for one in phase):.1f} s, "
            f"at most {max(one.seconds for one in phase):.1f}, "
            f"{sum(one.waits for one in phase)} waits for {sum(o.requests for o in phase)} requests"
        )
    slowest = max(one.seconds for one in (*few, *many))
    assert slowest < max(one.seconds for one in calm) + 2 * INTERVAL + 3, figures
    note_outcome(
        "an import of 10,000 keywords",
        lost="nothing",
        served="announcements first",
        figures=f"{MANY:,} keywords in {took:.1f} s; {'; '.join(figures)}",
    )


def announce(system: SystemUnderTest, world: Upstream, phase: str) -> list[Delay]:
    """Announce papers one after another; return how each came into the feed."""
    return [announce_one(system, world, f"{phase} number{n}") for n in range(ROUNDS)]


def announce_one(system: SystemUnderTest, world: Upstream, name: str) -> Delay:
    wait_until(lambda: is_at_rest(system))
    before = len(world.log)
    time.sleep(3 * INTERVAL)  # what the past takes meanwhile
    world.announce(Manuscript(title=f"Paper {name}"))
    began = time.monotonic()
    system.states.schedule(ANNOUNCEMENTS, datetime.now(UTC))
    wait_until(lambda: name in system.feed().text, 60)
    seconds = time.monotonic() - began
    later = [one for one in world.log[before:] if one.target.startswith(ARXIV_PATHS)]
    requests_since = (o.started for o in later if "/rss/" in o.target and o.started > began)
    fetched = next(requests_since, began)  # unless one was under way that found it
    past = [one for one in later if not one.target.startswith("/rss")]
    return Delay(seconds, sum(began < one.started < fetched for one in past), len(past))


def world_is_busy(world: Upstream) -> bool:
    """Return True if arXiv gets requests just now."""
    count = len(world.log)
    time.sleep(5 * INTERVAL)
    return len(world.log) > count
