from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from redis import Redis

from papers.blocks.saved_blocks import SavedBlocks
from papers.config.settings import Settings
from service import create_app
from service.pages.manage.block_forms import BLOCKS_PER_PAGE
from tests.service.made import NOW
from tests.service.pages.browsing import TOKEN, page


@pytest.fixture
def manager(redis: Redis, site: Settings) -> FlaskClient:
    """Return a client of an app with a token."""
    redis.ping()
    return create_app(replace(site, token=TOKEN)).test_client()


def post(client: FlaskClient, **fields: str) -> tuple[int, Any]:
    answer = client.post("/manage/blocks", data=fields)
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.status_code, BeautifulSoup(answer.data, "html.parser")


def subjects(soup: Any) -> list[str]:
    return [tag.get_text() for tag in soup.select(".saved summary code")]


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("kind", "subject"), [("paper", "2611.00002"), ("author", "Ada Lovelace"), ("url", "x.example")]
)
def test_block_is_added_listed_and_lifted(
    manager: FlaskClient, redis: Redis, kind: str, subject: str
) -> None:
    one = {"kind": kind, "subject": subject, "token": TOKEN}
    status, soup = post(manager, action="block", reason="a <notice>", public="yes", **one)
    assert (status, subjects(soup)) == (200, [subject])
    text = soup.select(".saved details")[0].get_text()
    assert ("a <notice>" in text, "the reason is public" in text) == (True, True)
    if kind != "url":
        assert "2611.00002" not in manager.get("/feeds/search.atom?q=reward").text
    status, soup = post(manager, action="lift", **one)
    assert (status, subjects(soup), SavedBlocks(redis).all()) == (200, [], [])
    assert "2611.00002" in manager.get("/feeds/search.atom?q=reward").text


def test_nothing_is_shown_or_changed_without_the_token(manager: FlaskClient, redis: Redis) -> None:
    SavedBlocks(redis).add("paper", "2611.00002", "by a court", now=NOW)
    assert "2611.00002" not in page(manager, "/manage/blocks").get_text()
    one = {"kind": "paper", "subject": "2611.00003", "reason": "spam"}
    for action in ("list", "block", "lift"):
        for token in ("", "wrong"):
            status, soup = post(manager, action=action, token=token, **one)
            assert (status, "by a court" in soup.get_text()) == (401, False)
    assert len(SavedBlocks(redis).all()) == 1


def test_form_keeps_what_was_wrong_and_says_why(manager: FlaskClient, redis: Redis) -> None:
    wrong = {"kind": "paper", "subject": "no id", "reason": "spam"}
    for change in ({}, {"kind": "planet"}, {"subject": "2611.00002", "reason": ""}):
        fields = {**wrong, **change}
        status, soup = post(manager, action="block", token=TOKEN, **fields)
        assert (status, bool(soup.select("[role=alert]"))) == (400, True), change
        assert soup.select("#subject")[0]["value"] == fields["subject"]
    for action, status in (("lift", 400), ("x", 400)):
        assert post(manager, action=action, token=TOKEN, **wrong)[0] == status
    assert SavedBlocks(redis).all() == []


def test_long_list_is_paged_and_searched(manager: FlaskClient, redis: Redis) -> None:
    blocks = SavedBlocks(redis)
    for number in range(BLOCKS_PER_PAGE + 1):
        at = NOW + timedelta(minutes=number)
        blocks.add("url", f"h{number}.example", f"reason {number}", now=at)
    first = post(manager, action="list", token=TOKEN)[1]
    assert subjects(first)[0] == f"h{BLOCKS_PER_PAGE}.example"
    (button,) = first.select("button[name=page]")
    form = {tag["name"]: tag["value"] for tag in button.find_parent("form").select("input")}
    second = post(manager, page=button["value"], **form)[1]
    assert subjects(second) == ["h0.example"]
    assert subjects(post(manager, action="list", page="99", token=TOKEN)[1]) == ["h0.example"]
    found = post(manager, action="list", find="REASON 7", token=TOKEN)[1]
    assert subjects(found) == ["h7.example"]
    assert post(manager, action="list", page="x", token=TOKEN)[0] == 400


def test_page_without_a_token_in_the_settings_says_how_to_make_one(
    client: FlaskClient,
) -> None:
    assert "paperwire token" in page(client, "/manage/blocks").get_text()
    assert post(client, action="list", token="any")[0] == 401
