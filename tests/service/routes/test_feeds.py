from __future__ import annotations

import json
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import feedparser
import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis

from papers.redis_backend import keys
from papers.state.keywords import Keywords
from papers.state.task_states import TaskState, TaskStates, TaskStatus
from service.context import AppContext
from service.feeds import FORMATS
from tests.service.conftest import SITE, Announce
from tests.service.made import DAY, NOW, make_pick, make_revision, make_sighting

FEED = "/feeds/reward-model.atom"


def ids(client: FlaskClient, path: str) -> list[str]:
    response = client.get(path)
    assert response.status_code == 200, response.text
    return [entry.id.rpartition("/")[2] for entry in feedparser.parse(response.data).entries]


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("suffix", FORMATS)
def test_feed_headers(client: FlaskClient, suffix: str) -> None:
    response = client.get(f"/feeds/reward-model.{suffix}")
    headers = response.headers
    assert response.status_code == 200
    assert headers["Content-Type"] == FORMATS[suffix].content_type
    assert headers["Cache-Control"] == "public, max-age=1800"
    assert headers["Vary"] == "Accept-Encoding"
    assert int(headers["Content-Length"]) == len(response.data)
    assert headers["ETag"].startswith('"')
    assert parsedate_to_datetime(headers["Last-Modified"])
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Link"] == f'<{SITE}/feeds/reward-model.{suffix}>; rel="self"'
    assert "Set-Cookie" not in headers
    assert "Cache-Status" not in headers


def test_content_types(client: FlaskClient) -> None:
    types = {s: client.get(f"/feeds/reward-model.{s}").content_type for s in FORMATS}
    assert types == {
        "atom": "application/atom+xml; charset=utf-8",
        "rss": "application/rss+xml; charset=utf-8",
        "json": "application/feed+json",
    }


@pytest.mark.usefixtures("three")
def test_new_custom_feed_takes_four_round_trips(
    client: FlaskClient, announce: Announce, round_trips: list[int]
) -> None:
    announce([make_sighting(4, title="Zebras", abstract="Zebras.")])
    ids(client, "/feeds/search.atom?q=zebras")  # connects, and reads how the month is stored
    round_trips.clear()
    assert ids(client, "/feeds/search.atom?q=reward") == ["2611.00003", "2611.00002", "2611.00001"]
    assert len(round_trips) == 4


@pytest.mark.usefixtures("three")
def test_custom_query_has_the_papers_of_the_saved_keyword(client: FlaskClient) -> None:
    custom = "/feeds/search.atom?q=%22reward+model%22"
    assert ids(client, custom) == ids(client, FEED) == ["2611.00003", "2611.00002", "2611.00001"]
    parsed = feedparser.parse(client.get(custom).data).feed
    assert parsed.id == f"{SITE}{custom}"
    assert {link.rel: link.href for link in parsed.links if link.type == "text/html"} == {
        "alternate": f"{SITE}/search?q=%22reward+model%22"
    }


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("/feeds/Reward-Model.atom", "/feeds/reward-model.atom"),
        ("/feeds/Reward%20Model.atom?n=100", "/feeds/reward-model.atom"),
        ("/feeds/reward-model.atom?utm_source=x", "/feeds/reward-model.atom"),
        ("/feeds/search.atom?q=%20Rewards", "/feeds/search.atom?q=Rewards"),
        ("/feeds/search.atom?q=cat%3Acs.CL", "/feeds/search.atom?q=cat:cs.CL"),
        ("/feeds/search.json?q=b%20OR%20a", "/feeds/search.json?q=b+OR+a"),
        ("/k/Reward_Model?types=cross,new,replace", "/k/reward-model?types=new,cross,replace"),
        ("/search?q=b%20or%20a", "/search?q=b+OR+a"),
        ("/?utm_source=x", "/"),
    ],
)
def test_other_forms_redirect_to_the_canonical_url(
    client: FlaskClient, path: str, canonical: str
) -> None:
    response = client.get(path)
    assert (response.status_code, response.headers["Location"]) == (301, canonical)
    assert client.get(canonical).status_code in (200, 404)


@pytest.mark.usefixtures("three")
def test_papers_that_do_not_match_leave_the_etag(client: FlaskClient, announce: Announce) -> None:
    before = client.get(FEED)
    announce([make_sighting(4, title="Something else", abstract="Nothing of that kind.")])
    after = client.get(FEED)
    assert after.headers["ETag"] == before.headers["ETag"]
    assert after.headers["Last-Modified"] == before.headers["Last-Modified"]
    announce([make_sighting(5)])
    assert client.get(FEED).headers["ETag"] != before.headers["ETag"]


