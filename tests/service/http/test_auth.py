from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis
from werkzeug.datastructures import Headers

from papers.config.settings import Settings
from papers.errors import (
    BadSettings,
    ScopeMissing,
    StoreError,
    StoreTooNew,
    TooManyRequests,
    Unauthorized,
)
from papers.maintenance.schema_stamp import SchemaStamp
from papers.redis_backend import keys
from papers.state.access.api_tokens import ApiTokens
from papers.state.access.token_texts import token_digest
from paperwire.cli import main
from service.context import context
from service.http import auth
from service.http.auth import TokenGuard
from service.http.client_quota import ClientQuota
from service.http.cost_window import MAX_CLIENTS
from service.http.rate_limit import MAX_WRONG_TOKENS, ClientRateLimiter
from tests.service.conftest import serving
from tests.service.made import NOW

pytestmark = pytest.mark.row("tokens")

TOKEN = "correct-horse-battery-staple"
RIGHT = Headers({"Authorization": f"Bearer {TOKEN}"})
WRONG = Headers({"Authorization": "Bearer other"})


@pytest.mark.parametrize("configured", [TOKEN, token_digest(TOKEN), token_digest(TOKEN).upper()])
def test_setting_is_the_token_or_its_digest(configured: str) -> None:
    assert auth.token_matches(configured, TOKEN)
    for wrong in (
        "",
        TOKEN[:-1],
        TOKEN + " ",
        TOKEN.upper(),
        token_digest(TOKEN),
        "tökén",
        "\0",
    ):
        assert not auth.token_matches(configured, wrong)


@pytest.mark.parametrize("given", ["", " ", "x", TOKEN])
def test_no_token_matches_without_a_setting(given: str) -> None:
    assert not auth.token_matches("", given)
    assert not auth.token_matches("sha256:no digest, é", given)


@given(st.text(), st.text())
def test_only_equal_tokens_match(one: str, other: str) -> None:
    assert auth.token_matches(one, other) == (one == other != "") or one.lower().startswith(
        "sha256:"
    )


HEADERS = [
    ({"Authorization": f"Bearer {TOKEN}"}, TOKEN),
    ({"authorization": f"bearer   {TOKEN} "}, TOKEN),
    ({"Authorization": f"Basic {TOKEN}"}, ""),
    ({"Authorization": TOKEN}, ""),
    ({"Authorization": ""}, ""),
    ({"X-Token": TOKEN}, ""),
    ({}, ""),
]


@pytest.mark.parametrize(("headers", "token"), HEADERS)
def test_token_is_read_from_one_header_only(headers: dict[str, str], token: str) -> None:
    assert auth.bearer_token(Headers(headers)) == token


def guard_of(settings: Settings, tokens: ApiTokens, quota: ClientQuota | None = None) -> TokenGuard:
    quota = quota or ClientQuota(ClientRateLimiter(0), "192.0.2.1", is_exempt=True)
    return TokenGuard(settings, tokens._redis, tokens, quota, NOW)


def test_write_without_a_token_is_refused(redis: Redis) -> None:
    tokens = ApiTokens(redis)
    with pytest.raises(Unauthorized, match="there is no token"):
        guard_of(Settings(), tokens).require(RIGHT, "keywords")
    for headers in (WRONG, Headers()):
        with pytest.raises(Unauthorized, match="needs a token"):
            guard_of(Settings(token=TOKEN), tokens).require(headers, "keywords")
    guard_of(Settings(token=TOKEN), tokens).require(RIGHT, "keywords")


def test_nothing_is_written_beside_a_newer_release(redis: Redis) -> None:
    """It would write records without the fields that the newer one has added."""
    guard = guard_of(Settings(token=TOKEN), ApiTokens(redis))
    redis.set(keys.SCHEMA, SchemaStamp(99, 99, 1).encode())
    guard.require(RIGHT, "metrics")
    with pytest.raises(StoreTooNew, match="update this web server"):
        guard.require(RIGHT, "keywords")
    with pytest.raises(StoreTooNew):
        guard.require_form(TOKEN, Headers(), "blocks")
    with pytest.raises(Unauthorized):
        guard.require(WRONG, "keywords")


def test_saved_token_is_accepted_for_what_it_is_for(redis: Redis) -> None:
    tokens = ApiTokens(redis)
    tokens.add("ci", ["sources"], token_digest(TOKEN), now=NOW)
    guard = guard_of(Settings(), tokens)
    guard.require(RIGHT, "sources")
    guard.require_form(TOKEN, Headers(), "sources")
    guard.require_form("", RIGHT, "sources")
    with pytest.raises(ScopeMissing, match="needs one for keywords"):
        guard.require(RIGHT, "keywords")
    for wrong in (WRONG, Headers({"Authorization": f"Bearer {token_digest(TOKEN)}"})):
        with pytest.raises(Unauthorized, match="needs a token"):
            guard.require(wrong, "sources")
    tokens.revoke("ci")
    with pytest.raises(Unauthorized, match="there is no token"):
        guard.require(RIGHT, "sources")


