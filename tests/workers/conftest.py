"""Fixtures of the fetching tests: a scripted upstream on loopback, and clients for it."""

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
    """A running server on loopback without any replies yet."""
    with Loopback().running() as server:
        yield server


@pytest.fixture
def loopback_settings(loopback: Loopback) -> Settings:
    """Settings with every upstream on the loopback server, short limits and no request interval."""
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
def upstreams(redis: Redis, loopback_settings: Settings) -> UpstreamClients:
    """Clients of the loopback server."""
    return UpstreamClients.from_settings(redis, loopback_settings)


@pytest.fixture
def now() -> datetime:
    """The Saturday of these tests, at noon."""
    return datetime(2026, 11, 21, 12, tzinfo=UTC)
