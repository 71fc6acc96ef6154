"""Pages of a feed: followed while papers arrive, forwards and back."""

from __future__ import annotations

import json
from typing import Any

import feedparser
import pytest
from flask.testing import FlaskClient

from papers.model.arxiv_id import ArxivId
from papers.model.paper import Sighting
from service.feeds import FORMATS
from tests.service.conftest import SITE, Announce
from tests.service.made import DAY, FIRST_ANNOUNCED, make_pick, make_sighting

FEED = "/feeds/reward-model.atom"
JSON = "/feeds/reward-model.json"


def page(client: FlaskClient, path: str) -> dict[str, Any]:
    response = client.get(path)
    assert response.status_code == 200, response.text
    document: dict[str, Any] = json.loads(response.data)
    page_links = document.get("_paperwire", {}).get("links", {})
    assert document.get("next_url") == page_links.get("next")
    return document


def numbers(document: dict[str, Any]) -> list[str]:
    return [item["id"].removeprefix("https://arxiv.org/abs/") for item in document["items"]]


def links(document: dict[str, Any]) -> dict[str, str]:
    page_links = document.get("_paperwire", {}).get("links", {})
    return {rel: url.removeprefix(SITE) for rel, url in page_links.items()}


def generate_paper(month: int, number: int) -> Sighting:
    at = FIRST_ANNOUNCED.replace(month=month) + number // 200 * DAY
    return make_sighting(number, id=ArxivId(202600 + month, number), announced_at=at, as_of=at)


def test_paging_shows_each_of_ten_thousand_papers_once_while_others_arrive(
    client: FlaskClient, announce: Announce
) -> None:
    known = [generate_paper(month, number) for month in (9, 10) for number in range(1, 5_001)]
    announce(known)
    seen: list[str] = []
    path, arrived = f"{JSON}?n=200", 0
    while path:
        document = page(client, path)
        seen += numbers(document)
        arrived += 1
        announce([generate_paper(11, arrived)])
        path = links(document).get("next", "")
    assert arrived == 50
    assert seen == sorted((str(paper.id) for paper in known), reverse=True)


@pytest.mark.parametrize("order", ["", "&when=picked"])
def test_paging_back_gives_the_same_pages(
    client: FlaskClient, announce: Announce, order: str
) -> None:
    announce([make_sighting(number) for number in range(1, 9)])
    announce([make_pick(number) for number in range(1, 9)])
    forwards, path = [], f"{JSON}?n=3{order}"
    while path:
        document = page(client, path)
        forwards.append(numbers(document))
        assert links(document)["first"] == f"{JSON}?n=3{order}"
        assert document["feed_url"] == SITE + path
        last, path = path, links(document).get("next", "")
    announce([make_sighting(9), make_sighting(10), make_pick(9), make_pick(10)])
    backwards, path = [], last
    while path:
        document = page(client, path)
        backwards.append(numbers(document))
        path = links(document).get("previous", "")
    *pages, first = backwards
    assert pages == forwards[::-1]
    assert first == ["2611.00010", "2611.00009", "2611.00008"]


def test_single_page_has_no_page_links(client: FlaskClient, announce: Announce) -> None:
    announce([make_sighting(1)])
    assert links(page(client, JSON)) == {}
    assert "next_url" not in page(client, JSON)


@pytest.mark.usefixtures("three")
def test_pages_have_the_id_of_the_feed_and_a_self_link(client: FlaskClient) -> None:
    parsed = feedparser.parse(client.get(f"{FEED}?before=2611.00003&n=1").data).feed
    found = {link.rel: link.href for link in parsed.links}
    assert parsed.id == f"{SITE}{FEED}?n=1"
    assert found["self"] == f"{SITE}{FEED}?before=2611.00003&n=1"
    assert found["next"] == f"{SITE}{FEED}?before=2611.00002&n=1"
    assert found["first"] == found["previous"] == f"{SITE}{FEED}?n=1"


@pytest.mark.usefixtures("three")
def test_formats_have_the_same_page_links(client: FlaskClient) -> None:
    links_by_format = {}
    for suffix in FORMATS:
        body = client.get(f"/feeds/reward-model.{suffix}?before=2611.00003&n=1").data
        if suffix == "json":
            found = links(json.loads(body))
        else:
            all_links = feedparser.parse(body).feed.links
            found = {link.rel: link.href.removeprefix(SITE) for link in all_links}
        relations = ("first", "previous", "next")
        links_by_format[suffix] = [found[rel].replace(suffix, "SUFFIX", 1) for rel in relations]
    assert links_by_format["atom"] == links_by_format["rss"] == links_by_format["json"]
