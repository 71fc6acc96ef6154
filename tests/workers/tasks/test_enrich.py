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


class Harness:
    """A store with undescribed papers, and an API to look them up."""

    def __init__(self, redis: Redis, world: Upstream) -> None:
        self.redis, self.world, self.store = redis, world, Store(redis)
        self.enrichment = Enrichment(self.store, redis)
        settings = Settings(**world.settings(arxiv_interval=0.0))
        limiter = ArxivRateLimiter(redis, 0.0, max_wait=1.0)
        self.upstreams = UpstreamClients(settings, Fetcher(settings, redis, limiter))

    def name(self, *ids: ArxivId) -> None:
        """Store picks of papers, without descriptions."""
        named = (
            Sighting(id, "weekly", Channel.COMMUNITY, WEDNESDAY, pick=Pick("weekly", WEDNESDAY))
            for id in ids
        )
        self.store.ingest(named, now=WEDNESDAY)

    def enrich(self) -> list[FetchResult]:
        """Run the task once, storing its results as they arrive."""
        parts = []
        for part in self.enrichment.fetch("", self.upstreams, self.world.now):
            self.store.ingest(part.sightings, now=self.world.now)
            parts.append(part)
        return parts

    def requested_ids(self) -> list[set[str]]:
        """Return the ids of each request to the API so far."""
        queries = [visit.target.split("id_list=")[1] for visit in self.world.requests_to("/api")]
        return [set(query.split("&")[0].split("%2C")) for query in queries]


@pytest.fixture
def harness(redis: Redis, upstream: Upstream) -> Harness:
    return Harness(redis, upstream)


def test_picked_papers_are_described(harness: Harness) -> None:
    ids = [harness.world.announce(Manuscript(title=f"Paper {n}")) for n in range(3)]
    harness.name(*ids)
    [part] = harness.enrich()
    assert (part.record_count, part.done, part.total) == (3, 3, 3)
    assert [paper and paper.title for paper in harness.store.get_papers(ids)] == [
        *("Paper 0", "Paper 1", "Paper 2")
    ]
    assert harness.store.undescribed(9) == []
    assert harness.enrich() == [FetchResult(message="nothing to describe")]


def test_unknown_ids_are_backed_off_and_block_no_others(harness: Harness) -> None:
    unknown = ArxivId(202611, 999)
    harness.name(unknown)
    harness.enrich()
    for number in range(3):
        stored = harness.world.announce(Manuscript(title=f"Paper {number}"))
        harness.name(stored)
        harness.enrich()
    assert harness.enrich()[0].message == "1 paper that arXiv does not know yet"
    assert sum(str(unknown) in requested for requested in harness.requested_ids()) == 1
    harness.world.set_time(harness.world.now + 10 * MINUTE)
    harness.enrich()
    harness.world.set_time(harness.world.now + 29 * MINUTE)
    harness.enrich()
    assert sum(str(unknown) in requested for requested in harness.requested_ids()) == 2
    harness.world.set_time(harness.world.now + MINUTE)
    harness.enrich()
    assert sum(str(unknown) in requested for requested in harness.requested_ids()) == 3


def test_id_that_becomes_known_is_described(harness: Harness) -> None:
    late = ArxivId(202611, 77)
    harness.name(late)
    harness.enrich()
    assert harness.redis.hlen(keys.ENRICH_RETRIES) == 1
    harness.world.announce(Manuscript(title="Late"), id=late)
    harness.world.set_time(harness.world.now + 10 * MINUTE)
    harness.enrich()
    assert harness.store.undescribed(9) == []
    harness.enrich()
    assert harness.redis.hlen(keys.ENRICH_RETRIES) == 0


def test_one_bad_id_does_not_lose_the_batch(harness: Harness) -> None:
    ids = [harness.world.announce(Manuscript(title=f"Paper {n}")) for n in range(8)]
    harness.name(*ids)
    harness.world.fail(400, "/api", times=1)
    harness.enrich()
    assert harness.store.undescribed(9) == []


def test_refusal_keeps_earlier_results_and_retries_the_rest(harness: Harness) -> None:
    ids = [harness.world.announce(Manuscript(title=f"Paper {n}")) for n in range(130)]
    harness.name(*ids)
    parts = harness.enrichment.fetch("", harness.upstreams, harness.world.now)
    harness.store.ingest(next(parts).sightings, now=harness.world.now)
    harness.world.fail(503, "/api", times=1)
    with pytest.raises(SourceRefused):
        next(parts)
    assert len(harness.store.undescribed(999)) == 30
    assert harness.redis.hlen(keys.ENRICH_RETRIES) == 0
    harness.redis.delete(keys.ARXIV_RATE_LIMIT)
    harness.enrich()
    assert harness.store.undescribed(999) == []


# (earlier tries, minutes until the next)
PAUSES = [(0, 10), (1, 30), (2, 90), (3, 270), (8, 43_200), (1_000, 43_200)]


@pytest.mark.parametrize(("tries", "minutes"), PAUSES)
def test_backoff_grows_to_a_month(tries: int, minutes: int) -> None:
    before = UnknownId(tries, WEDNESDAY) if tries else None
    after = back_off(before, WEDNESDAY)
    assert after == UnknownId(tries + 1, WEDNESDAY + minutes * MINUTE)
    assert after.retry_at <= WEDNESDAY + MAX_RETRY_DELAY


def test_new_ids_and_those_after_backoff_are_due() -> None:
    unknown = {
        IDS[0]: UnknownId(1, WEDNESDAY + MINUTE),
        IDS[1]: UnknownId(1, WEDNESDAY),
        IDS[2]: UnknownId(9, WEDNESDAY - MINUTE),
    }
    assert due_for_lookup(IDS[:4], unknown, WEDNESDAY) == IDS[1:4]
    assert due_for_lookup(IDS, {}, WEDNESDAY) == IDS[:MAX_IDS_PER_RUN]
