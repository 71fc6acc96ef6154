"""Many clients, floods and slow clients, against a real web server of two processes."""

from __future__ import annotations

import asyncio
import os
import random
import re
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Final
from urllib.parse import urlsplit

import pytest
from redis import Redis

from papers.redis_backend import keys
from papers.state.keywords import Keywords
from papers.store import Store
from paperwire.run.web import THREADS
from paperwire.simulator.upstream import Upstream
from service.http.rate_limit import MIN_NEW_MILLISECONDS, QUESTION_MILLISECONDS
from tests.faults.http_clients import (
    ClientResponse,
    client_processes,
    http_get,
    latency_figures,
    percentile,
    request_all,
    run_at_rate,
)
from tests.faults.system import FEED, SAVED_KEYWORD, DurableStore, SystemUnderTest
from tests.outcomes import note_outcome
from tests.service.made import NOW, make_sighting

pytestmark = pytest.mark.faults

CLIENTS: Final = 500
FLOOD: Final = 10_000 / 60
"""New queries per second of one client."""

READING_RATE: Final = 100.0
"""Requests per second of the clients that read a known feed meanwhile."""

TURN: Final = 1.5
"""Seconds of each turn: calm, cached responses, flood, and again."""

TURNS: Final = 12

READERS: Final = 2_000
READING: Final = float(os.environ.get("READERS_SECONDS", "15"))
"""Seconds for which readers poll; each polls every ten."""

CUSTOM_RESPONSES: Final = 100
"""The setting `custom_answers` of these tests."""


@pytest.fixture(scope="module")
def world() -> Iterator[Upstream]:
    with Upstream() as world:
        yield world


@pytest.fixture(scope="module")
def system(world: Upstream) -> Iterator[SystemUnderTest]:
    """Three hundred papers, and only the web server, behind a proxy that it trusts."""
    settings = {
        "web_processes": 2,
        "custom_answers": CUSTOM_RESPONSES,
        "trusted_proxies": ["127.0.0.0/8"],
    }
    with (
        DurableStore() as store,
        SystemUnderTest.running(store.url, world, programs=(), **settings) as system,
    ):
        Keywords(store.redis).add(*SAVED_KEYWORD, now=NOW)
        papers = [make_sighting(n, title=f"Paper {n} on topic{n % 7}") for n in range(1, 301)]
        Store(store.redis).ingest(papers, now=NOW)
        yield system


def test_simultaneous_requests_for_a_cold_keyword_cause_one_rendering(
    system: SystemUnderTest, world: Upstream
) -> None:
    url = f"{system.url}/feeds/search.atom?q=topic3"

    async def crowd() -> list[ClientResponse]:
        return await asyncio.gather(
            *(http_get(url, X_Forwarded_For=f"192.0.2.{n % 250}") for n in range(CLIENTS))
        )

    with stored_responses(system.redis) as renderings:
        got = asyncio.run(crowd())
    assert Counter(one.status for one in got) == {200: CLIENTS}
    assert len({one.body for one in got}) == 1
    assert len(renderings) == 1
    assert world.log == []
    note_outcome(
        "500 clients on one cold keyword",
        served=f"{len(got)} x 200",
        figures=f"1 rendering, 0 upstream requests; {latency_figures(got)}",
    )


@contextmanager
def stored_responses(redis: Redis) -> Iterator[list[str]]:
    """Collect the keys of responses stored while the block runs: one per rendering."""
    found: list[str] = []
    redis.config_set("notify-keyspace-events", "K$")
    with redis.pubsub() as events:  # type: ignore[no-untyped-call]
        events.psubscribe("__keyspace@0__:feed:*")
        yield found
        while message := events.get_message(timeout=1.0):
            key = str(message["channel"]).rpartition("__:")[2].strip("'")
            if message["type"] == "pmessage" and re.fullmatch("feed:[0-9a-f]+:validators", key):
                found.append(key)


def test_flood_of_queries_from_one_client_delays_others_little(system: SystemUnderTest) -> None:
    """Compare a known feed's latency with the flood, without it, and with cached requests.

    The three alternate in short turns, so that other load on the machine affects all of them alike;
    the medians of their 99th percentiles are compared. In a calm turn there are only the readers.
    On a busy machine any additional request costs the readers time, so the flood may at most
    double the latency of the calm, or cost as much as the same number of requests for one cached
    response.
    """
    turns = flood(system)
    flooded = [one for turn in turns["flood"] for one in turn.others]
    statuses = Counter(one.status for one in flooded)
    assert set(statuses) == {200, 429}
    allowed = system.settings.questions_per_minute * QUESTION_MILLISECONDS // MIN_NEW_MILLISECONDS
    assert statuses[200] <= 2 * (allowed + THREADS) * 2  # of two processes and two minutes
    refused = [one for one in flooded if one.status == 429]
    assert all(1 <= int(one.headers["retry-after"]) <= 60 for one in refused)
    readers = [one for kind in turns for turn in turns[kind] for one in turn.readers]
    assert {one.status for one in readers} == {200}
    late = {kind: median(turn.late for turn in of_kind) for kind, of_kind in turns.items()}
    medians = ", ".join(f"{kind} {ms:.0f} ms" for kind, ms in late.items())
    ratios = [a.late / b.late for a, b in zip(turns["flood"], turns["calm"], strict=True)]
    figures = (
        f"known feed's 99th percentile, median of {TURNS} turns each: {medians}; flood to calm "
    )
    figures += f"{median(ratios):.1f} times in the median turn"
    assert late["flood"] <= max(2 * late["calm"], late["ready"]), (figures, ratios)
    note_outcome(
        "10,000 keywords a minute from one client",
        served=f"{len(readers)} x 200 to others",
        shown="429, Retry-After",
        figures=f"{statuses[429]} of {len(flooded)} refused; {figures}",
    )


