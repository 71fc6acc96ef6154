from __future__ import annotations

from datetime import timedelta

import pytest
from redis import Redis

from papers.config.settings import Settings
from papers.errors import SourceRefused
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Channel, Pick, Sighting
from papers.redis_backend import keys
from papers.store import Store
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from paperwire.simulator.world.world import WEDNESDAY
from workers.fetch.arxiv_rate_limiter import ArxivRateLimiter
from workers.fetch.fetcher import Fetcher
from workers.sources.result import FetchResult, UpstreamClients
from workers.tasks.enrich import (
    MAX_IDS_PER_RUN,
    MAX_RETRY_DELAY,
    Enrichment,
    UnknownId,
    back_off,
    due_for_lookup,
)

MINUTE = timedelta(minutes=1)
IDS = [ArxivId(202611, n) for n in range(1, MAX_IDS_PER_RUN + 100)]


class Desk:
    """A store whose papers are known by name only, and an API to ask."""

    def __init__(self, redis: Redis, world: Upstream) -> None:
        self.redis, self.world, self.store = redis, world, Store(redis)
        self.enrichment = Enrichment(self.store, redis)
        settings = Settings(**world.settings(arxiv_interval=0.0))
        lane = ArxivRateLimiter(redis, 0.0, max_wait=1.0)
        self.upstreams = UpstreamClients(settings, Fetcher(settings, redis), lane)

    def name(self, *ids: ArxivId) -> None:
        """A community names papers."""
        named = (
            Sighting(id, "weekly", Channel.COMMUNITY, WEDNESDAY, pick=Pick("weekly", WEDNESDAY))
            for id in ids
        )
        self.store.ingest(named, now=WEDNESDAY)

    def enrich(self) -> list[FetchResult]:
        """One run, its parts stored as they come."""
        parts = []
        for part in self.enrichment.fetch("", self.upstreams, self.world.now):
            self.store.ingest(part.sightings, now=self.world.now)
            parts.append(part)
        return parts

    def asked_for(self) -> list[set[str]]:
        """The ids of each request to the API so far."""
        queries = [visit.target.split("id_list=")[1] for visit in self.world.requests_to("/api")]
        return [set(query.split("&")[0].split("%2C")) for query in queries]


@pytest.fixture
def desk(redis: Redis, upstream: Upstream) -> Desk:
    return Desk(redis, upstream)


def test_named_papers_are_described(desk: Desk) -> None:
    ids = [desk.world.announce(Manuscript(title=f"Paper {n}")) for n in range(3)]
    desk.name(*ids)
    [part] = desk.enrich()
    assert (part.record_count, part.done, part.total) == (3, 3, 3)
    assert [paper and paper.title for paper in desk.store.get_papers(ids)] == [
        *("Paper 0", "Paper 1", "Paper 2")
    ]
    assert desk.store.undescribed(9) == []
    assert desk.enrich() == [FetchResult(message="nothing to describe")]


def test_unknown_ids_are_asked_for_at_growing_intervals_and_hold_nobody_up(desk: Desk) -> None:
    unknown = ArxivId(202611, 999)
    desk.name(unknown)
    desk.enrich()
    for number in range(3):
        known = desk.world.announce(Manuscript(title=f"Paper {number}"))
        desk.name(known)
        desk.enrich()
    assert desk.enrich()[0].message == "1 papers that arXiv does not know yet"
    assert sum(str(unknown) in asked for asked in desk.asked_for()) == 1
    desk.world.set_time(desk.world.now + 10 * MINUTE)
    desk.enrich()
    desk.world.set_time(desk.world.now + 29 * MINUTE)
    desk.enrich()
    assert sum(str(unknown) in asked for asked in desk.asked_for()) == 2
    desk.world.set_time(desk.world.now + MINUTE)
    desk.enrich()
    assert sum(str(unknown) in asked for asked in desk.asked_for()) == 3


def test_an_id_that_becomes_known_is_described_and_forgotten(desk: Desk) -> None:
    late = ArxivId(202611, 77)
    desk.name(late)
    desk.enrich()
    assert desk.redis.hlen(keys.ENRICH_RETRIES) == 1
    desk.world.announce(Manuscript(title="Late"), id=late)
    desk.world.set_time(desk.world.now + 10 * MINUTE)
    desk.enrich()
    assert desk.store.undescribed(9) == []
    desk.enrich()
    assert desk.redis.hlen(keys.ENRICH_RETRIES) == 0


def test_one_bad_id_never_loses_the_batch(desk: Desk) -> None:
    ids = [desk.world.announce(Manuscript(title=f"Paper {n}")) for n in range(8)]
    desk.name(*ids)
    desk.world.fail(400, "/api", times=1)
    desk.enrich()
    assert desk.store.undescribed(9) == []


def test_a_refusal_keeps_what_came_and_asks_for_the_rest_again(desk: Desk) -> None:
    ids = [desk.world.announce(Manuscript(title=f"Paper {n}")) for n in range(130)]
    desk.name(*ids)
    parts = desk.enrichment.fetch("", desk.upstreams, desk.world.now)
    desk.store.ingest(next(parts).sightings, now=desk.world.now)
    desk.world.fail(503, "/api", times=1)
    with pytest.raises(SourceRefused):
        next(parts)
    assert len(desk.store.undescribed(999)) == 30
    assert desk.redis.hlen(keys.ENRICH_RETRIES) == 0
    desk.redis.delete(keys.ARXIV_RATE_LIMIT)
    desk.enrich()
    assert desk.store.undescribed(999) == []


# (tries before, minutes until the next)
PAUSES = [(0, 10), (1, 30), (2, 90), (3, 270), (8, 43_200), (1_000, 43_200)]


@pytest.mark.parametrize(("tries", "minutes"), PAUSES)
def test_pauses_grow_to_a_month(tries: int, minutes: int) -> None:
    before = UnknownId(tries, WEDNESDAY) if tries else None
    after = back_off(before, WEDNESDAY)
    assert after == UnknownId(tries + 1, WEDNESDAY + minutes * MINUTE)
    assert after.retry_at <= WEDNESDAY + MAX_RETRY_DELAY


def test_ready_are_the_new_ones_and_those_whose_pause_is_over() -> None:
    unknown = {
        IDS[0]: UnknownId(1, WEDNESDAY + MINUTE),
        IDS[1]: UnknownId(1, WEDNESDAY),
        IDS[2]: UnknownId(9, WEDNESDAY - MINUTE),
    }
    assert due_for_lookup(IDS[:4], unknown, WEDNESDAY) == IDS[1:4]
    assert due_for_lookup(IDS, {}, WEDNESDAY) == IDS[:MAX_IDS_PER_RUN]
