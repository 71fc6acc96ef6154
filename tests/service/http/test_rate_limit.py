from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis

from papers.config.settings import Settings
from papers.errors import TooManyRequests
from papers.redis_backend import keys
from service.http.rate_limit import MIN_REFUSALS_PER_MINUTE, ClientRateLimiter, rate_limit_key
from tests.service.conftest import Announce, serving
from tests.service.made import make_sighting

NETWORKS = [
    ("192.0.2.7", "192.0.2.7"),
    ("::ffff:192.0.2.7", "192.0.2.7"),
    ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
    ("", ""),
]


@pytest.mark.parametrize(("client", "network"), NETWORKS)
def test_rate_limit_key_is_an_address_or_a_network(client: str, network: str) -> None:
    assert rate_limit_key(client) == network


def test_each_client_has_a_limit_of_its_own() -> None:
    limiter = ClientRateLimiter(3)
    for _ in range(3):
        limiter.consume("192.0.2.7")
    with pytest.raises(TooManyRequests) as refusal:
        limiter.consume("192.0.2.7")
    assert 1 <= refusal.value.retry_after <= 60
    limiter.consume("192.0.2.8")


def test_requests_of_a_minute_must_be_spread_over_seconds() -> None:
    limiter = ClientRateLimiter(600)
    _consume(limiter, 20)
    with pytest.raises(
        TooManyRequests, match=r"^more than 20 new searches a second; try again in 1 seconds$"
    ):
        _consume(limiter, 20)


def test_burst_is_limited_by_the_minute_only() -> None:
    limiter = ClientRateLimiter(20)
    for _ in range(20):
        limiter.consume("192.0.2.7", allow_burst=True)
    with pytest.raises(TooManyRequests, match="20 new searches a minute"):
        limiter.consume("192.0.2.7", allow_burst=True)


def _consume(limiter: ClientRateLimiter, count: int) -> None:
    for _ in range(count):
        limiter.consume("192.0.2.7")


def test_zero_is_no_limit() -> None:
    for _ in range(1_000):
        ClientRateLimiter(0).consume("192.0.2.7")


@pytest.fixture
def limited(site: Settings, app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[FlaskClient]:
    """A client with a limit of three a minute, at a time that is always the middle of a minute.

    When the next minute begins, the three count for less than three.
    """
    monkeypatch.setattr("time.time", lambda: 60 * 30_000_000.5)
    with serving(replace(site, questions_per_minute=3)) as limited:
        yield limited.test_client()


@pytest.mark.usefixtures("three")
def test_only_requests_that_miss_the_cache_are_limited(limited: FlaskClient) -> None:
    responses = [limited.get(f"/feeds/search.atom?q={word}") for word in ("one", "three", "four")]
    assert [response.status_code for response in responses] == [200, 200, 200]
    for path in ("/feeds/search.atom?q=x", "/search?q=x", "/api/v1/papers?q=x"):
        refusal = limited.get(path)
        assert refusal.status_code == 429, path
        assert 1 <= int(refusal.headers["Retry-After"]) <= 60
        assert refusal.headers["Cache-Control"] == "no-store"
    options = limited.get("/feeds/reward-model.atom?n=7")
    assert options.status_code == 429  # a saved keyword with options is custom too
    assert limited.get("/feeds/reward-model.atom").status_code == 200
    tag = {"If-None-Match": responses[2].headers["ETag"]}
    assert limited.get("/feeds/search.atom?q=four").status_code == 200
    assert limited.get("/feeds/search.atom?q=four", headers=tag).status_code == 304


@pytest.mark.usefixtures("three")
def test_client_over_the_limit_gets_the_previous_response(
    limited: FlaskClient, announce: Announce
) -> None:
    before, *_ = [limited.get(f"/feeds/search.atom?q={word}") for word in ("reward", "x", "y")]
    announce([make_sighting(4)])
    again = limited.get("/feeds/search.atom?q=reward")
    assert (again.status_code, again.data) == (200, before.data)
    tag = {"If-None-Match": before.headers["ETag"]}
    assert limited.get("/feeds/search.atom?q=reward", headers=tag).status_code == 304


@pytest.mark.usefixtures("three")
def test_newest_custom_responses_stay_in_redis(site: Settings, redis: Redis, app: Flask) -> None:
    with serving(replace(site, custom_answers=2)) as bounded:
        client = bounded.test_client()
        client.get("/feeds/reward-model.atom")
        for word in ("one", "three", "four", "five"):
            client.get(f"/feeds/search.atom?q={word}")
    assert redis.zcard(keys.CUSTOM_RESPONSES) == 2
    kept = [key for key in redis.scan_iter("feed:*") if key.endswith(b":validators")]
    assert len(kept) == 3  # two custom ones, and the saved keyword's


@pytest.mark.usefixtures("three")
def test_client_that_goes_on_after_refusals_meets_the_flood_guard(limited: FlaskClient) -> None:
    cached_path = "/feeds/search.atom?q=cached"
    assert limited.get(cached_path).status_code == 200
    for n in range(2 + MIN_REFUSALS_PER_MINUTE):
        limited.get(f"/feeds/search.atom?q=word{n}")
    for path in (cached_path, "/api/v1/papers?q=x", "/search?q=x", "/nothing?x=(("):
        refusal = limited.get(path)
        assert (refusal.status_code, refusal.mimetype) == (429, _error_type(path)), path
        assert f"refused {MIN_REFUSALS_PER_MINUTE} times in a minute" in refusal.text
        assert 1 <= int(refusal.headers["Retry-After"]) <= 60
        assert refusal.headers["Cache-Control"] == "no-store"
        assert refusal.headers["X-Content-Type-Options"] == "nosniff"
    for path in ("/feeds/reward-model.atom", "/k/reward-model", "/", "/static/paperwire.css?v=1"):
        assert limited.get(path, buffered=True).status_code == 200, path
    other = {"REMOTE_ADDR": "192.0.2.8"}
    assert limited.get(cached_path, environ_overrides=other).status_code == 200


def _error_type(path: str) -> str:
    return "application/problem+json" if path.startswith("/api/") else "text/plain"
