from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from ipaddress import IPv4Address

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis
from werkzeug.test import TestResponse, create_environ

from papers.config.networks import serves_only_this_machine
from papers.config.settings import Settings
from papers.errors import TooManyRequests
from papers.redis_backend import keys
from service import compile_templates
from service.context import context_of
from service.edge.request_address import set_client
from service.http.client_quota import ClientQuota
from service.http.cost_window import MAX_CLIENTS
from service.http.rate_limit import MIN_REFUSALS_PER_MINUTE, ClientRateLimiter, rate_limit_key
from tests.service.conftest import Announce, Clock, serving
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


CLIENT = "192.0.2.7"


class SteppedClock:
    """A clock that a test sets, in seconds."""

    def __init__(self) -> None:
        self.seconds = 1000.5

    def __call__(self) -> float:
        return self.seconds


def test_each_client_has_a_limit_of_its_own() -> None:
    limiter = ClientRateLimiter(3, clock=SteppedClock())
    limiter.charge(CLIENT, 0.29)
    limiter.require_quota(CLIENT)
    limiter.charge(CLIENT, 0.01)
    with pytest.raises(
        TooManyRequests, match=r"^too many new searches from your address in a minute"
    ):
        limiter.require_quota(CLIENT)
    limiter.require_quota("192.0.2.8")


SPENDING = [
    ([(0, 12_000)], 0, 60),
    ([(0, 12_000)], 59, 1),
    ([(0, 12_000)], 60, 0),
    ([(0, 30_000)], 30, 30),
    ([(0, 6_000), (20, 6_000)], 20, 40),
    ([(0, 100), (20, 12_000)], 20, 60),
    ([(0, 6_000), (20, 5_999)], 20, 0),
    ([(0, 6_000), (0, 6_000), (20, 6_000)], 59, 1),
    ([(0, 6_000), (0, 6_000), (20, 6_000)], 60, 0),
    ([(0, 6_000), (20, 6_000), (20, 6_000)], 60, 20),
]
"""Costs in milliseconds by second, the second of a request, the seconds that it must wait."""


@pytest.mark.parametrize(("costs", "second", "wait"), SPENDING)
def test_limit_is_of_a_sliding_minute(costs: list[tuple[int, int]], second: int, wait: int) -> None:
    clock = SteppedClock()
    clock.seconds = 1000
    limiter = ClientRateLimiter(120, clock=clock)
    for at, milliseconds in costs:
        clock.seconds = 1000 + at
        limiter.charge(CLIENT, milliseconds / 1000)
    clock.seconds = 1000 + second
    left = re.fullmatch(r'"custom";r=(\d+);t=(\d+)', limiter.headers(CLIENT)["RateLimit"])
    assert left
    if not wait:
        limiter.require_quota(CLIENT)
        assert int(left[1]) > 0
        return
    with pytest.raises(TooManyRequests) as refusal:
        limiter.require_quota(CLIENT)
    assert refusal.value.retry_after == wait == int(left[2])
    assert left[1] == "0"
    clock.seconds += wait
    limiter.require_quota(CLIENT)


@given(st.lists(st.tuples(st.integers(0, 90), st.integers(0, 5_000)), max_size=30))
def test_client_is_served_after_retry_after_and_not_before(steps: list[tuple[int, int]]) -> None:
    clock = SteppedClock()
    limiter, costs = ClientRateLimiter(10, clock=clock), []
    for pause, milliseconds in steps:
        clock.seconds += pause
        limiter.charge(CLIENT, milliseconds / 1000)
        costs.append((int(clock.seconds), milliseconds))
    recent = sum(cost for second, cost in costs if second + 60 > clock.seconds)
    if recent < 1_000:
        limiter.require_quota(CLIENT)
        return
    with pytest.raises(TooManyRequests) as refusal:
        limiter.require_quota(CLIENT)
    assert 1 <= refusal.value.retry_after <= 60
    clock.seconds += refusal.value.retry_after
    limiter.require_quota(CLIENT)


def test_new_response_costs_a_least_amount() -> None:
    limiter = ClientRateLimiter(1, clock=SteppedClock())
    for _ in range(1_000):
        limiter.charge(CLIENT, 0.00001)
    limiter.require_quota(CLIENT)
    for _ in range(2):
        limiter.require_quota(CLIENT)
        limiter.charge(CLIENT, 0.00001, is_new=True)
    with pytest.raises(TooManyRequests):
        limiter.require_quota(CLIENT)


def test_cost_window_keeps_a_bounded_number_of_clients() -> None:
    limiter = ClientRateLimiter(1, clock=SteppedClock())
    for number in range(2 * MAX_CLIENTS):
        limiter.charge(str(IPv4Address(number)), 9.0)
    assert len(limiter._costs._costs) == MAX_CLIENTS


