from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from papers.errors import PaperwireError, StoreError
from service.http.error_pages import STATUS_BY_ERROR, status_of


def leaves(kind: type[PaperwireError]) -> Iterator[type[PaperwireError]]:
    children = kind.__subclasses__()
    if not children:
        yield kind
    for child in children:
        yield from leaves(child)


@pytest.mark.parametrize("leaf", list(leaves(PaperwireError)))
def test_every_leaf_of_the_error_tree_has_a_status(leaf: type[PaperwireError]) -> None:
    assert leaf in STATUS_BY_ERROR


def test_inner_error_class_has_the_status_of_its_ancestor() -> None:
    assert status_of(PaperwireError("?")) == 500
    assert status_of(StoreError("?")) == 503


@pytest.mark.parametrize(
    ("path", "status", "content_type", "detail"),
    [
        ("/feeds/nope.atom", 404, "text/plain; charset=utf-8", "no keyword 'nope' is saved"),
        ("/feeds/---.atom", 404, "text/plain; charset=utf-8", "no keyword '---' is saved"),
        ("/feeds/nope.xml", 404, "text/plain; charset=utf-8", "nothing at /feeds/nope.xml"),
        ("/feeds/search.atom", 400, "text/plain; charset=utf-8", "q: missing"),
        ("/feeds/search.atom?q=(a", 400, "text/plain; charset=utf-8", "is not closed"),
        ("/feeds/search.rss?q=-a", 400, "text/plain; charset=utf-8", "at character 1"),
        ("/feeds/reward-model.atom?n=0", 400, "text/plain; charset=utf-8", "n: '0'"),
        ("/feeds/reward-model.atom?q=x", 400, "text/plain; charset=utf-8", "q: no such parameter"),
        ("/papers/2611.65000.bib", 404, "text/plain; charset=utf-8", "2611.65000 is not here"),
        ("/papers/2611.65000.ris", 404, "text/plain; charset=utf-8", "2611.65000 is not here"),
        ("/k/nope", 404, "text/html; charset=utf-8", "no keyword"),
        ("/search?q=(a", 400, "text/html; charset=utf-8", "is not closed"),
        ("/nowhere", 404, "text/html; charset=utf-8", "nothing at /nowhere"),
        ("/api/v1/papers", 400, "application/problem+json", "q: missing"),
        ("/api/v1/papers/2611.65000", 404, "application/problem+json", "is not here"),
        ("/api/v1/papers/example.com", 400, "application/problem+json", "no arXiv id"),
        ("/api/v1/papers/2611.00001?x=1", 400, "application/problem+json", "x: no such"),
        ("/api/v1/keywords/nope", 404, "application/problem+json", "no keyword"),
        ("/api/v1/nothing", 404, "application/problem+json", "nothing at"),
    ],
)
def test_errors_come_in_the_format_of_the_route(
    client: FlaskClient, path: str, status: int, content_type: str, detail: str
) -> None:
    response = client.get(path)
    assert (response.status_code, response.content_type) == (status, content_type)
    assert detail.lower() in response.text.lower()
    assert response.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in response.headers
    if status == 404 and content_type == "application/problem+json":
        problem = json.loads(response.data)
        assert (problem["status"], problem["title"]) == (404, "Not Found")


def test_other_methods_are_not_allowed(client: FlaskClient) -> None:
    response = client.post("/feeds/reward-model.atom")
    assert response.status_code == 405
    assert "GET" in response.headers["Allow"]


@pytest.mark.parametrize("path", ["/feeds/reward-model.atom", "/", "/api/v1/keywords", "/status"])
def test_unavailable_store_is_a_503_that_names_no_internals(
    away: Flask, tmp_path: Path, path: str
) -> None:
    response = away.test_client().get(path)
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) <= 3600
    assert str(tmp_path) not in response.text
    assert "unavailable" in response.text


def test_unexpected_error_is_logged_and_not_shown(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr("service.routes.health.context", broken)
    with caplog.at_level(logging.ERROR):
        response = app.test_client().get("/healthz")
    assert response.status_code == 500
    assert "secret" not in response.text
    assert "a secret" in caplog.text