@dataclass(frozen=True, slots=True)
class Turn:
    """The responses to readers of the known feed, and to the other clients."""

    readers: list[ClientResponse]
    others: list[ClientResponse]

    @property
    def late(self) -> float:
        """The readers' 99th percentile, in milliseconds."""
        return 1000 * percentile([one.seconds for one in self.readers], 0.99)


def flood(system: SystemUnderTest) -> dict[str, list[Turn]]:
    """Run `TURNS` turns each of no other requests, of a cached response and of new queries."""
    known, count = system.url + FEED, int(FLOOD * TURN)
    reading = [known] * int(READING_RATE * TURN)
    beside: dict[str, Callable[[int], list[str]]] = {
        "calm": lambda _: [],
        "ready": lambda _: [known] * count,
        "flood": lambda nth: [
            f"{system.url}/feeds/search.atom?q=word{nth}x{n}" for n in range(count)
        ],
    }
    turns: dict[str, list[Turn]] = {kind: [] for kind in beside}
    with client_processes(2) as clients:
        list(
            clients.map(request_all, [[known] * 50] * 2, [50.0] * 2, ["192.0.2.1"] * 2)
        )  # starts the processes
        for nth in range(TURNS):
            for kind, urls in beside.items():
                readers = clients.submit(request_all, reading, READING_RATE, "192.0.2.1")
                others = clients.submit(request_all, urls(nth), FLOOD, "198.51.100.9")
                turns[kind].append(Turn(readers.result(), others.result()))
    return turns


def test_queries_of_many_clients_leave_the_store_bounded(system: SystemUnderTest) -> None:
    def new_queries(start: int) -> list[ClientResponse]:
        requests = (
            http_get(
                f"{system.url}/feeds/search.atom?q=other{n}", X_Forwarded_For=f"203.0.113.{n % 200}"
            )
            for n in range(start, start + 2 * CUSTOM_RESPONSES)
        )
        return asyncio.run(run_at_rate(requests, 150))

    first = new_queries(0)
    memory = system.metrics_memory()
    second, third = new_queries(10_000), new_queries(20_000)
    assert {one.status for one in (*first, *second, *third)} == {200}
    stored = system.redis.zcard(keys.CUSTOM_RESPONSES)
    assert CUSTOM_RESPONSES // 2 < stored <= CUSTOM_RESPONSES  # two processes may drop one too many
    grown = system.metrics_memory() - memory
    assert grown < 1_000_000
    note_outcome(
        "600 keywords of 200 clients",
        served=f"{6 * CUSTOM_RESPONSES} x 200",
        shown="metrics",
        figures=f"{stored} responses stored; the store grew by {grown / 1000:.0f} kB",
    )


def test_slow_and_half_sent_requests_occupy_no_thread(system: SystemUnderTest) -> None:
    parts = urlsplit(system.url)
    halves: list[socket.socket] = []
    try:
        for n in range(300):
            half = socket.create_connection((parts.hostname or "", parts.port or 0), 5)
            half.sendall(b"GET /feeds/papers.atom HTTP/1.1\r\nHost: x\r\nX-" + b"a" * (n % 50))
            halves.append(half)

        async def others() -> list[ClientResponse]:
            return await run_at_rate((http_get(system.url + FEED) for _ in range(200)), 100)

        got = asyncio.run(others())
        for half in halves[::10]:  # slow clients continue, a byte at a time
            half.sendall(b"b")
    finally:
        for half in halves:
            half.close()
    assert {one.status for one in got} == {200}
    note_outcome(
        "half-sent and slow requests",
        served=f"{len(got)} x 200 to others",
        figures=f"{len(halves)} of them; {latency_figures(got)}",
    )


@pytest.mark.timeout(READING + 200)
def test_two_thousand_polling_readers_get_304(system: SystemUnderTest) -> None:
    chance = random.Random(2000)
    url = system.url + FEED
    responses: list[ClientResponse] = []

    async def reader() -> None:
        tag = ""
        ends = time.monotonic() + READING
        await asyncio.sleep(chance.uniform(0, 10))
        while time.monotonic() < ends:
            got = await http_get(
                url, Accept_Encoding="gzip", **({"If_None_Match": tag} if tag else {})
            )
            responses.append(got)
            assert got.status == (304 if tag else 200), got
            tag = got.headers["etag"]
            await asyncio.sleep(10)

    async def everybody() -> None:
        await asyncio.gather(*(reader() for _ in range(READERS)))

    asyncio.run(everybody())
    statuses = Counter(response.status for response in responses)
    assert set(statuses) == {200, 304}
    assert statuses[200] == READERS
    note_outcome(
        "2,000 polling readers",
        served=f"{statuses[200]} x 200, {statuses[304]} x 304",
        figures=f"in {READING:.0f} s {latency_figures(responses)}",
    )
