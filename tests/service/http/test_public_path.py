"""An instance under a path: `public_url = https://lab.example/paperwire`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import feedparser
import pytest
from flask.testing import FlaskClient
from redis import Redis

from papers.config.settings import Settings
from papers.errors import BadSettings
from papers.state.keywords import Keywords
from papers.store import Store
from service import create_app
from tests.service.conftest import serving
from tests.service.made import NOW, make_sighting

HOST = "https://lab.example"
SITE = f"{HOST}/paperwire"
PAGES = ("/", "/k/reward", "/search?q=reward", "/feeds", "/manage", "/status", "/digest")


@pytest.fixture
def client(redis: Redis, site: Settings) -> Iterator[FlaskClient]:
    Keywords(redis).add("Reward", "reward", now=NOW)
    Store(redis).ingest([make_sighting(n, title=f"A reward {n}") for n in range(1, 120)], now=NOW)
    with serving(replace(site, public_url=SITE)) as app:
        yield app.test_client()


@pytest.mark.parametrize("prefix", ["/paperwire", ""], ids=["kept", "stripped"])
@pytest.mark.parametrize("path", PAGES)
def test_every_link_of_a_page_leads_under_the_path(
    client: FlaskClient, path: str, prefix: str
) -> None:
    page = client.get(prefix + path, base_url=HOST)
    assert page.status_code == 200
    links = re.findall(r'(?:href|src|action|data-preview|data-poll)="([^"]+)"', page.text)
    own = [link for link in links if link.startswith("/") or link.startswith(HOST)]
    assert len(own) > 10
    for link in own:
        assert urlsplit(link).path.startswith("/paperwire"), link
        assert "/paperwire/paperwire" not in link


@pytest.mark.parametrize("prefix", ["/paperwire", ""], ids=["kept", "stripped"])
def test_feeds_and_redirects_are_under_the_path(client: FlaskClient, prefix: str) -> None:
    feed = client.get(f"{prefix}/feeds/reward.atom", base_url=HOST)
    parsed = feedparser.parse(feed.data).feed
    assert parsed.id == f"{SITE}/feeds/reward.atom"
    assert {urlsplit(link.href).path for link in parsed.links} >= {"/paperwire/k/reward"}
    assert all(link.href.startswith(SITE) for link in parsed.links)
    moved = client.get(f"{prefix}/feeds/Reward.atom?n=100", base_url=HOST)
    assert moved.headers["Location"] == "/paperwire/feeds/reward.atom"
    assert f'xmlUrl="{SITE}/feeds/reward.atom"' in client.get(f"{prefix}/opml", base_url=HOST).text
    api = client.get(f"{prefix}/api/v1/papers?q=reward", base_url=HOST).json
    assert api is not None
    assert api["next"].startswith(f"{SITE}/api/v1/")


def test_both_forms_share_one_cached_response(client: FlaskClient) -> None:
    kept = client.get("/paperwire/feeds/reward.atom", base_url=HOST)
    stripped = client.get("/feeds/reward.atom", base_url=HOST)
    assert kept.data == stripped.data
    assert kept.headers["ETag"] == stripped.headers["ETag"]


def test_other_path_that_begins_alike_is_not_stripped(client: FlaskClient) -> None:
    for path in ("/paperwired/feeds/reward.atom", "/paperwirefeeds/reward.atom"):
        assert client.get(path, base_url=HOST).status_code == 404
    assert client.get("/paperwire", base_url=HOST).status_code == 200


@pytest.mark.parametrize("header", ["X-Forwarded-Prefix", "X-Script-Name"])
def test_no_header_sets_the_path(client: FlaskClient, header: str) -> None:
    page = client.get("/k/reward", base_url=HOST, headers={header: "/evil"})
    assert "/evil" not in page.text


@pytest.mark.parametrize("path", ["/feeds", "/k/x", "/api", "/static"])
def test_path_of_a_route_is_refused(site: Settings, path: str) -> None:
    with pytest.raises(BadSettings, match="choose another"):
        create_app(replace(site, public_url=HOST + path))
