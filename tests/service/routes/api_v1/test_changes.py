"""A client that follows the changes over HTTP and one that reads all papers hold the same."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from redis import Redis

from papers.blocks.saved_blocks import SavedBlocks
from papers.config.settings import Settings
from papers.maintenance.retention import Retention
from papers.model.paper import Sighting
from papers.redis_backend.listings.changed_papers import SETTLE_AFTER
from papers.store import Store
from service.json_api.schemas import SCHEMAS
from tests.papers.clients import Killed, deaths, let_live
from tests.papers.papers_strategies import sightings
from tests.service.conftest import SITE, Announce, serving
from tests.service.made import NOW, make_pick, make_revision, make_sighting


class Follower:
    """A client with a copy of all papers; reads all again when its cursor is gone."""

    def __init__(self, client: FlaskClient, size: int = 2) -> None:
        self.client, self.size, self.listings = client, size, 0
        self.read_all()

    def fetch(self, url: str, schema: str) -> Any:
        response = self.client.get(url.removeprefix(SITE))
        assert response.headers["Cache-Control"] == "no-store"
        document = response.get_json()
        if response.status_code == 410:
            assert document["listing"] == f"{SITE}/api/v1/listing"
            assert response.headers["Link"] == f'<{SITE}/api/v1/listing>; rel="related"'
            assert document["listing"] in document["detail"]
            schema = "Problem"
        reference = {"components": {"schemas": SCHEMAS}, "$ref": f"#/components/schemas/{schema}"}
        Draft202012Validator(reference, format_checker=FormatChecker()).validate(document)
        return document

    def read_all(self) -> None:
        start = self.fetch("/api/v1/changes", "Changes")
        assert start["changes"] == []
        self.next, url = start["next"], start["listing"] + f"?n={self.size}"
        self.papers, self.listings = dict[str, Any](), self.listings + 1
        while url:
            page = self.fetch(url, "Listing")
            self.papers |= {paper["id"]: paper for paper in page["papers"]}
            url = page["next"]

    def follow(self) -> list[tuple[str, str]]:
        seen, has_more = list[tuple[str, str]](), True
        while has_more:
            answer = self.fetch(f"{self.next}&n={self.size}", "Changes")
            if answer.get("status") == 410:
                self.read_all()
                continue
            for change in answer["changes"]:
                self.papers.pop(change["id"], None)
                if change["paper"]:
                    self.papers[change["id"]] = change["paper"]
            seen += [(change["change"], change["id"]) for change in answer["changes"]]
            self.next, has_more = answer["next"], answer["more"]
        return seen


def test_changes_are_followed_from_a_listing_on(client: FlaskClient, announce: Announce) -> None:
    announce([make_sighting(number) for number in (1, 2, 3)])
    follower = Follower(client)
    assert [*follower.papers] == ["2611.00003", "2611.00002", "2611.00001"]
    assert follower.follow() == []
    announce([make_sighting(4), make_pick(2, votes=7), make_revision(1, 2, title="Other")])
    assert sorted(follower.follow()) == [
        ("changed", "2611.00001"),
        ("changed", "2611.00002"),
        ("new", "2611.00004"),
    ]
    assert follower.papers["2611.00002"]["votes"] == 7
    assert follower.papers == Follower(client).papers
    announce([make_pick(2, votes=8), make_pick(2, votes=9)])
    assert follower.follow() == [("changed", "2611.00002")]
    assert follower.papers == Follower(client).papers


def test_removal_reaches_the_follower(
    client: FlaskClient, announce: Announce, redis: Redis
) -> None:
    announce([make_sighting(number) for number in (1, 2, 3)])
    follower = Follower(client)
    SavedBlocks(redis).add("paper", "2611.00002", "takedown", now=NOW)
    assert follower.follow() == [("removed", "2611.00002")]
    assert follower.papers == Follower(client).papers
    assert len(follower.papers) == 2
    SavedBlocks(redis).remove("paper", "2611.00002", now=NOW)
    assert follower.follow() == [("changed", "2611.00002")]
    SavedBlocks(redis).add("author", "Nobody", "spam", now=NOW)
    assert follower.follow() == []
    assert follower.listings == 2, "which papers an author has is not known: all are read again"
    Retention(redis).remove_before(202612, now=NOW)
    assert len(follower.follow()) == 3
    assert follower.papers == Follower(client).papers == {}


@settings(
    max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    st.lists(st.lists(sightings(), min_size=1, max_size=4), min_size=1, max_size=4),
    st.lists(st.integers(0, 60), min_size=4, max_size=4),
)
def test_follower_holds_all_papers_whenever_ingests_are_killed(
    site: Settings, store_url: str, batches: list[list[Sighting]], lives: list[int]
) -> None:
    redis = Redis.from_url(store_url)
    redis.flushall()
    Store(redis).ingest([make_sighting(9)], now=NOW)
    with serving(site) as app:
        follower = Follower(app.test_client())
        for batch, life in zip(batches, lives, strict=False):
            mortal = next(deaths(redis))
            let_live(life)
            with suppress(Killed):
                Store(mortal).ingest(batch, now=NOW)
            mortal.close()
            follower.follow()
        Store(redis).settle(now=NOW + SETTLE_AFTER)
        follower.follow()
        assert follower.papers == Follower(app.test_client()).papers
        assert follower.listings == 1
    redis.close()


def test_cursor_that_is_too_old_is_gone(client: FlaskClient, redis: Redis) -> None:
    store = Store(redis)
    store.ingest([make_sighting(1)], now=NOW)
    follower = Follower(client)
    store.ingest([make_sighting(2)], now=NOW + timedelta(days=15))
    store.ingest([make_sighting(3)], now=NOW + timedelta(days=31))
    assert follower.follow() == [("new", "2611.00002"), ("new", "2611.00003")]
    store.ingest([make_sighting(4)], now=NOW + timedelta(days=62))
    follower.next = follower.next.replace(follower.next.split("=")[1], "1")
    follower.follow()
    assert follower.listings == 2
    assert len(follower.papers) == 4


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("changes?after=x", "after: 'x' is no cursor; send that of the last response"),
        ("changes?after=-1", "after: "),
        ("changes?after=12345678901234567", "after: "),
        ("changes?n=0", "n: "),
        ("changes?after=", "after: "),
        ("changes?n=201", "n: "),
        ("changes?q=x", "q: no such parameter; there are after, n"),
        ("changes?after=1&after=2", "after: given 2 times"),
        ("listing?before=x", "x"),
        ("listing?page=2", "page: no such parameter; there are before, n"),
    ],
)
def test_bad_parameters_are_refused(client: FlaskClient, path: str, said: str) -> None:
    response = client.get(f"/api/v1/{path}")
    assert (response.status_code, said in response.get_json()["detail"]) == (400, True)


def test_reading_all_is_charged(site: Settings, redis: Redis) -> None:
    from dataclasses import replace

    Store(redis).ingest([make_sighting(1)], now=NOW)
    with serving(replace(site, questions_per_minute=10)) as app:
        client = app.test_client()
        for path in ("/api/v1/listing", "/api/v1/changes?after=1"):
            response = client.get(path, environ_base={"REMOTE_ADDR": "192.0.2.7"})
            assert response.headers["RateLimit-Policy"].startswith('"custom";q=1000')
