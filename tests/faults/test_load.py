"""Crowds, floods and slow clients before a real web server of two processes."""

from __future__ import annotations

import asyncio
import os
import random
import re
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

import pytest
from redis import Redis

from papers import keys
from papers.keywords import Keywords
from papers.store import Store
from paperwire.simulator.upstream import Upstream
from tests.faults.crowd import Got, figures, get, paced, percentile
from tests.faults.stage import FEED, KEYWORD, OwnStore, Stage
from tests.outcomes import note
from tests.service.made import NOW, sighting

pytestmark = pytest.mark.faults

CLIENTS: Final = 500
FLOOD: Final = 10_000 / 60
"""Questions a second that one client makes up."""

FLOODED: Final = 10
"""Seconds of it."""

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
def stage(world: Upstream) -> Iterator[Stage]:
    """Three hundred papers, and the web server alone, behind a proxy that it trusts."""
    settings = {"web_processes": 2, "custom_answers": KEPT, "trusted_proxies": 1}
    with OwnStore() as store, Stage.running(store.url, world, programs=(), **settings) as stage:
        Keywords(store.redis).add(*KEYWORD, now=NOW)
        papers = [sighting(n, title=f"Paper {n} on topic{n % 7}") for n in range(1, 301)]
        Store(store.redis).ingest(papers, now=NOW)
        yield stage


def test_a_crowd_on_a_cold_keyword_is_one_rendering(stage: Stage, world: Upstream) -> None:
    url = f"{stage.url}/feeds/search.atom?q=topic3"

    async def crowd() -> list[Got]:
        return await asyncio.gather(
            *(get(url, X_Forwarded_For=f"192.0.2.{n % 250}") for n in range(CLIENTS))
        )

    with counted(stage.redis) as renderings:
        got = asyncio.run(crowd())
    assert Counter(one.status for one in got) == {200: CLIENTS}
    assert len({one.body for one in got}) == 1
    assert len(renderings) == 1
    assert world.log == []
    note(
        "500 clients on one cold keyword",
        served=f"{len(got)} x 200",
        figures=f"1 rendering, 0 upstream requests; {figures(got)}",
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


def test_a_flood_of_questions_from_one_client(stage: Stage) -> None:
    known = stage.url + FEED

    async def beside(urls: list[str]) -> tuple[list[Got], list[Got]]:
        """What one client got that asks for all these, and what the readers of a known feed."""
        asked = (get(url, X_Forwarded_For="198.51.100.9") for url in urls)
        reading = (get(known, X_Forwarded_For="192.0.2.1") for _ in range(50 * FLOODED))
        return await asyncio.gather(paced(asked, FLOOD), paced(reading, 50))

    async def flood() -> tuple[list[Got], list[Got], list[Got], list[Got]]:
        await get(known)
        calm = await paced((get(known, X_Forwarded_For="192.0.2.1") for _ in range(300)), 50)
        count = int(FLOOD * FLOODED)
        _, crowded = await beside([known] * count)
        words = [f"{stage.url}/feeds/search.atom?q=word{n}" for n in range(count)]
        return calm, crowded, *await beside(words)

    calm, crowded, flooded, readers = asyncio.run(flood())
    statuses = Counter(one.status for one in flooded)
    assert set(statuses) == {200, 429}
    assert statuses[200] <= 2 * stage.settings.questions_per_minute * (1 + FLOODED / 60)
    refused = [one for one in flooded if one.status == 429]
    assert all(1 <= int(one.headers["retry-after"]) <= 60 for one in refused)
    assert {one.status for one in readers} == {200}
    late = [1000 * percentile([g.seconds for g in got], 0.99) for got in (calm, crowded, readers)]
    note(
        "10,000 keywords a minute from one client",
        served=f"{len(readers)} x 200 to others",
        shown="429, Retry-After",
        figures=f"{statuses[429]} of {len(flooded)} refused; known feed's 99th percentile "
        f"{late[0]:.0f} ms, beside as many requests for ready answers {late[1]:.0f} ms, "
        f"in the flood {late[2]:.0f} ms",
    )


def test_questions_of_many_clients_leave_the_store_bounded(stage: Stage) -> None:
    def questions(start: int) -> list[Got]:
        asked = (
            get(f"{stage.url}/feeds/search.atom?q=other{n}", X_Forwarded_For=f"203.0.113.{n % 200}")
            for n in range(start, start + 2 * KEPT)
        )
        return asyncio.run(paced(asked, 150))

    first = questions(0)
    memory = stage.metrics_memory()
    second, third = questions(10_000), questions(20_000)
    assert {one.status for one in (*first, *second, *third)} == {200}
    kept = stage.redis.zcard(keys.CUSTOM_FEEDS)
    assert KEPT // 2 < kept <= KEPT  # two processes may drop one too many
    grown = stage.metrics_memory() - memory
    assert grown < 1_000_000
    note(
        "600 keywords of 200 clients",
        served=f"{6 * KEPT} x 200",
        shown="metrics",
        figures=f"{kept} answers kept; the store grew by {grown / 1000:.0f} kB",
    )


def test_slow_and_half_sent_requests(stage: Stage) -> None:
    parts = urlsplit(stage.url)
    halves: list[socket.socket] = []
    try:
        for n in range(300):
            half = socket.create_connection((parts.hostname or "", parts.port or 0), 5)
            half.sendall(b"GET /feeds/papers.atom HTTP/1.1\r\nHost: x\r\nX-" + b"a" * (n % 50))
            halves.append(half)

        async def others() -> list[Got]:
            return await paced((get(stage.url + FEED) for _ in range(200)), 100)

        got = asyncio.run(others())
        for half in halves[::10]:  # the slow ones go on, a few bytes at a time
            half.sendall(b"b")
    finally:
        for half in halves:
            half.close()
    assert {one.status for one in got} == {200}
    note(
        "half-sent and slow requests",
        served=f"{len(got)} x 200 to others",
        figures=f"{len(halves)} of them; {figures(got)}",
    )


@pytest.mark.timeout(READING + 200)
def test_two_thousand_readers_who_poll(stage: Stage) -> None:
    chance = random.Random(2000)
    url = stage.url + FEED
    asked: list[Got] = []

    async def reader() -> None:
        tag = ""
        ends = time.monotonic() + READING
        await asyncio.sleep(chance.uniform(0, 10))
        while time.monotonic() < ends:
            got = await get(url, Accept_Encoding="gzip", **({"If_None_Match": tag} if tag else {}))
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
    note(
        "2,000 readers who poll",
        served=f"{statuses[200]} x 200, {statuses[304]} x 304",
        figures=f"in {READING:.0f} s {figures(asked)}",
    )
