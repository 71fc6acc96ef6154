"""Cache poisoning: what one client sends must not be in what the next one gets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from redis import Redis
from werkzeug.test import TestResponse

from papers.config.settings import Settings
from papers.redis_backend import keys
from papers.state.keywords import Keywords
from service import create_app
from service.context import context_of, open_context
from tests.service.edge.hostile_headers import HEADERS
from tests.service.every_route import paths
from tests.service.made import NOW

pytestmark = pytest.mark.row("a poisoned second reader")


@pytest.mark.usefixtures("three", "app")
@pytest.mark.parametrize("proxies", [(), ("127.0.0.0/8",)], ids=["no proxy", "trusted proxy"])
def test_no_header_of_a_client_reaches_the_next_one(
    site: Settings, redis: Redis, tmp_path: Path, proxies: tuple[str, ...]
) -> None:
    """Each route, after a client with all of these headers, has the bytes of a fresh app.

    A header alone may do what it cannot beside others, so each is sent alone as well.
    """
    Keywords(redis).add("Two", "two", now=NOW)
    clean = replace(site, trusted_proxies=proxies)
    expected = {
        path: fingerprint(get(clean, redis, tmp_path / "clean", path)) for path in routes(site)
    }
    alone = [{name: text} for name, text in HEADERS.items()] if proxies else []
    app = create_app(clean)
    for number, headers in enumerate([HEADERS, *alone]):
        forget_responses(redis)
        open_context(app, replace(clean, data_dir=str(tmp_path / str(number))))
        client = app.test_client()
        for path, found in expected.items():
            evil = client.get(path, headers=headers, buffered=True)
            assert fingerprint(evil) == found, (path, headers)
            assert fingerprint(client.get(path, buffered=True)) == found, (path, headers)
        for path in ("/status", "/metrics"):  # what they show moves from one moment to the next
            evil = client.get(path, headers=headers)
            assert "evil" not in f"{evil.text}{evil.headers}", (path, headers)
        context_of(app).redis.close()


def routes(site: Settings) -> list[str]:
    volatile = ("/metrics", "/static/", "/status")
    more = [
        "/nowhere",
        "/feeds/search.atom?q=reward",
        "/search?q=reward",
        "/feeds/Reward-Model.atom",
    ]
    every = [path for path in paths(create_app(site)) if not path.startswith(volatile)]
    return [*every, *more]


def get(settings: Settings, redis: Redis, folder: Path, path: str) -> TestResponse:
    forget_responses(redis)
    app = create_app(replace(settings, data_dir=str(folder)))
    try:
        return app.test_client().get(path, buffered=True)
    finally:
        context_of(app).redis.close()


def forget_responses(redis: Redis) -> None:
    """Delete the cached responses that web processes share."""
    for name in redis.scan_iter(match="feed:*"):
        redis.delete(name)
    redis.delete(keys.CUSTOM_RESPONSES)


def fingerprint(response: TestResponse) -> tuple[int, bytes, dict[str, str]]:
    """Status, body and headers of a response, without what counts processor time."""
    headers = {n: v for n, v in response.headers.items() if n not in ("RateLimit", "Date")}
    return response.status_code, response.data, headers
