from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import Headers

from papers.config.settings import Settings
from papers.errors import Unauthorized
from paperwire.cli import main
from service.context import context
from service.http import auth
from tests.service.conftest import serving

pytestmark = pytest.mark.row("tokens")

TOKEN = "correct-horse-battery-staple"


@pytest.mark.parametrize(
    "configured", [TOKEN, auth.token_digest(TOKEN), auth.token_digest(TOKEN).upper()]
)
def test_the_token_or_its_digest_is_configured(configured: str) -> None:
    assert auth.token_matches(configured, TOKEN)
    for wrong in (
        "",
        TOKEN[:-1],
        TOKEN + " ",
        TOKEN.upper(),
        auth.token_digest(TOKEN),
        "tökén",
        "\0",
    ):
        assert not auth.token_matches(configured, wrong)


@pytest.mark.parametrize("given", ["", " ", "x", TOKEN])
def test_without_a_token_none_is_right(given: str) -> None:
    assert not auth.token_matches("", given)
    assert not auth.token_matches("sha256:no digest, é", given)


@given(st.text(), st.text())
def test_only_the_same_is_right(one: str, other: str) -> None:
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
def test_a_token_is_in_one_header_and_nowhere_else(headers: dict[str, str], token: str) -> None:
    assert auth.bearer_token(Headers(headers)) == token


def test_what_needs_a_token_is_refused_without_it() -> None:
    with pytest.raises(Unauthorized, match="no token is set"):
        auth.require_token(Settings(), Headers({"Authorization": f"Bearer {TOKEN}"}))
    with pytest.raises(Unauthorized, match="needs the token"):
        auth.require_token(Settings(token=TOKEN), Headers({"Authorization": "Bearer other"}))
    auth.require_token(Settings(token=TOKEN), Headers({"Authorization": f"Bearer {TOKEN}"}))


def test_a_refusal_is_a_401_that_says_how(site: Settings) -> None:
    with serving(site) as app:

        @app.get("/api/v1/written")
        def written() -> str:
            auth.require_token(context().settings, Headers())
            return "never"

        answer = app.test_client().get("/api/v1/written")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_command_shows_a_token_that_its_digest_accepts() -> None:
    made = json.loads(CliRunner().invoke(main, ["token", "--json"]).stdout)
    assert auth.token_matches(made["digest"], made["token"])
    assert len(made["token"]) >= 43
    told = CliRunner().invoke(main, ["token"]).stdout
    assert 'token = "sha256:' in told
    assert made["token"] not in told