def test_token_of_the_settings_works_without_the_store(tmp_path: Path) -> None:
    away = ApiTokens(Redis.from_url(f"unix://{tmp_path}/nobody"))
    guard_of(Settings(token=TOKEN), away).require(RIGHT, "metrics")
    with pytest.raises(StoreError):
        guard_of(Settings(token=TOKEN), away).require(WRONG, "metrics")


@pytest.mark.row("wrong tokens")
@pytest.mark.parametrize("is_saved", [True, False])
def test_wrong_tokens_of_a_client_are_limited(redis: Redis, is_saved: bool) -> None:
    """Then the right one is refused too. A missing one is no attempt; others are not refused."""
    settings, now = Settings(token="" if is_saved else token_digest(TOKEN)), [1000.0]
    tokens = ApiTokens(redis)
    if is_saved:
        tokens.add("ci", ["keywords"], token_digest(TOKEN), now=NOW)
    limiter = ClientRateLimiter(0, clock=lambda: now[0])
    guesser, other = (
        guard_of(settings, tokens, ClientQuota(limiter, f"192.0.2.{n}", is_exempt=True))
        for n in (1, 2)
    )
    for _ in range(3 * MAX_WRONG_TOKENS):
        with pytest.raises(Unauthorized):
            guesser.require(Headers(), "keywords")
    for _ in range(MAX_WRONG_TOKENS):
        with pytest.raises(Unauthorized):
            guesser.require(WRONG, "keywords")
    for headers in (WRONG, RIGHT):
        with pytest.raises(TooManyRequests, match="too many wrong tokens") as refusal:
            guesser.require(headers, "keywords")
        assert 1 <= refusal.value.retry_after <= 60
    other.require(RIGHT, "keywords")
    now[0] += 61
    guesser.require(RIGHT, "keywords")


@pytest.mark.row("wrong tokens")
def test_wrong_tokens_take_bounded_memory() -> None:
    limiter = ClientRateLimiter(0)
    for number in range(MAX_CLIENTS + 1_000):
        limiter.note_wrong_token(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(limiter._wrong_tokens._costs) == MAX_CLIENTS


@pytest.mark.row("wrong tokens")
@pytest.mark.parametrize("path", ["/manage", "/manage/feeds", "/metrics"])
def test_every_route_limits_wrong_tokens(site: Settings, redis: Redis, path: str) -> None:
    redis.ping()
    with serving(replace(site, token=TOKEN)) as app:
        client, remote = app.test_client(), {"REMOTE_ADDR": "192.0.2.1"}

        def status(token: str) -> int:
            form = {"action": "remove", "keyword": "no", "community": "no", "token": token}
            method = "GET" if path == "/metrics" else "POST"
            headers = {"Authorization": f"Bearer {token}"}
            return client.open(
                path, method=method, data=form, headers=headers, environ_base=remote
            ).status_code

        assert [status("wrong") for _ in range(MAX_WRONG_TOKENS)] == [401] * MAX_WRONG_TOKENS
        assert status(TOKEN) == 429


WEAK = [
    ("hunter2", "shorter than 20"),
    ("a" * 40, "different characters"),
    ("abcabcabcabcabcabcabcabc", "different characters"),
    ("sha256:abc", "64 hexadecimal digits"),
    ("sha256:" + "g" * 64, "64 hexadecimal digits"),
    (token_digest(""), "common token"),
    (token_digest("password").upper(), "common token"),
    (" a token long enough, with blanks ", "no header can have"),
    ("a token long enough\nin two lines", "no header can have"),
]


@pytest.mark.row("wrong tokens")
@pytest.mark.parametrize(("token", "reason"), WEAK)
def test_token_that_protects_nothing_is_no_setting(token: str, reason: str) -> None:
    with pytest.raises(BadSettings, match=reason) as refusal:
        Settings(token=token)
    assert "`paperwire token`" in str(refusal.value)
    assert token not in str(refusal.value)


def test_refusal_is_a_401_with_the_scheme(site: Settings, redis: Redis) -> None:
    redis.ping()
    with serving(site) as app:

        @app.get("/api/v1/write")
        def write() -> str:
            context().token_guard.require(Headers(), "keywords")
            return "never"

        response = app.test_client().get("/api/v1/write")
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer ")
    assert response.headers["Cache-Control"] == "no-store"


def test_command_prints_a_token_and_its_digest() -> None:
    made = json.loads(CliRunner().invoke(main, ["token", "--json"]).stdout)
    assert auth.token_matches(made["digest"], made["token"])
    assert len(made["token"]) >= 43
    output = CliRunner().invoke(main, ["token"]).stdout
    assert 'token = "sha256:' in output
    assert made["token"] not in output
