from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from redis import Redis

from papers.config.settings import Settings
from papers.errors import UnknownKeyword
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper
from papers.query.match import matches
from papers.query.parser import parse_query
from papers.state.keywords import Keywords
from paperwire.simulator.formats import api_query
from paperwire.simulator.formats.api_feed import ApiResult
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from workers.fetch.arxiv_rate_limiter import ArxivRateLimiter
from workers.fetch.fetcher import Fetcher
from workers.sources.arxiv.search_query import arxiv_query
from workers.sources.result import FetchResult, UpstreamClients
from workers.tasks.coverage import PAST, Coverage, CoverageRecord
from workers.tasks.initial_fetch import InitialFetch

PERSONS = st.sampled_from(
    """
    Ada Holm, Jr.; Yann LeCun; Le Cun; Jun-Yan Zhu; Junyan Zhu; Jun Yan Zhu; J. Zhu; Zhu; Jun; Yan
    Rosa de la Cruz-Paz; Rosa de la Cruz; R. DelaCruz; Cruz Paz; Joseph O'Hara; J. Ohara; O'Hara
    王伟; 王 伟; 王; 김민준; TJ Giuli; T. J. Giuli; Giuli, T.; van der Holm; A. Derholm
    Carlos García Vázquez; García-Vázquez; Vázquez, C. García; C. García; Carlos-Yan Jun; Müller
    """.strip()
    .replace("\n", ";")
    .split(";")
)


@given(PERSONS, PERSONS)
@example("R. DelaCruz", "Rosa de la Cruz")
def test_api_query_matches_every_author_whom_the_keyword_matches(typed: str, author: str) -> None:
    query = parse_query(f'au:"{typed}"')
    paper = Paper(ArxivId.parse("2611.00001"), title="T", authors=(author,))
    now = datetime(2026, 11, 10, tzinfo=UTC)
    result = ApiResult(paper.id, 1, Manuscript(title="T", authors=(author,)), now, now)
    if matches(query, paper):
        assert api_query.parse(arxiv_query(query.tree) or "")(result)


class Harness:
    """Keywords, and an API to search."""

    def __init__(self, redis: Redis, world: Upstream) -> None:
        self.redis, self.world, self.keywords = redis, world, Keywords(redis)

    def fill(self, slug: str, **changed: int) -> list[FetchResult]:
        settings = Settings(**self.world.settings(arxiv_interval=0.0, **changed))
        limiter = ArxivRateLimiter(self.redis, 0.0, max_wait=1.0)
        upstreams = UpstreamClients(settings, Fetcher(settings, self.redis, limiter))
        return list(InitialFetch(self.redis).fetch(slug, upstreams, self.world.now))


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


def test_keyword_needs_no_request_where_the_store_has_all_of_arxiv(harness: Harness) -> None:
    today = harness.world.now.date()
    CoverageRecord(harness.redis).add(Coverage(today - PAST, today))
    harness.keywords.add("Rewards", "reward", now=harness.world.now)
    (part,) = harness.fill("rewards")
    assert part.message == f"the store has all of arXiv since {today - PAST}"
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
