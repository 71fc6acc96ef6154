"""Fixtures of the fetching tests: an upstream that does as it is told, and ways to it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from redis import Redis

from papers.config.settings import Settings
from tests.workers.loopback import Loopback
from workers.sources.result import UpstreamClients


@pytest.fixture
def loopback() -> Iterator[Loopback]:
    """A running server on loopback that nothing has been told to yet."""
    with Loopback().running() as server:
        yield server


@pytest.fixture
def near(loopback: Loopback) -> Settings:
    """Settings with every upstream on the loopback server, short limits and no pace."""
    return Settings(
        allowed_networks=("127.0.0.0/8",),
        arxiv_feed_url=loopback.url("/atom"),
        arxiv_api_url=loopback.url("/api/query"),
        arxiv_oai_url=loopback.url("/oai"),
        huggingface_url=loopback.url(""),
        arxiv_interval=0.0,
        fetch_timeout=5.0,
        fetch_deadline=10.0,
        fetch_bytes=1_000_000,
    )


@pytest.fixture
def upstreams(redis: Redis, near: Settings) -> UpstreamClients:
    """The way to the loopback server."""
    return UpstreamClients.from_settings(redis, near)


@pytest.fixture
def now() -> datetime:
    """The Saturday on which these tests take place, at noon."""
    return datetime(2026, 11, 21, 12, tzinfo=UTC)
