"""HTTP linters: redbot against a running server, httplint for every kind of response."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any, Final

import pytest
from flask import Flask
from flask.testing import FlaskClient
from httplint import HttpRequestLinter, HttpResponseLinter
from httplint.note import levels
from redis import Redis

from papers.config.settings import Settings
from papers.state.keywords import Keywords
from service import create_app
from tests.service.conftest import SITE, Announce
from tests.service.made import DAY, NOW, make_sighting

INTENDED: Final = {
    # `public` tells a reader that no response is personal.
    "Cache-Control: public is probably not necessary.",
    # The phrase of a 400.
    "The server didn't understand the request.",
}
"""Complaints that are expected."""

FEED: Final = "/feeds/reward-model.atom"
FEEDS: Final = (
    FEED,
    "/feeds/reward-model.rss",
    "/feeds/reward-model.json",
    "/feeds/search.atom?q=reward",
    "/feeds/search.json?k=empty&k=reward-model",
    "/feeds/reward-model.atom?n=2",
    "/feeds/reward-model.rss?before=2611.00003&n=2",
    "/feeds/reward-model.atom?digest=day",
    "/feeds/reward-model/2026-10.atom",
    "/feeds/reward-model/2026-10.json",
    "/feeds/reward-model/2026-11-13.atom",
    "/feeds/empty.atom",
)
OTHERS: Final = ("/", "/k/reward-model", "/search?q=reward", "/api/v1/papers?q=reward")
EXPORTS: Final = (
    *("/opml", "/opensearch.xml", "/export/daily.md", "/papers/2611.00001.bib"),
    *("/export/k/reward-model.ris", "/export/search.csl.json?q=reward"),
)
REDIRECTED: Final = ("/feeds/Reward-Model.atom", "/feeds/reward-model/2026-11.atom")
REFUSED: Final = ("/feeds/nobody.atom", "/feeds/search.atom?q=-x", "/api/v1/papers", "/nowhere")


@pytest.fixture(autouse=True)
def papers(redis: Redis, announce: Announce) -> None:
    """Papers of two months, and a keyword without matches."""
    Keywords(redis).add("Empty", "nothing of that kind", now=NOW)
    announce([make_sighting(n, announced_at=NOW - 8 * n * DAY) for n in range(1, 8)])


def complaints(notes: list[tuple[str, str]]) -> list[str]:
    return [
        summary
        for level, summary in notes
        if level in ("bad", "warning") and summary not in INTENDED
    ]


def test_redbot_has_no_complaint_about_any_response(server: str) -> None:
    urls = [server + path for path in (*FEEDS, *OTHERS, *EXPORTS)]
    command = [sys.executable, "-m", "tests.service.red", *urls]
    process = subprocess.run(command, capture_output=True, text=True, check=True, timeout=110)
    found = [json.loads(line) for line in process.stdout.splitlines()]
    assert [(report["url"], report["status"]) for report in found] == [(url, 200) for url in urls]
    assert {report["url"]: complaints(report["notes"]) for report in found} == {
        url: [] for url in urls
    }
    for report in found:
        assert report["if_none_match"], report["url"]
        assert report["if_modified_since"], report["url"]
        assert report["gzip"], report["url"]


def lint(client: FlaskClient, path: str, method: str, headers: dict[str, str]) -> list[str]:
    """Return the complaints of httplint about a response, with the Date that a server adds."""
    request: Any = HttpRequestLinter()
    request.process_request_topline(method.encode(), f"{SITE}{path}".encode(), b"HTTP/1.1")
    sent = {"Host": SITE.partition("//")[2], **headers}
    request.process_headers([(name.encode(), value.encode()) for name, value in sent.items()])
    request.finish_content(True)
    response_sent = client.open(path, method=method, headers=headers)
    response: Any = HttpResponseLinter()
    response.request, response.is_head_response = request, method == "HEAD"
    response.process_response_topline(b"HTTP/1.1", str(response_sent.status_code).encode(), b"")
    headers_sent = [("Date", "Sat, 21 Nov 2026 12:00:00 GMT"), *response_sent.headers.items()]
    response.process_headers([(name.encode(), value.encode()) for name, value in headers_sent])
    response.feed_content(response_sent.data)
    response.finish_content(True)
    assert {level.value for level in levels} >= {"bad", "warning"}
    return complaints([(note.level.value, str(note.summary)) for note in response.notes])


@pytest.mark.parametrize("path", [*FEEDS, *OTHERS, *EXPORTS, *REDIRECTED, *REFUSED])
@pytest.mark.parametrize("coding", ["identity", "gzip", "br"])
def test_httplint_has_no_complaint(client: FlaskClient, path: str, coding: str) -> None:
    headers = {"Accept-Encoding": coding}
    for method in ("GET", "HEAD"):
        assert lint(client, path, method, headers) == [], method
    tag = client.get(path, headers=headers).headers.get("ETag")
    if tag:
        assert lint(client, path, "GET", {**headers, "If-None-Match": tag}) == []


@pytest.mark.usefixtures("app")
def test_httplint_has_no_complaint_about_a_feed_with_a_hub(site: Settings) -> None:
    client = create_app(replace(site, websub_hub="https://hub.example/")).test_client()
    assert lint(client, FEED, "GET", {}) == []
    tag = client.get(FEED).headers["ETag"]
    assert lint(client, FEED, "GET", {"If-None-Match": tag}) == []


def test_httplint_has_no_complaint_about_a_stale_response(client: FlaskClient, away: Flask) -> None:
    client.get(FEED)
    stale = away.test_client()
    assert lint(stale, FEED, "GET", {}) == []
    assert lint(stale, "/feeds/reward-model.rss", "GET", {}) == []
