"""What HTTP's own critics say: redbot of a server on the wire, httplint of every kind of answer."""

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

MEANT: Final = {
    # `public` tells whoever reads it that nothing here is anybody's own.
    "Cache-Control: public is probably not necessary.",
    # What a 400 means.
    "The server didn't understand the request.",
}
"""What may be said against an answer."""

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
    """Papers of two months, and a keyword that nothing matches."""
    Keywords(redis).add("Empty", "nothing of that kind", now=NOW)
    announce([make_sighting(n, announced_at=NOW - 8 * n * DAY) for n in range(1, 8)])


def complaints(notes: list[tuple[str, str]]) -> list[str]:
    return [words for level, words in notes if level in ("bad", "warning") and words not in MEANT]


def test_redbot_finds_nothing_bad_on_any_feed(server: str) -> None:
    urls = [server + path for path in (*FEEDS, *OTHERS, *EXPORTS)]
    command = [sys.executable, "-m", "tests.service.red", *urls]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=110)
    found = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [(told["url"], told["status"]) for told in found] == [(url, 200) for url in urls]
    assert {told["url"]: complaints(told["notes"]) for told in found} == {url: [] for url in urls}
    for told in found:
        assert told["if_none_match"], told["url"]
        assert told["if_modified_since"], told["url"]
        assert told["gzip"], told["url"]


def linted(client: FlaskClient, path: str, method: str, headers: dict[str, str]) -> list[str]:
    """What httplint says against an answer, as the server would send it."""
    request: Any = HttpRequestLinter()
    request.process_request_topline(method.encode(), f"{SITE}{path}".encode(), b"HTTP/1.1")
    sent = {"Host": SITE.partition("//")[2], **headers}
    request.process_headers([(name.encode(), value.encode()) for name, value in sent.items()])
    request.finish_content(True)
    answer = client.open(path, method=method, headers=headers)
    response: Any = HttpResponseLinter()
    response.request, response.is_head_response = request, method == "HEAD"
    response.process_response_topline(b"HTTP/1.1", str(answer.status_code).encode(), b"")
    given = [("Date", "Sat, 21 Nov 2026 12:00:00 GMT"), *answer.headers.items()]
    response.process_headers([(name.encode(), value.encode()) for name, value in given])
    response.feed_content(answer.data)
    response.finish_content(True)
    assert {level.value for level in levels} >= {"bad", "warning"}
    return complaints([(note.level.value, str(note.summary)) for note in response.notes])


@pytest.mark.parametrize("path", [*FEEDS, *OTHERS, *EXPORTS, *REDIRECTED, *REFUSED])
@pytest.mark.parametrize("coding", ["identity", "gzip", "br"])
def test_httplint_has_no_complaint(client: FlaskClient, path: str, coding: str) -> None:
    headers = {"Accept-Encoding": coding}
    for method in ("GET", "HEAD"):
        assert linted(client, path, method, headers) == [], method
    tag = client.get(path, headers=headers).headers.get("ETag")
    if tag:
        assert linted(client, path, "GET", {**headers, "If-None-Match": tag}) == []


@pytest.mark.usefixtures("app")
def test_httplint_has_no_complaint_of_a_feed_with_a_hub(site: Settings) -> None:
    client = create_app(replace(site, websub_hub="https://hub.example/")).test_client()
    assert linted(client, FEED, "GET", {}) == []
    tag = client.get(FEED).headers["ETag"]
    assert linted(client, FEED, "GET", {"If-None-Match": tag}) == []


def test_httplint_has_no_complaint_of_an_answer_with_the_store_away(
    client: FlaskClient, away: Flask
) -> None:
    client.get(FEED)
    gone = away.test_client()
    assert linted(gone, FEED, "GET", {}) == []
    assert linted(gone, "/feeds/reward-model.rss", "GET", {}) == []
