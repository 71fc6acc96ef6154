"""A flood, an import of 10,000 keywords and an ingest at once: what a known feed's reader sees.

First the reader is alone, then with all three, for `ALL_AT_ONCE_SECONDS`. Meanwhile papers are
announced one by one, and it is measured how long each takes into the feed.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import pytest
from redis import Redis

from papers.model.arxiv_id import ArxivId
from papers.redis_backend import keys
from papers.store import Store
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from tests.faults.http_clients import (
    ClientResponse,
    client_processes,
    percentile,
    poll_conditionally,
    request_all,
)
from tests.faults.saving_keywords import ANNOUNCEMENTS, is_at_rest, save_keywords
from tests.faults.system import FEED, DurableStore, SystemUnderTest, wait_until
from tests.outcomes import note_outcome
from tests.service.made import make_sighting

SECONDS: Final = float(os.environ.get("ALL_AT_ONCE_SECONDS", "20"))
CALM_SECONDS: Final = min(60.0, SECONDS / 2)
pytestmark = [pytest.mark.faults, pytest.mark.timeout(2 * SECONDS + 200)]

POLLS: Final = 20.0
"""Requests per second of the reader, with validators."""

FLOOD: Final = 10_000 / 60
"""New queries per second of one other client."""

ROWS: Final = 200
"""Papers of each batch of the ingest, one every three seconds: 4,000 a minute."""

IMPORTED: Final = 10_000
MAX_STALENESS: Final = 60.0
"""Seconds after which an announced paper must be in the feed, at the latest."""

READER, FLOODER = "192.0.2.1", "198.51.100.9"


@dataclass
class Phase:
    """What the reader got, and the seconds from each announcement to the feed."""

    polls: list[ClientResponse] = field(default_factory=list)
    staleness: list[float] = field(default_factory=list)

    @property
    def figures(self) -> str:
        """Latencies and staleness."""
        taken = [poll.seconds for poll in self.polls]
        half, late, most = (percentile(taken, share) * 1000 for share in (0.5, 0.99, 1))
        old = sum("cache-status" in poll.headers for poll in self.polls)
        stale = f"median {percentile(self.staleness, 0.5):.1f} s, at most {max(self.staleness):.1f}"
        return (
            f"median {half:.0f} ms, 99th percentile {late:.0f}, slowest {most:.0f}; "
            f"{old} marked as old; {len(self.staleness)} announced, in the feed after {stale}"
        )

    @property
    def served(self) -> str:
        """Statuses."""
        counts = Counter(poll.status for poll in self.polls)
        return ", ".join(f"{count} x {status}" for status, count in sorted(counts.items()))


@pytest.fixture
def world() -> Iterator[Upstream]:
    with Upstream(datetime.now(UTC), rests=False) as world:
        yield world


def test_reader_of_a_known_feed_beside_a_flood_an_import_and_an_ingest(world: Upstream) -> None:
    settings = {"web_processes": 2, "trusted_proxies": ["127.0.0.0/8"], "arxiv_interval": 0.5}
    programs = ("worker", "scheduler")
    with (
        DurableStore() as store,
        SystemUnderTest.running(store.url, world, programs=programs, **settings) as system,
        client_processes(2) as clients,
    ):
        world.announce(Manuscript(title="Paper of the first day"))
        wait_until(lambda: "first day" in system.feed().text, 60)
        calm = read(system, world, clients, CALM_SECONDS, "calm")
        with flooding(system, clients) as flooded, ingesting(store.redis) as ingested:
            importer = threading.Thread(target=save_keywords, args=(system, IMPORTED))
            importer.start()
            busy = read(system, world, clients, SECONDS, "busy")
            importer.join()
        assert store.redis.hlen(keys.KEYWORDS) > IMPORTED
    for phase in (calm, busy):
        assert {poll.status for poll in phase.polls} <= {200, 304}, phase.served
        assert max(phase.staleness) < MAX_STALENESS, phase.staleness
    refused = Counter(one.status for one in flooded)
    assert set(refused) <= {200, 429, 503}, refused
    note_outcome("a known feed's reader alone", served=calm.served, figures=calm.figures)
    note_outcome(
        "a flood, an import and an ingest at once",
        lost="nothing",
        served=busy.served,
        shown=f"429 to {refused[429]} of {len(flooded)} of the flood",
        figures=f"{SECONDS:.0f} s, {sum(ingested):,} papers ingested; {busy.figures}",
    )


def read(
    system: SystemUnderTest, world: Upstream, clients: Executor, seconds: float, name: str
) -> Phase:
    """Poll the feed from another process, and announce papers meanwhile."""
    polls = clients.submit(poll_conditionally, system.url + FEED, POLLS, seconds, READER)
    phase, number = Phase(), 0
    while not polls.done():
        phase.staleness.append(announce_one(system, world, f"{name} number{number}"))
        number += 1
    phase.polls = polls.result()
    return phase


def announce_one(system: SystemUnderTest, world: Upstream, name: str) -> float:
    """Announce a paper; return the seconds until the feed has it."""
    wait_until(lambda: is_at_rest(system))
    world.announce(Manuscript(title=f"Paper {name}"))
    system.states.schedule(ANNOUNCEMENTS, datetime.now(UTC))
    took = wait_until(lambda: name in system.feed().text, 2 * MAX_STALENESS)
    time.sleep(2)
    return took


@contextmanager
def flooding(system: SystemUnderTest, clients: Executor) -> Iterator[list[ClientResponse]]:
    """Send new queries from one client until the block ends; collect the responses."""
    responses, ended = list[ClientResponse](), threading.Event()

    def run() -> None:
        turn = 0
        while not ended.is_set():
            turn += 1
            urls = [f"{system.url}/feeds/search.atom?q=word{turn}x{n}" for n in range(1000)]
            responses.extend(clients.submit(request_all, urls, FLOOD, FLOODER).result())

    with _thread(run, ended):
        yield responses


@contextmanager
def ingesting(redis: Redis) -> Iterator[list[int]]:
    """Ingest batches of older papers until the block ends; collect their sizes."""
    sizes, ended = list[int](), threading.Event()

    def run() -> None:
        while not ended.wait(3):
            first = sum(sizes) + 1
            rows = [
                make_sighting(1, title=f"Paper {n} on topic{n % 500}")._replace(
                    id=ArxivId(202605, n)
                )
                for n in range(first, first + ROWS)
            ]
            Store(redis).ingest(rows, now=datetime.now(UTC))
            sizes.append(ROWS)

    with _thread(run, ended):
        yield sizes


@contextmanager
def _thread(run: Callable[[], None], ended: threading.Event) -> Iterator[None]:
    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
