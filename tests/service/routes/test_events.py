"""Feeds, pages and API in order of events, and the feed of one paper."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import feedparser
import pytest
from flask.testing import FlaskClient
from redis import Redis

from papers.model.paper import Sighting
from papers.store import Store
from service.feeds import FORMATS
from tests.service.made import (
    DAY,
    FIRST_ANNOUNCED,
    make_description,
    make_pick,
    make_revision,
    make_sighting,
)

ABS = "https://arxiv.org/abs/"
CODE = "https://github.com/a/b"


@pytest.fixture
def store(redis: Redis, client: FlaskClient) -> Store:
    """Return a store whose first ingest was before any paper was announced."""
    assert client
    store = Store(redis)
    store.ingest([make_sighting(90, title="Another")], now=FIRST_ANNOUNCED - DAY)
    return store


def with_code(number: int, at: datetime) -> Sighting:
    pick = make_pick(number)
    return pick._replace(code=CODE, as_of=at, pick=None)


def ingest_lives(store: Store) -> None:
    """Give paper 1 three versions, paper 2 code and then a withdrawal; paper 3 has one version."""
    lives = [make_sighting(n) for n in (1, 2, 3)]
    lives += [make_revision(1, 2), with_code(2, FIRST_ANNOUNCED + 5 * DAY), make_revision(1, 3)]
    lives += [make_revision(2, 2, withdrawn=True, comment="Withdrawn by the authors"), make_pick(1)]
    store.ingest(lives, now=FIRST_ANNOUNCED + 9 * DAY)


def items(client: FlaskClient, path: str) -> list[dict[str, Any]]:
    response = client.get(path)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = json.loads(response.data)["items"]
    return found


def ids(client: FlaskClient, path: str) -> list[str]:
    return [item["id"].removeprefix(ABS) for item in items(client, path)]


def test_every_version_is_an_entry_among_the_revised(client: FlaskClient, store: Store) -> None:
    ingest_lives(store)
    path = "/feeds/reward-model.json?when=revised"
    withdrawn, newest, older = items(client, path)
    assert [item["id"] for item in (withdrawn, newest, older)] == [
        f"{ABS}2611.00002v2",
        f"{ABS}2611.00001v3",
        f"{ABS}2611.00001v2",
    ]
    assert newest["url"] == f"{ABS}2611.00001v3"
    assert newest["attachments"][0]["url"] == "https://arxiv.org/pdf/2611.00001v3"
    assert newest["date_published"] == newest["date_modified"] == "2026-11-05T03:00:00.100000+00:00"
    assert "We reason about" in newest["content_text"]
    assert newest["content_text"].startswith("Version 3 was announced on 2026-11-05.")
    assert older["content_text"] == (
        "Version 2 was announced on 2026-11-04.\n\nNewer versions followed. The text of this one "
        f"is not held here: version 2 at arXiv, {ABS}2611.00001v2"
    )
    assert older["title"] == "Reward model number 1 (v2)"
    assert withdrawn["content_text"].startswith("Version 2 withdrew the paper on 2026-11-05.")


def test_a_new_version_leaves_the_entries_of_others_as_they_were(
    client: FlaskClient, store: Store
) -> None:
    ingest_lives(store)
    before = {item["id"]: item for item in items(client, "/feeds/reward-model.json?when=revised")}
    store.ingest([make_revision(1, 4)], now=FIRST_ANNOUNCED + 9 * DAY)
    after = {item["id"]: item for item in items(client, "/feeds/reward-model.json?when=revised")}
    assert after.keys() - before.keys() == {f"{ABS}2611.00001v4"}
    changed = {id for id in before if _compared(before[id]) != _compared(after[id])}
    assert changed == {f"{ABS}2611.00001v3"}


def _compared(item: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name != "_arxiv"}


def test_the_withdrawn_and_those_with_code_are_dated_by_that(
    client: FlaskClient, store: Store
) -> None:
    ingest_lives(store)
    (withdrawn,) = items(client, "/feeds/reward-model.json?when=withdrawn")
    assert withdrawn["id"] == f"{ABS}2611.00002"
    assert withdrawn["title"].startswith("[Withdrawn]") or "ithdrawn" in withdrawn["title"]
    assert withdrawn["date_published"] == "2026-11-05T03:00:00.200000+00:00"
    (coded,) = items(client, "/feeds/reward-model.json?when=code")
    assert coded["id"] == f"{ABS}2611.00002"
    assert coded["date_published"] == coded["date_modified"] == "2026-11-07T03:00:00.200000+00:00"
    assert coded["content_text"].startswith(f"Code: {CODE}, known since 2026-11-07.")


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("when", ["revised", "withdrawn", "code"])
def test_formats_hold_the_same_entries(
    client: FlaskClient, store: Store, suffix: str, when: str
) -> None:
    ingest_lives(store)
    expected = [item["id"] for item in items(client, f"/feeds/reward-model.json?when={when}")]
    body = client.get(f"/feeds/reward-model.{suffix}?when={when}").data
    if suffix != "json":
        parsed = feedparser.parse(body)
        assert not parsed.bozo
        assert [entry.id for entry in parsed.entries] == expected
        assert f", {'with code' if when == 'code' else when}" in parsed.feed.title


def test_events_page_by_cursor_and_by_day(client: FlaskClient, store: Store) -> None:
    ingest_lives(store)
    path = "/feeds/search.json?n=1&q=reward&when=revised"
    following = json.loads(client.get(path).data)["next_url"]
    assert following.endswith("?before=2611.00002v2&n=1&q=reward&when=revised")
    assert ids(client, following.removeprefix("https://wire.example")) == ["2611.00001v3"]
    assert ids(client, "/feeds/search.json?q=reward&until=2026-11-04&when=revised") == [
        "2611.00001v2"
    ]
    assert ids(client, "/feeds/search.json?q=reward&since=2026-11-06&when=code") == ["2611.00002"]
    assert ids(client, "/feeds/search.json?q=reward&since=2026-11-08&when=code") == []


def test_a_version_in_a_cursor_means_something_among_revisions_only(client: FlaskClient) -> None:
    response = client.get("/feeds/search.atom?before=2611.00002v2&q=reward")
    assert response.headers["Location"].endswith("/feeds/search.atom?before=2611.00002&q=reward")
    response = client.get("/feeds/search.atom?before=2611.00002v2&q=reward&when=revised")
    assert response.status_code == 400
    assert "2611.00002v2 is not in this list" in response.text


def test_pages_and_api_have_the_same_order(client: FlaskClient, store: Store) -> None:
    ingest_lives(store)
    page = client.get("/search?n=2&q=reward&when=revised")
    assert page.status_code == 200
    shown = [f'<a href="{ABS}2611.{version}">' for version in ("00002v2", "00001v3")]
    assert page.text.index(shown[0]) < page.text.index(shown[1])
    assert "before=2611.00001v3&amp;n=2&amp;q=reward&amp;when=revised" in page.text
    found = json.loads(client.get("/api/v1/papers?q=reward&when=revised").data)["papers"]
    assert [(paper["id"], paper["event"]["version"]) for paper in found] == [
        ("2611.00002", 2),
        ("2611.00001", 3),
        ("2611.00001", 2),
    ]
    assert found[1]["event"]["at"] == "2026-11-05T05:00:00+00:00"
    assert [version["version"] for version in found[1]["versions"]] == [2, 3]
    (coded,) = json.loads(client.get("/api/v1/papers?q=reward&when=code").data)["papers"]
    assert coded["code_since"] == coded["event"]["at"] == "2026-11-07T05:00:00+00:00"


def test_a_wrong_order_is_refused_with_the_right_ones(client: FlaskClient) -> None:
    response = client.get("/feeds/search.atom?q=reward&when=code+released")
    assert response.status_code == 400
    assert "is not one of announced, picked, revised, withdrawn, code" in response.text


def test_a_paper_has_a_feed_of_what_happened_to_it(client: FlaskClient, store: Store) -> None:
    ingest_lives(store)
    late = make_description(1, 3)
    store.ingest([late, with_code(1, FIRST_ANNOUNCED + 20 * DAY)], now=late.as_of)
    found = [
        (item["id"].removeprefix(f"{ABS}2611.00001"), item["date_published"][:10])
        for item in items(client, "/papers/2611.00001.json")
    ]
    assert found == [
        ("#journal", "2026-12-05"),
        ("#code", "2026-11-22"),
        ("v3", "2026-11-05"),
        ("v2", "2026-11-04"),
        ("#picked-hf", "2026-11-02"),
        ("v1", "2026-11-02"),
    ]
    for suffix in ("atom", "rss"):
        parsed = feedparser.parse(client.get(f"/papers/2611.00001.{suffix}").data)
        assert not parsed.bozo
        assert [entry.id.removeprefix(f"{ABS}2611.00001") for entry in parsed.entries] == [
            fragment for fragment, _ in found
        ]
    page = client.get("/papers/2611.00001")
    assert 'href="/papers/2611.00001.atom"' in page.text


def test_feeds_of_papers_have_canonical_addresses(client: FlaskClient, store: Store) -> None:
    ingest_lives(store)
    response = client.get("/papers/arXiv:2611.00001v2.atom")
    assert (response.status_code, response.headers["Location"]) == (301, "/papers/2611.00001.atom")
    assert client.get("/papers/2611.00044.atom").status_code == 404
    assert client.get("/papers/nonsense.atom").status_code == 400
    assert client.get("/papers/2611.00001.atom?n=1").status_code == 400
    assert client.get("/papers/2611.00001.csl.json").status_code == 200


def test_a_withdrawal_is_one_entry_in_the_feed_of_its_paper(
    client: FlaskClient, store: Store
) -> None:
    ingest_lives(store)
    assert ids(client, "/papers/2611.00002.json") == [
        "2611.00002#code",
        "2611.00002v2",
        "2611.00002v1",
    ]
