"""Feeds of several saved keywords at once: `k=NAME&k=NAME`."""

from __future__ import annotations

import json
from typing import Any

import feedparser
import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from redis import Redis

from papers.state.keywords import Keywords
from service.feeds import FORMATS
from tests.service.conftest import SITE, Announce
from tests.service.made import NOW, make_sighting

UNION = "/feeds/search.atom?k=diffusion&k=reward-model"
BOTH, REWARD, DIFFUSION = "2611.00003", "2611.00002", "2611.00001"


@pytest.fixture(autouse=True)
def two_keywords(client: FlaskClient, redis: Redis, announce: Announce) -> None:
    """Two keywords: paper 3 matches both, paper 4 neither."""
    assert client
    Keywords(redis).add("Diffusion", "diffusion", now=NOW)
    announce(
        [
            make_sighting(1, title="Diffusion", abstract="Images."),
            make_sighting(2),
            make_sighting(3, abstract="A diffusion of rewards."),
            make_sighting(4, title="Something else", abstract="Nothing of that kind."),
        ]
    )


def document(client: FlaskClient, path: str) -> Any:
    response = client.get(path)
    assert response.status_code == 200, response.text
    return json.loads(response.data)


def test_union_has_each_paper_once_in_every_format(client: FlaskClient) -> None:
    for suffix in FORMATS:
        body = client.get(UNION.replace("atom", suffix)).data
        ids = (
            [item["id"] for item in json.loads(body)["items"]]
            if suffix == "json"
            else [entry.id for entry in feedparser.parse(body).entries]
        )
        assert [id.rpartition("/")[2] for id in ids] == [BOTH, REWARD, DIFFUSION]


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("/feeds/search.atom?k=Reward+Model&k=diffusion", UNION),
        ("/feeds/search.atom?k=diffusion&k=diffusion&k=reward-model&n=100", UNION),
        ("/feeds/search.rss?k=Diffusion", "/feeds/diffusion.rss"),
        ("/feeds/search.rss?k=diffusion&k=diffusion&n=3", "/feeds/diffusion.rss?n=3"),
        ("/search?k=reward-model&k=diffusion", "/search?k=diffusion&k=reward-model"),
        ("/search?k=diffusion", "/k/diffusion"),
    ],
)
def test_unions_have_one_canonical_url(client: FlaskClient, path: str, canonical: str) -> None:
    response = client.get(path)
    assert (response.status_code, response.headers["Location"]) == (301, canonical)
    assert client.get(canonical).status_code == 200


def test_feed_of_a_union_is_named_after_its_keywords(client: FlaskClient) -> None:
    parsed = feedparser.parse(client.get(UNION).data).feed
    assert parsed.id == SITE + UNION
    assert parsed.title == "Diffusion, Reward Model · Paperwire"
    assert parsed.link == f"{SITE}/search?k=diffusion&k=reward-model"
    assert "any of Diffusion, Reward Model" in parsed.subtitle


def test_json_has_the_matched_keywords_of_each_paper(client: FlaskClient) -> None:
    feed = document(client, UNION.replace("atom", "json"))
    labels = {item["id"]: item["_paperwire"]["keywords"] for item in feed["items"]}
    api = document(client, "/api/v1/papers?k=diffusion&k=reward-model")
    assert {paper["url"]: paper["keywords"] for paper in api["papers"]} == labels
    assert {id.rpartition("/")[2]: slugs for id, slugs in labels.items()} == {
        BOTH: ["diffusion", "reward-model"],
        REWARD: ["reward-model"],
        DIFFUSION: ["diffusion"],
    }
    alone = document(client, "/feeds/diffusion.json")
    assert all("_paperwire" not in item for item in alone["items"])


def test_page_has_the_matched_keywords_of_each_paper(client: FlaskClient) -> None:
    page = client.get("/search?k=diffusion&k=reward-model").data
    articles = BeautifulSoup(page, "html.parser").find_all("article")
    labels_shown = [[a.get_text() for a in article.select("a.tag")] for article in articles]
    assert labels_shown == [["Diffusion", "Reward Model"], ["Reward Model"], ["Diffusion"]]


def test_entries_equal_those_of_the_keywords_own_feeds(client: FlaskClient) -> None:
    """Nothing that readers compare depends on the feed in which they see an entry."""
    union = {entry.id: entry for entry in feedparser.parse(client.get(UNION).data).entries}
    for slug in ("diffusion", "reward-model"):
        for entry in feedparser.parse(client.get(f"/feeds/{slug}.atom").data).entries:
            assert entry == union[entry.id]


def test_pages_of_a_union(client: FlaskClient) -> None:
    seen, path = [], f"{UNION}&n=1"
    while path:
        parsed = feedparser.parse(client.get(path).data)
        seen += [entry.id.rpartition("/")[2] for entry in parsed.entries]
        following = [link.href for link in parsed.feed.links if link.rel == "next"]
        path = following[0].removeprefix(SITE) if following else ""
    assert seen == [BOTH, REWARD, DIFFUSION]


def test_changed_or_removed_keyword_changes_the_union(client: FlaskClient, redis: Redis) -> None:
    Keywords(redis).seed({}, now=NOW)
    before = client.get(UNION)
    Keywords(redis).add("Diffusion", "else", now=NOW)
    assert client.get(UNION).headers["ETag"] != before.headers["ETag"]
    Keywords(redis).remove("Diffusion", now=NOW)
    response = client.get(UNION)
    assert (response.status_code, "'diffusion'" in response.text) == (404, True)


def test_long_title_is_cut(client: FlaskClient, redis: Redis) -> None:
    names = ["Diffusion", *(f"Topic {letter}" for letter in "ABCDE")]
    for name in names:
        Keywords(redis).add(name, name.lower(), now=NOW)
    path = "&".join(f"k={name.lower().replace(' ', '-')}" for name in names)
    title = feedparser.parse(client.get(f"/feeds/search.atom?{path}").data).feed.title
    assert title == "Diffusion, Topic A, Topic B, Topic C, 2 more · Paperwire"
