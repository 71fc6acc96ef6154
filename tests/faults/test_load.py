"""Crowds, floods and slow clients before a real web server of two processes."""

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
from paperwire.simulator.upstream import Upstream
from tests.faults.crowd import (
    ClientResponse,
    client_processes,
    http_get,
    latency_figures,
    percentile,
    request_all,
    run_at_rate,
)
from tests.faults.stage import FEED, SAVED_KEYWORD, DurableStore, SystemUnderTest
from tests.outcomes import note_outcome
from tests.service.made import NOW, make_sighting

pytestmark = pytest.mark.faults

CLIENTS: Final = 500
FLOOD: Final = 10_000 / 60
"""Questions a second that one client makes up."""

READING_RATE: Final = 100.0
"""Requests a second of those who read a known feed meanwhile."""

TURN: Final = 1.5
"""Seconds of each turn: calm, ready answers, flood, and so on."""

TURNS: Final = 12

READERS: Final = 2_000
READING: Final = float(os.environ.get("READERS_SECONDS", "15"))
"""Seconds for which they poll; each polls every ten."""

KEPT: Final = 100
"""Custom answers that the store keeps here."""


@pytest.fixture(scope="module")
def world() -> Iterator[Upstream]:
    with Upstream() as world:
        yield world


@pytest.fixture(scope="module")
def stage(world: Upstream) -> Iterator[SystemUnderTest]:
    """Three hundred papers, and the web server alone, behind a proxy that it trusts."""
    settings = {"web_processes": 2, "custom_answers": KEPT, "trusted_proxies": 1}
    with (
        DurableStore() as store,
        SystemUnderTest.running(store.url, world, programs=(), **settings) as stage,
    ):
        Keywords(store.redis).add(*SAVED_KEYWORD, now=NOW)
        papers = [make_sighting(n, title=f"Paper {n} on topic{n % 7}") for n in range(1, 301)]
        Store(store.redis).ingest(papers, now=NOW)
        yield stage


def test_a_crowd_on_a_cold_keyword_is_one_rendering(
    stage: SystemUnderTest, world: Upstream
) -> None:
    url = f"{stage.url}/feeds/search.atom?q=topic3"

    async def crowd() -> list[ClientResponse]:
        return await asyncio.gather(
            *(http_get(url, X_Forwarded_For=f"192.0.2.{n % 250}") for n in range(CLIENTS))
        )

    with counted(stage.redis) as renderings:
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
def counted(redis: Redis) -> Iterator[list[str]]:
    """The keys of the answers that are kept, one for each rendering, while the block runs."""
    found: list[str] = []
    redis.config_set("notify-keyspace-events", "K$")
    with redis.pubsub() as told:  # type: ignore[no-untyped-call]
        told.psubscribe("__keyspace@0__:feed:*")
        yield found
        while message := told.get_message(timeout=1.0):
            key = str(message["channel"]).rpartition("__:")[2].strip("'")
            if message["type"] == "pmessage" and re.fullmatch("feed:[0-9a-f]+:gzip", key):
                found.append(key)


def test_a_flood_of_questions_from_one_client(stage: SystemUnderTest) -> None:
    """What the flood costs the readers of a known feed, held against two things in turns.

    The three are short and take turns, so that whatever else the machine does hits all of them
    alike; their 99th percentiles are compared by the median of the turns. Where nothing is asked
    beside the readers is the calm. Where a core is always taken by others any request costs the
    readers that much, so the flood must double the calm at most, or cost no more than as many
    requests for one ready answer.
    """
    turns = flood(stage)
    flooded = [one for turn in turns["flood"] for one in turn.others]
    statuses = Counter(one.status for one in flooded)
    assert set(statuses) == {200, 429}
    assert statuses[200] <= 2 * stage.settings.questions_per_minute * 2  # of at most two minutes
    refused = [one for one in flooded if one.status == 429]
    assert all(1 <= int(one.headers["retry-after"]) <= 60 for one in refused)
    readers = [one for kind in turns for turn in turns[kind] for one in turn.readers]
    assert {one.status for one in readers} == {200}
    late = {kind: median(turn.late for turn in of_kind) for kind, of_kind in turns.items()}
    told = ", ".join(f"{kind} {ms:.0f} ms" for kind, ms in late.items())
    ratios = [a.late / b.late for a, b in zip(turns["flood"], turns["calm"], strict=True)]
    figures = f"known feed's 99th percentile, median of {TURNS} turns each: {told}; flood to calm "
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
    """What the readers of the known feed got, and those who asked beside them."""

    readers: list[ClientResponse]
    others: list[ClientResponse]

    @property
    def late(self) -> float:
        """The readers' 99th percentile, in milliseconds."""
        return 1000 * percentile([one.seconds for one in self.readers], 0.99)


