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
def test_setting_is_the_token_or_its_digest(configured: str) -> None:
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


def test_write_without_the_token_is_refused() -> None:
    with pytest.raises(Unauthorized, match="no token is set"):
        auth.require_token(Settings(), Headers({"Authorization": f"Bearer {TOKEN}"}))
    with pytest.raises(Unauthorized, match="needs the token"):
        auth.require_token(Settings(token=TOKEN), Headers({"Authorization": "Bearer other"}))
    auth.require_token(Settings(token=TOKEN), Headers({"Authorization": f"Bearer {TOKEN}"}))


def test_refusal_is_a_401_with_the_scheme(site: Settings) -> None:
    with serving(site) as app:

        @app.get("/api/v1/write")
        def write() -> str:
            auth.require_token(context().settings, Headers())
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