def test_zero_is_no_limit() -> None:
    limiter = ClientRateLimiter(0)
    limiter.charge(CLIENT, 1_000)
    limiter.require_quota(CLIENT)
    assert limiter.headers(CLIENT) == {}


HERE, PUBLIC = "http://localhost:8000", "https://wire.example"
EXEMPTIONS: list[tuple[str, str, dict[str, str], bool]] = [
    ("127.0.0.1", "http://127.0.0.1:8000", {}, True),
    ("127.9.9.9", HERE, {}, True),
    ("::1", "http://[::1]:8000", {}, True),
    ("::ffff:127.0.0.1", "http://LocalHost.:8000", {}, True),
    ("127.0.0.1", PUBLIC, {}, False),
    ("127.0.0.1", "http://localhost.example", {}, False),
    ("192.0.2.7", HERE, {}, False),
    ("", HERE, {}, False),
    *(
        ("127.0.0.1", HERE, {name: "192.0.2.7"}, False)
        for name in (
            *("X-Forwarded-For", "X-Forwarded-Host", "x-forwarded-proto", "Forwarded", "Via"),
            *("X-Real-IP", "CF-Connecting-IP", "True-Client-IP"),
        )
    ),
    ("127.0.0.1", HERE, {"X-Forwarding": "1", "User-Agent": "x"}, True),
]


@pytest.mark.parametrize(("client", "base_url", "headers", "exempt"), EXEMPTIONS)
def test_only_this_machine_alone_is_exempt(
    client: str, base_url: str, headers: dict[str, str], exempt: bool
) -> None:
    environ = create_environ("/", headers=headers, environ_overrides={"REMOTE_ADDR": client})
    set_client(environ, ())
    exempts_loopback = serves_only_this_machine(Settings(public_url=base_url))
    quota = ClientQuota.of(ClientRateLimiter(1), environ, exempts_loopback=exempts_loopback)
    assert quota.is_exempt == exempt
    quota.charge(10.0)
    if exempt:
        quota.require()
    else:
        with pytest.raises(TooManyRequests):
            quota.require()


@pytest.mark.parametrize(("host", "exempt"), [("127.0.0.1", True), ("0.0.0.0", False)])
def test_nobody_is_exempt_where_the_server_listens_everywhere(host: str, exempt: bool) -> None:
    environ = create_environ("/", environ_overrides={"REMOTE_ADDR": "127.0.0.1"})
    exempts_loopback = serves_only_this_machine(Settings(host=host))
    quota = ClientQuota.of(ClientRateLimiter(1), environ, exempts_loopback=exempts_loopback)
    assert quota.is_exempt == exempt


