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
    below = kind.__subclasses__()
    if not below:
        yield kind
    for child in below:
        yield from leaves(child)


@pytest.mark.parametrize("leaf", list(leaves(PaperwireError)))
def test_every_leaf_of_the_tree_has_a_status(leaf: type[PaperwireError]) -> None:
    assert leaf in STATUS_BY_ERROR


def test_a_branch_without_a_line_of_its_own_is_a_500() -> None:
    assert status_of(PaperwireError("?")) == 500
    assert status_of(StoreError("?")) == 503


@pytest.mark.parametrize(
    ("path", "status", "content_type", "said"),
    [
        ("/feeds/nope.atom", 404, "text/plain; charset=utf-8", "no keyword 'nope' is saved"),
        ("/feeds/---.atom", 404, "text/plain; charset=utf-8", "no keyword '---' is saved"),
        ("/feeds/nope.xml", 404, "text/plain; charset=utf-8", "nothing at /feeds/nope.xml"),
        ("/feeds/search.atom", 400, "text/plain; charset=utf-8", "q: missing"),
        ("/feeds/search.atom?q=(a", 400, "text/plain; charset=utf-8", "is not closed"),
        ("/feeds/search.rss?q=-a", 400, "text/plain; charset=utf-8", "at character 1"),
        ("/feeds/reward-model.atom?n=0", 400, "text/plain; charset=utf-8", "n: '0'"),
        ("/feeds/reward-model.atom?q=x", 400, "text/plain; charset=utf-8", "q: no such parameter"),
        ("/k/nope", 404, "text/html; charset=utf-8", "no keyword"),
        ("/search?q=%22a", 400, "text/html; charset=utf-8", "quot"),
        ("/nowhere", 404, "text/html; charset=utf-8", "nothing at /nowhere"),
        ("/api/v1/papers", 400, "application/problem+json", "q: missing"),
        ("/api/v1/papers/2611.65000", 404, "application/problem+json", "is not here"),
        ("/api/v1/papers/example.com", 400, "application/problem+json", "no arXiv id"),
        ("/api/v1/papers/2611.00001?x=1", 400, "application/problem+json", "x: no such"),
        ("/api/v1/keywords/nope", 404, "application/problem+json", "no keyword"),
        ("/api/v1/nothing", 404, "application/problem+json", "nothing at"),
    ],
)
def test_errors_are_words_in_the_form_of_the_route(
    client: FlaskClient, path: str, status: int, content_type: str, said: str
) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.content_type) == (status, content_type)
    assert said.lower() in answer.text.lower()
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
    if status == 404 and content_type == "application/problem+json":
        problem = json.loads(answer.data)
        assert (problem["status"], problem["title"]) == (404, "Not Found")


def test_only_reading_does_anything(client: FlaskClient) -> None:
    answer = client.post("/feeds/reward-model.atom")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize("path", ["/feeds/reward-model.atom", "/", "/api/v1/keywords", "/status"])
def test_store_away_is_a_503_that_says_when_to_return_and_not_where_it_was(
    away: Flask, tmp_path: Path, path: str
) -> None:
    answer = away.test_client().get(path)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) <= 3600
    assert str(tmp_path) not in answer.text
    assert "away" in answer.text


def test_what_nobody_expected_is_logged_and_not_shown(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr("service.routes.health.desk", broken)
    with caplog.at_level(logging.ERROR):
        answer = app.test_client().get("/healthz")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "a secret" in caplog.text
