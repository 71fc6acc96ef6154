from __future__ import annotations

import pytest
from redis import Redis

from papers.config.settings import Settings
from papers.errors import UnknownKeyword
from papers.query.parser import parse_query
from papers.state.keywords import Keywords
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from workers.fetch.arxiv_rate_limiter import ArxivRateLimiter
from workers.fetch.fetcher import Fetcher
from workers.sources.result import FetchResult, UpstreamClients
from workers.tasks.initial_fetch import InitialFetch, arxiv_query

# (a keyword, the API's query for it)
QUERIES = [
    ("hallucination", "(ti:hallucination OR abs:hallucination)"),
    ('"reward model"', '(ti:"reward model" OR abs:"reward model")'),
    ("ti:mllm", "ti:mllm"),
    ("abs:mllm", "abs:mllm"),
    ('au:"le cun"', 'au:"le cun"'),
    ('comment:"9 pages"', 'co:"9 page"'),
    ("ti:hallucinat*", "ti:hallucinat*"),
    ("ti:a ti:b", "(ti:a AND ti:b)"),
    ("ti:a OR ti:b", "(ti:a OR ti:b)"),
    ("ti:a ti:b OR ti:c", "((ti:a AND ti:b) OR ti:c)"),
    ("ti:a (ti:b OR ti:c)", "(ti:a AND (ti:b OR ti:c))"),
    ("ti:a -ti:b", "(ti:a ANDNOT ti:b)"),
    ("ti:a -ti:b -ti:c", "((ti:a ANDNOT ti:b) ANDNOT ti:c)"),
    ("cat:cs.CL", "cat:cs.CL"),
    ("cat:cs.*", "(cat:cs.* OR cat:math.NA OR cat:eess.SY)"),
    ("cat:nlin.*", "cat:nlin.*"),
    ("cat:math-ph.*", "cat:math-ph"),
    ("ti:a primary:cs.CL", "(cat:cs.CL AND ti:a)"),
    ("primary:q-fin.*", "(cat:q-fin.* OR cat:econ.GN)"),
    ("ti:a -primary:cs.CL", "ti:a"),
    ("ti:a is:picked", "ti:a"),
    ("cat:cs.NA", "(cat:math.NA OR cat:cs.NA)"),
    # what the API cannot express only widens the answer
    ("ti:a org:deepmind", "ti:a"),
    ("ti:a source:hf", "ti:a"),
    ("ti:a -source:hf", "ti:a"),
    ("ti:a -(ti:b source:hf)", "ti:a"),
    ("ti:a OR source:hf", None),
    ("source:hf", None),
    ("org:deepmind", None),
    ("id:2611.00001", None),
]


@pytest.mark.parametrize(("keyword", "query"), QUERIES)
def test_arxiv_query(keyword: str, query: str | None) -> None:
    assert arxiv_query(parse_query(keyword).tree) == query


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
    harness.keywords.add("Picks", "source:hf", now=harness.world.now)
    [part] = harness.fill("picks")
    assert part.is_quiet
    assert "cannot express" in part.message
    assert harness.world.log == []


def test_removed_keyword_raises(harness: Harness) -> None:
    with pytest.raises(UnknownKeyword):
        harness.fill("gone")
