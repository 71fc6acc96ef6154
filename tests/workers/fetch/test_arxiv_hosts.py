"""Requests to arXiv's hosts wait for its rate limiter, whoever sends them."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from redis import Redis

from papers.config.settings import Settings
from papers.errors import PaperwireError, SourceRefused
from papers.state.feed_trials import FeedTrial
from tests.workers.loopback import Loopback, ScriptedReply
from tests.workers.sources.rss_feeds import rss
from workers.fetch.arxiv_hosts import ArxivHosts
from workers.fetch.arxiv_rate_limiter import ArxivRateLimiter
from workers.fetch.fetcher import Fetcher
from workers.sources.community import fetch_community_picks
from workers.sources.result import UpstreamClients
from workers.trial import trial_fetcher, try_feed

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PICKS = rss("<link>https://arxiv.org/abs/2611.01234</link>")


@pytest.mark.parametrize(
    ("url", "is_arxiv"),
    [
        *(("https://arxiv.org/list/cs.AI/recent", True), ("http://ARXIV.org./x", True)),
        *(("https://rss.arxiv.org/atom/cs.AI", True), ("https://Export.ArXiv.Org:8443/a", True)),
        *(("http://user:pass@export.arxiv.org/rss/cs.CL", True), ("http://%61rxiv.org/", True)),
        *(("http://arxiv.org\\@example.org/", True), ("https://mirror.example/other", True)),
        *(("https://MIRROR.example:443/atom", True), ("http://mirror.example/atom", False)),
        *(("https://notarxiv.org/", False), ("https://arxiv.org.example.net/", False)),
        *(("https://example.org/#@arxiv.org/", False), ("https://example.org/arxiv.org", False)),
        *(("https://huggingface.co/papers", False), ("", False), ("http://[", False)),
        *(("file://arxiv.org/x", False), ("mailto:x@arxiv.org", False)),
    ],
)
def test_host_is_read_as_the_client_reads_it(url: str, is_arxiv: bool) -> None:
    settings = Settings(arxiv_feed_url="https://mirror.example/atom", arxiv_oai_url="")
    assert ArxivHosts(settings).has(url) is is_arxiv


@dataclass
class ArxivWorld:
    """Three loopback hosts that are arXiv's, and one that is a club's."""

    redis: Redis
    feeds: Loopback
    api: Loopback
    oai: Loopback
    club: Loopback

    def settings(self, interval: float, **communities: str) -> Settings:
        return Settings(
            allowed_networks=("127.0.0.0/8",),
            arxiv_feed_url=self.feeds.url("/atom"),
            arxiv_api_url=self.api.url("/api/query"),
            arxiv_oai_url=self.oai.url("/oai"),
            arxiv_interval=interval,
            communities=communities,
        )

    def arxiv_requests(self) -> list[tuple[float, float]]:
        """When each request to arXiv arrived and when its response was sent, in order."""
        hosts = (self.feeds, self.api, self.oai)
        return sorted((r.arrived_at, r.finished_at) for host in hosts for r in host.requests)


@pytest.fixture
def world(redis: Redis) -> Iterator[ArxivWorld]:
    with ExitStack() as stack:
        hosts = [
            stack.enter_context(Loopback(f"127.0.0.{number}").running()) for number in range(2, 6)
        ]
        for host in hosts:
            host.reply_with("/feed.xml", ScriptedReply(body=PICKS))
        yield ArxivWorld(redis, *hosts)


def test_three_seconds_pass_between_requests_to_any_host_of_arxiv(world: ArxivWorld) -> None:
    """A community at one host, one redirected to a second, a trial of the third, and a source."""
    world.club.reply_with(
        "/moved", ScriptedReply(302, headers={"Location": world.api.url("/feed.xml")})
    )
    settings = world.settings(3.0, near=world.feeds.url("/feed.xml"), far=world.club.url("/moved"))
    upstreams = UpstreamClients.from_settings(world.redis, settings)
    trial = FeedTrial("abc", "club", world.oai.url("/feed.xml"))
    works: list[Callable[[], object]] = [
        lambda: list(fetch_community_picks("near", upstreams, NOW)),
        lambda: list(fetch_community_picks("far", upstreams, NOW)),
        lambda: try_feed(trial, trial_fetcher(world.redis, settings), NOW),
        lambda: upstreams.fetcher.get(world.feeds.url("/feed.xml"), now=NOW),
    ]
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    requests = world.arxiv_requests()
    assert len(requests) == len(works)
    for (_, finished), (arrived, _) in itertools.pairwise(requests):
        assert arrived - finished >= 3.0


def test_other_hosts_do_not_wait(world: ArxivWorld) -> None:
    upstreams = UpstreamClients.from_settings(
        world.redis, world.settings(3.0, club=world.club.url("/feed.xml"))
    )
    with ArxivRateLimiter(world.redis, 3.0).acquire():
        (result,) = fetch_community_picks("club", upstreams, NOW)
    assert result.record_count == 1


def test_redirect_from_arxiv_to_arxiv_waits_twice(world: ArxivWorld) -> None:
    moved = ScriptedReply(301, headers={"Location": world.api.url("/feed.xml")})
    url = world.feeds.reply_with("/moved", moved)
    fetcher = Fetcher(world.settings(0.5), world.redis)
    fetcher.get(url, now=NOW)
    (_, finished), (arrived, _) = world.arxiv_requests()
    assert arrived - finished >= 0.5


def test_form_posted_to_arxiv_waits(world: ArxivWorld) -> None:
    fetcher = Fetcher(world.settings(0.5), world.redis)
    fetcher.get(world.feeds.url("/feed.xml"), now=NOW)
    with pytest.raises(PaperwireError):  # the host knows no POST
        fetcher.post(world.feeds.url("/hub"), {}, now=NOW)
    with pytest.raises(SourceRefused), ArxivRateLimiter(world.redis, 0.5).acquire(max_wait=0):
        pytest.fail("the POST did not count")


def test_overload_of_a_community_at_arxiv_backs_off_every_request(world: ArxivWorld) -> None:
    url = world.feeds.reply_with("/club", ScriptedReply(429))
    upstreams = UpstreamClients.from_settings(world.redis, world.settings(0.0, club=url))
    with pytest.raises(SourceRefused):
        list(fetch_community_picks("club", upstreams, NOW))
    with (
        pytest.raises(SourceRefused, match="hold off"),
        ArxivRateLimiter(world.redis, 0.0).acquire(max_wait=0),
    ):
        pytest.fail("arXiv requests are not backed off")


def test_trial_says_that_arxiv_is_busy(world: ArxivWorld) -> None:
    """Somebody is waiting for a trial: it does not wait for a long back-off."""
    settings = world.settings(0.0)
    world.redis.hset("lane:arxiv", mapping={"pause": 60_000, "resume": 9_999_999_999_999})
    trial = FeedTrial("abc", "club", world.oai.url("/feed.xml"))
    outcome = try_feed(trial, trial_fetcher(world.redis, settings), NOW)
    assert "hold off, for 60 s more" in outcome.fault
    assert world.oai.requests == []
