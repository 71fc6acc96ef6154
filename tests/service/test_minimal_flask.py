"""What the app does without Flask's sessions, hosts and coroutines: routing and URLs as before."""

from __future__ import annotations

import pytest
from flask import request, session, url_for
from flask.testing import FlaskClient

from service import MinimalFlask


@pytest.fixture
def minimal() -> FlaskClient:
    app = MinimalFlask("minimal")

    @app.get("/folder/")
    def folder() -> str:
        return url_for("folder", _external=True)

    @app.post("/form")
    def form() -> str:
        return request.method

    @app.get("/session")
    def keep() -> str:
        session["name"] = "value"
        return "kept"

    return app.test_client()


def test_url_of_the_app_has_scheme_host_and_prefix_of_the_request(minimal: FlaskClient) -> None:
    response = minimal.get("/folder/", base_url="https://lab.example:8443/wire")
    assert response.text == "https://lab.example:8443/wire/folder/"


@pytest.mark.parametrize("query", ["", "x=1&y=a%20b", "x=%FF", "x=\xff"])
def test_redirect_of_a_route_keeps_the_query(minimal: FlaskClient, query: str) -> None:
    response = minimal.get("/folder", environ_overrides={"QUERY_STRING": query})
    assert response.status_code == 308
    path, _, kept = response.headers["Location"].partition("?")
    assert path.endswith("/folder/")
    assert bool(kept) is bool(query)
    assert kept == query or not query.isascii()


def test_route_is_matched_by_method(minimal: FlaskClient) -> None:
    assert minimal.post("/form").text == "POST"
    assert minimal.get("/form").status_code == 405


def test_session_refuses_to_be_written_to(minimal: FlaskClient) -> None:
    minimal.application.testing = True
    with pytest.raises(RuntimeError, match="session is unavailable"):
        minimal.get("/session")