def flood(stage: SystemUnderTest) -> dict[str, list[Turn]]:
    """Turns of nothing, of a ready answer and of new questions, so many of each."""
    known, count = stage.url + FEED, int(FLOOD * TURN)
    reading = [known] * int(READING_RATE * TURN)
    beside: dict[str, Callable[[int], list[str]]] = {
        "calm": lambda _: [],
        "ready": lambda _: [known] * count,
        "flood": lambda nth: [
            f"{stage.url}/feeds/search.atom?q=word{nth}x{n}" for n in range(count)
        ],
    }
    turns: dict[str, list[Turn]] = {kind: [] for kind in beside}
    with client_processes(2) as clients:
        list(
            clients.map(request_all, [[known] * 50] * 2, [50.0] * 2, ["192.0.2.1"] * 2)
        )  # they are there
        for nth in range(TURNS):
            for kind, urls in beside.items():
                readers = clients.submit(request_all, reading, READING_RATE, "192.0.2.1")
                others = clients.submit(request_all, urls(nth), FLOOD, "198.51.100.9")
                turns[kind].append(Turn(readers.result(), others.result()))
    return turns


def test_questions_of_many_clients_leave_the_store_bounded(stage: SystemUnderTest) -> None:
    def questions(start: int) -> list[ClientResponse]:
        asked = (
            http_get(
                f"{stage.url}/feeds/search.atom?q=other{n}", X_Forwarded_For=f"203.0.113.{n % 200}"
            )
            for n in range(start, start + 2 * KEPT)
        )
        return asyncio.run(run_at_rate(asked, 150))

    first = questions(0)
    memory = stage.metrics_memory()
    second, third = questions(10_000), questions(20_000)
    assert {one.status for one in (*first, *second, *third)} == {200}
    kept = stage.redis.zcard(keys.CUSTOM_RESPONSES)
    assert KEPT // 2 < kept <= KEPT  # two processes may drop one too many
    grown = stage.metrics_memory() - memory
    assert grown < 1_000_000
    note_outcome(
        "600 keywords of 200 clients",
        served=f"{6 * KEPT} x 200",
        shown="metrics",
        figures=f"{kept} answers kept; the store grew by {grown / 1000:.0f} kB",
    )


def test_slow_and_half_sent_requests(stage: SystemUnderTest) -> None:
    parts = urlsplit(stage.url)
    halves: list[socket.socket] = []
    try:
        for n in range(300):
            half = socket.create_connection((parts.hostname or "", parts.port or 0), 5)
            half.sendall(b"GET /feeds/papers.atom HTTP/1.1\r\nHost: x\r\nX-" + b"a" * (n % 50))
            halves.append(half)

        async def others() -> list[ClientResponse]:
            return await run_at_rate((http_get(stage.url + FEED) for _ in range(200)), 100)

        got = asyncio.run(others())
        for half in halves[::10]:  # the slow ones go on, a few bytes at a time
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
def test_two_thousand_readers_who_poll(stage: SystemUnderTest) -> None:
    chance = random.Random(2000)
    url = stage.url + FEED
    asked: list[ClientResponse] = []

    async def reader() -> None:
        tag = ""
        ends = time.monotonic() + READING
        await asyncio.sleep(chance.uniform(0, 10))
        while time.monotonic() < ends:
            got = await http_get(
                url, Accept_Encoding="gzip", **({"If_None_Match": tag} if tag else {})
            )
            asked.append(got)
            assert got.status == (304 if tag else 200), got
            tag = got.headers["etag"]
            await asyncio.sleep(10)

    async def everybody() -> None:
        await asyncio.gather(*(reader() for _ in range(READERS)))

    asyncio.run(everybody())
    statuses = Counter(one.status for one in asked)
    assert set(statuses) == {200, 304}
    assert statuses[200] == READERS
    note_outcome(
        "2,000 readers who poll",
        served=f"{statuses[200]} x 200, {statuses[304]} x 304",
        figures=f"in {READING:.0f} s {latency_figures(asked)}",
    )