@dataclass
class Limited:
    """A client of an app with a limit, and the limiter, to use up its quota at once."""

    client: FlaskClient
    limiter: ClientRateLimiter

    def exhaust(self) -> None:
        self.limiter.charge("127.0.0.1", 1_000)

    def get(self, path: str, **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.get(path, headers=named, buffered=True)


@pytest.fixture
def limited(site: Settings, app: Flask) -> Iterator[Limited]:
    with serving(replace(site, questions_per_minute=3)) as limited:
        compile_templates(limited)  # which would use up the quota of the first client
        yield Limited(limited.test_client(), context_of(limited).rate_limiter)


LIMITED_PATHS = (
    *("/feeds/search.atom?q=x", "/feeds/search.rss?q=x", "/feeds/search.json?q=x"),
    *("/search?q=x", "/api/v1/papers?q=x", "/search/preview?q=x", "/feeds/reward-model.atom?n=7"),
)
POLICY = '"custom";q=300;w=60;qu="cpu-ms"'


def assert_refused(response: TestResponse) -> None:
    assert response.status_code == 429
    assert 1 <= int(response.headers["Retry-After"]) <= 60
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["RateLimit-Policy"] == POLICY
    assert "ETag" not in response.headers


@pytest.mark.usefixtures("three")
def test_only_requests_that_miss_the_cache_are_limited(limited: Limited) -> None:
    first = limited.get("/feeds/search.atom?q=four")
    limited.exhaust()
    for path in LIMITED_PATHS:
        refusal = limited.get(path)
        assert_refused(refusal)
        assert refusal.headers["RateLimit"] == f'"custom";r=0;t={refusal.headers["Retry-After"]}'
    for path in ("/feeds/reward-model.atom", "/k/reward-model", "/feeds/search.atom?q=four"):
        assert limited.get(path).status_code == 200
    for tag in (first.headers["ETag"], f"W/{first.headers['ETag']}", "*"):
        assert limited.get("/feeds/search.atom?q=four", If_None_Match=tag).status_code == 304


@pytest.mark.usefixtures("three")
def test_limited_routes_state_what_is_left(limited: Limited) -> None:
    for path in LIMITED_PATHS:
        response = limited.get(path)
        assert response.status_code == 200
        assert response.headers["RateLimit-Policy"] == POLICY
        assert re.fullmatch(r'"custom";r=\d+;t=(\d|[1-5]\d|60)', response.headers["RateLimit"])
    exposed = response.headers["Access-Control-Expose-Headers"]
    assert "RateLimit, RateLimit-Policy" in exposed
    assert "RateLimit" not in limited.get("/feeds/reward-model.atom").headers


CHANGED = "/feeds/search.atom?q=reward"
FALSE_CONDITIONS = [
    {},
    {"If_None_Match": '"0123456789abcdef01234567"'},
    {"If_None_Match": "*"},
    {"If_Modified_Since": "Sun, 06 Nov 1994 08:49:37 GMT"},
    {"If_Modified_Since": "Fri, 31 Dec 2100 23:59:59 GMT"},
]


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("condition", FALSE_CONDITIONS)
def test_client_over_the_limit_gets_no_old_bytes(
    limited: Limited, announce: Announce, condition: dict[str, str]
) -> None:
    limited.get(CHANGED)
    limited.exhaust()
    announce([make_sighting(4)])
    assert_refused(limited.get(CHANGED, **condition))


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("name", ["ETag", "Last-Modified"])
def test_validator_of_the_last_response_spares_the_limit(
    limited: Limited, announce: Announce, clock: Clock, redis: Redis, name: str
) -> None:
    clock.now += timedelta(seconds=5)
    before = limited.get(CHANGED)
    other = limited.get("/feeds/search.atom?q=other")
    limited.exhaust()
    announce([make_sighting(4)])
    clock.now += timedelta(seconds=5)
    header = {"ETag": "If_None_Match", "Last-Modified": "If_Modified_Since"}[name]
    if name == "ETag":
        assert_refused(limited.get(CHANGED, If_None_Match=other.headers[name]))
    after = limited.get(CHANGED, **{header: before.headers[name]})
    assert after.status_code == 200
    assert b"2611.00004" in after.data
    assert limited.get(CHANGED, **{header: after.headers[name]}).status_code == 304


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
def test_client_that_goes_on_after_refusals_meets_the_flood_guard(
    limited: Limited, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: 60 * 30_000_000.5)  # refusals weigh less later
    cached_path = "/feeds/search.atom?q=cached"
    cached = limited.get(cached_path)
    assert cached.status_code == 200
    limited.exhaust()
    for n in range(2 + MIN_REFUSALS_PER_MINUTE):
        limited.get(f"/feeds/search.atom?q=word{n}")
    for path in (cached_path, "/api/v1/papers?q=x", "/search?q=x", "/nothing?x=(("):
        refusal = limited.get(path)
        assert (refusal.status_code, refusal.mimetype) == (429, _error_type(path)), path
        assert "and more while they were refused" in refusal.text
        assert_refused(refusal)
        assert refusal.headers["X-Content-Type-Options"] == "nosniff"
    for path in ("/feeds/reward-model.atom", "/k/reward-model", "/", "/static/paperwire.css?v=1"):
        assert limited.get(path).status_code == 200, path
    tag, date = cached.headers["ETag"], cached.headers["Last-Modified"]
    assert limited.get(cached_path, If_None_Match=tag).status_code == 304
    assert limited.get(cached_path, If_Modified_Since=date).status_code == 304
    assert_refused(limited.get(cached_path, If_None_Match='"0123456789abcdef01234567"'))
    assert_refused(limited.get("/feeds/search.atom?q=cached2", If_None_Match=tag))
    other = {"REMOTE_ADDR": "192.0.2.8"}
    assert limited.client.get(cached_path, environ_overrides=other).status_code == 200


def _error_type(path: str) -> str:
    return "application/problem+json" if path.startswith("/api/") else "text/plain"


def test_description_states_the_limit_where_it_applies(client: FlaskClient) -> None:
    document = client.get("/api/v1/openapi.json").get_json()
    limited = {
        path: operation["get"]["responses"]
        for path, operation in document["paths"].items()
        if "429" in operation["get"]["responses"]
    }
    uncached = {"/api/v1/changes", "/api/v1/listing"}
    assert set(limited) == {
        "/api/v1/papers",
        "/feeds/{name}.{suffix}",
        "/feeds/{name}/{when}.{suffix}",
        "/papers/{id}.{suffix}",
        *uncached,
    }
    names = {"RateLimit", "RateLimit-Policy"}
    for path, responses in limited.items():
        assert set(responses["200"]["headers"]) - {"Link"} == names
        assert path in uncached or set(responses["304"]["headers"]) == names
        assert set(responses["429"]["headers"]) == {*names, "Retry-After"}
    assert set(document["components"]["headers"]) >= {*names, "Retry-After"}