def test_empty_feed_is_valid(client: FlaskClient) -> None:
    response = client.get(FEED)
    parsed = feedparser.parse(response.data)
    assert (response.status_code, parsed.bozo, parsed.entries) == (200, False, [])
    assert parsed.feed.updated == "1991-08-14T00:00:00+00:00"


@pytest.mark.usefixtures("three")
def test_filters_by_pick(client: FlaskClient, announce: Announce) -> None:
    announce([make_pick(1, picked_at=NOW), make_pick(2), make_pick(2, "ours", votes=30)])
    assert ids(client, f"{FEED}?when=picked") == ["2611.00001", "2611.00002"]
    assert ids(client, f"{FEED}?min_votes=10") == ["2611.00002"]
    assert ids(client, f"{FEED}?source=hf") == ["2611.00002", "2611.00001"]
    (first, _) = feedparser.parse(client.get(f"{FEED}?when=picked").data).entries
    assert "Picked" in first.content[0].value
    parsed = feedparser.parse(client.get(FEED).data)
    assert all("Picked" not in entry.content[0].value for entry in parsed.entries)


@pytest.mark.usefixtures("three")
def test_filters_by_type_and_day(client: FlaskClient, announce: Announce) -> None:
    announce([make_revision(9, 3)])
    assert "2611.00009" not in ids(client, FEED)
    assert ids(client, f"{FEED}?types=replace") == ["2611.00009"]
    day = (NOW - 18 * DAY).date()
    assert ids(client, f"{FEED}?since={day}&until={day}") == ["2611.00002"]


@pytest.mark.usefixtures("three")
def test_source_in_trouble_for_a_day_changes_the_subtitle_and_no_entry(
    client: FlaskClient, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    states, minute = TaskStates(redis), timedelta(minutes=1)
    before = feedparser.parse(client.get(FEED).data)
    for category in ("cs.CL", "cs.LG"):
        states.save(TaskState(f"announcements:{category}", TaskStatus.STALE, NOW, NOW))
    for waited in (0 * DAY, DAY - minute):
        monkeypatch.setattr(AppContext, "now", lambda _, at=NOW + waited: at)
        assert feedparser.parse(client.get(FEED).data).feed.subtitle == before.feed.subtitle
    monkeypatch.setattr(AppContext, "now", lambda _: NOW + DAY + timedelta(hours=1))
    after = feedparser.parse(client.get(FEED).data)
    assert "missing: arXiv is late since 2026-11-21." in after.feed.subtitle
    assert after.entries == before.entries
    assert after.feed.updated == before.feed.updated


@pytest.mark.usefixtures("three")
def test_formats_agree(client: FlaskClient) -> None:
    document: dict[str, Any] = json.loads(client.get("/feeds/reward-model.json").data)
    by_json = [item["id"].rpartition("/")[2] for item in document["items"]]
    assert by_json == ids(client, FEED) == ids(client, "/feeds/reward-model.rss")
    assert document["feed_url"] == f"{SITE}/feeds/reward-model.json"
    assert document["home_page_url"] == f"{SITE}/k/reward-model"


def test_new_query_of_a_keyword_shows_at_once(
    client: FlaskClient, redis: Redis, announce: Announce
) -> None:
    announce([make_sighting(1), make_sighting(2, title="Diffusion", abstract="Images.")])
    assert ids(client, FEED) == ["2611.00001"]
    Keywords(redis).add("Reward Model", "diffusion", now=NOW)
    assert ids(client, FEED) == ["2611.00002"]


@pytest.mark.usefixtures("three")
def test_last_good_bytes_are_served_without_the_store(client: FlaskClient, away: Flask) -> None:
    before = client.get(FEED)
    stale_client = away.test_client()
    after = stale_client.get(FEED)
    assert (after.status_code, after.data) == (200, before.data)
    assert after.headers["ETag"] == before.headers["ETag"]
    assert after.headers["Last-Modified"] == before.headers["Last-Modified"]
    assert after.headers["Cache-Status"] == "paperwire; hit; detail=store-away"
    conditional = {"If-None-Match": before.headers["ETag"]}
    assert stale_client.get(FEED, headers=conditional).status_code == 304
    assert stale_client.get("/feeds/reward-model.rss").status_code == 503


def test_serving_a_feed_writes_only_its_cache_keys(client: FlaskClient, redis: Redis) -> None:
    before = set(redis.scan_iter())
    client.get(FEED)
    assert all(key.startswith(b"feed:") for key in set(redis.scan_iter()) - before)
    assert redis.get(keys.REVISION) is None
