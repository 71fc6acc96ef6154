"""Every curl command of the documents works as they state."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from redis import Redis

from papers.model.arxiv_id import ArxivId
from papers.state.keywords import Keywords
from papers.state.voting.pick_lists import PickLists
from tests.service.conftest import Announce
from tests.service.made import DAY, NOW, make_pick, make_revision, make_sighting

ROOT = Path(__file__).parents[3]
PAGES = ("README.md", "docs/reference/feeds.md", "docs/how-to/export.md", "docs/reference/api.md")
COMMANDS = [
    line.removeprefix("$ ")
    for page in PAGES
    for line in (ROOT / page).read_text("utf-8").splitlines()
    if re.match(r"(\$ )?curl ", line)
]
ADDRESS = re.compile(r"[\w.~:/?#\[\]@!$&'()*+,;=%-]+", re.ASCII)
"""https://www.rfc-editor.org/rfc/rfc3986#section-2"""
TYPES = {
    "atom": "application/atom+xml",
    "rss": "application/rss+xml",
    "json": "application/feed+json",
    "bib": "application/x-bibtex",
    "ris": "application/x-research-info-systems",
    "md": "text/markdown",
    "opml": "text/x-opml",
    "papers": "application/json",
}


@pytest.fixture(autouse=True)
def papers(redis: Redis, announce: Announce) -> None:
    Keywords(redis).add("Diffusion", "diffusion", now=NOW)
    october = make_sighting(7, id=ArxivId(202610, 7), announced_at=NOW - 30 * DAY)
    announce([october, make_sighting(1), make_sighting(18), make_pick(1, votes=9)])
    coded = make_pick(1)._replace(code="https://github.com/a/b", as_of=NOW, pick=None)
    announce([coded, make_revision(18, 2)._replace(announced_at=NOW)])
    for name in ("daily", "trending"):
        PickLists(redis).join(name, [make_pick(1).id], now=NOW)


def test_documents_have_examples() -> None:
    assert len(COMMANDS) > 20


@pytest.mark.parametrize("command", COMMANDS)
def test_documented_command_works(client: FlaskClient, command: str) -> None:
    options = shlex.split(command)[1:]
    (url,) = (option for option in options if option.startswith(("http:", "localhost:")))
    assert ADDRESS.fullmatch(url), "other characters must be percent-encoded: some servers insist"
    parts = urlsplit(url if "//" in url else f"http://{url}")
    headers = {}
    if "-H" in options:
        name, _, value = options[options.index("-H") + 1].partition(": ")
        headers[name] = value
    response = client.open(
        f"{parts.path}?{parts.query}" if parts.query else parts.path,
        method="HEAD" if "-I" in options else "GET",
        headers=headers,
        follow_redirects="-L" in options,
    )
    assert response.status_code == (304 if headers else 200), response.text[:300]
    if not headers:
        name = re.split(r"[./]", parts.path)[-1]
        expected = TYPES.get(name, "")
        if ".csl." in parts.path:
            expected = "application/vnd.citationstyles.csl+json"
        assert expected
        assert response.mimetype == expected
    if response.data and "/feeds/" in parts.path:
        assert b"2611.000" in response.data or b"2610.00007" in response.data
