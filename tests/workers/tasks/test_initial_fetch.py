from __future__ import annotations

import pytest
from redis import Redis

from papers.config.settings import Settings
from papers.errors import UnknownKeyword
from papers.state.keywords import Keywords
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from workers.fetch.arxiv_rate_limiter import ArxivRateLimiter
from workers.fetch.fetcher import Fetcher
from workers.sources.result import FetchResult, UpstreamClients
from workers.tasks.initial_fetch import InitialFetch


class Harness:
    """Keywords, and an API to search."""

    def __init__(self, redis: Redis, world: Upstream) -> None:
        self.redis, self.world, self.keywords = redis, world, Keywords(redis)

    def fill(self, slug: str, **changed: int) -> list[FetchResult]:
        settings = Settings(**self.world.settings(arxiv_interval=0.0, **changed))
        limiter = ArxivRateLimiter(self.redis, 0.0, max_wait=1.0)
        upstreams = UpstreamClients(settings, Fetcher(settings, self.redis), limiter)
        return list(InitialFetch(self.keywords).fetch(slug, upstreams, self.world.now))


@pytest.fixture
def harness(redis: Redis, upstream: Upstream) -> Harness:
    return Harness(redis, upstream)


def titles(parts: list[FetchResult]) -> list[str]:
    return [sighting.title for part in parts for sighting in part.sightings]


def test_initial_fetch_brings_the_newest_papers(harness: Harness) -> None:
    harness.world.announce(Manuscript(title="Reward Models of old"))
    harness.world.announce(Manuscript(title="Something else"))
    harness.world.announce(Manuscript(title="The newest reward model"))
    harness.keywords.add("Rewards", '"reward model"', now=harness.world.now)
    assert titles(harness.fill("rewards"))[0] == "The newest reward model"
    assert "Something else" not in titles(harness.fill("rewards"))


def test_long_initial_fetch_reports_progress(harness: Harness) -> None:
    for n in range(250):
        harness.world.announce(Manuscript(title=f"Reward {n}"))
    harness.keywords.add("Rewards", "reward", now=harness.world.now)
    assert [(part.done, part.total) for part in harness.fill("rewards", fill_papers=200)] == [
        *((100, 200), (200, 200))
    ]
    assert [part.done for part in harness.fill("rewards", fill_papers=2_000)] == [100, 200, 250]


def test_initial_fetch_can_be_disabled(harness: Harness) -> None:
    harness.keywords.add("Rewards", "reward", now=harness.world.now)
    assert harness.fill("rewards", fill_papers=0) == [
        FetchResult(message="initial fetches are turned off")
    ]
    assert harness.world.log == []


def test_inexpressible_keyword_sends_no_request(harness: Harness) -> None:
    harness.keywords.add("Picked", "source:hf", now=harness.world.now)
    [part] = harness.fill("picked")
    assert part.is_quiet
    assert "cannot express" in part.message
    assert harness.world.log == []


def test_removed_keyword_raises(harness: Harness) -> None:
    with pytest.raises(UnknownKeyword):
        harness.fill("gone")
