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
def test_what_counts_as_one_client(client: str, network: str) -> None:
    assert rate_limit_key(client) == network


def test_a_client_has_so_many_and_others_have_theirs() -> None:
    rates = ClientRateLimiter(3)
    for _ in range(3):
        rates.consume("192.0.2.7")
    with pytest.raises(TooManyRequests) as refused:
        rates.consume("192.0.2.7")
    assert 1 <= refused.value.retry_after <= 60
    rates.consume("192.0.2.8")


def test_a_minute_s_questions_are_spread_over_seconds() -> None:
    rates = ClientRateLimiter(600)
    _spend(rates, 20)
    with pytest.raises(
        TooManyRequests, match=r"^more than 20 new questions a second; go on in 1 seconds$"
    ):
        _spend(rates, 20)


def test_who_types_may_ask_as_fast_as_keys_are_struck() -> None:
    rates = ClientRateLimiter(20)
    for _ in range(20):
        rates.consume("192.0.2.7", allow_burst=True)
    with pytest.raises(TooManyRequests, match="20 new questions a minute"):
        rates.consume("192.0.2.7", allow_burst=True)


def _spend(rates: ClientRateLimiter, questions: int) -> None:
    for _ in range(questions):
        rates.consume("192.0.2.7")


def test_no_limit_is_none() -> None:
    for _ in range(1_000):
        ClientRateLimiter(0).consume("192.0.2.7")


@pytest.fixture
def limited(site: Settings, app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[FlaskClient]:
    """Three new questions a minute, and it is always the midst of one.

    When the next begins, the three count for less than three.
    """
    monkeypatch.setattr("time.time", lambda: 60 * 30_000_000.5)
    with serving(replace(site, questions_per_minute=3)) as limited:
        yield limited.test_client()


@pytest.mark.usefixtures("three")
def test_new_questions_are_limited_and_nothing_else_is(limited: FlaskClient) -> None:
    asked = [limited.get(f"/feeds/search.atom?q={word}") for word in ("one", "three", "four")]
    assert [answer.status_code for answer in asked] == [200, 200, 200]
    for path in ("/feeds/search.atom?q=x", "/search?q=x", "/api/v1/papers?q=x"):
        refused = limited.get(path)
        assert refused.status_code == 429, path
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        assert refused.headers["Cache-Control"] == "no-store"
    options = limited.get("/feeds/reward-model.atom?n=7")
    assert options.status_code == 429  # a saved keyword with options is a new question too
    assert limited.get("/feeds/reward-model.atom").status_code == 200
    tag = {"If-None-Match": asked[2].headers["ETag"]}
    assert limited.get("/feeds/search.atom?q=four").status_code == 200
    assert limited.get("/feeds/search.atom?q=four", headers=tag).status_code == 304


@pytest.mark.usefixtures("three")
def test_whoever_is_over_the_limit_gets_what_was_there_before(
    limited: FlaskClient, announce: Announce
) -> None:
    before, *_ = [limited.get(f"/feeds/search.atom?q={word}") for word in ("reward", "x", "y")]
    announce([make_sighting(4)])
    again = limited.get("/feeds/search.atom?q=reward")
    assert (again.status_code, again.data) == (200, before.data)
    tag = {"If-None-Match": before.headers["ETag"]}
    assert limited.get("/feeds/search.atom?q=reward", headers=tag).status_code == 304


@pytest.mark.usefixtures("three")
def test_of_custom_answers_the_newest_are_kept(site: Settings, redis: Redis, app: Flask) -> None:
    with serving(replace(site, custom_answers=2)) as bounded:
        client = bounded.test_client()
        client.get("/feeds/reward-model.atom")
        for word in ("one", "three", "four", "five"):
            client.get(f"/feeds/search.atom?q={word}")
    assert redis.zcard(keys.CUSTOM_RESPONSES) == 2
    kept = [key for key in redis.scan_iter("feed:*") if key.endswith(b":validators")]
    assert len(kept) == 3  # two of those, and the saved keyword's


@pytest.mark.usefixtures("three")
def test_who_asks_on_for_all_refusals_is_refused_at_the_door(limited: FlaskClient) -> None:
    ready = "/feeds/search.atom?q=ready"
    assert limited.get(ready).status_code == 200
    for n in range(2 + MIN_REFUSALS_PER_MINUTE):
        limited.get(f"/feeds/search.atom?q=word{n}")
    for path in (ready, "/api/v1/papers?q=x", "/search?q=x", "/nothing?x=(("):
        refused = limited.get(path)
        assert (refused.status_code, refused.mimetype) == (429, _form(path)), path
        assert f"refused {MIN_REFUSALS_PER_MINUTE} times in a minute" in refused.text
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        assert refused.headers["Cache-Control"] == "no-store"
        assert refused.headers["X-Content-Type-Options"] == "nosniff"
    for path in ("/feeds/reward-model.atom", "/k/reward-model", "/", "/static/paperwire.css?v=1"):
        assert limited.get(path, buffered=True).status_code == 200, path
    other = {"REMOTE_ADDR": "192.0.2.8"}
    assert limited.get(ready, environ_overrides=other).status_code == 200


def _form(path: str) -> str:
    return "application/problem+json" if path.startswith("/api/") else "text/plain"
