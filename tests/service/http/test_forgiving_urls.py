"""URLs as mail, chat and readers mangle them; the files that clients look for at the root."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from lxml import etree
from redis import Redis

from papers.config.settings import Settings
from papers.state.keywords import Keywords
from tests.service.conftest import SITE, serving
from tests.service.made import NOW

FORMS = [
    ("/feeds/reward-model.atom/", "/feeds/reward-model.atom"),
    ("/feeds/reward-model.ATOM", "/feeds/reward-model.atom"),
    ("/feeds/Reward-Model.Atom//", "/feeds/Reward-Model.atom"),
    ("/k/reward-model/", "/k/reward-model"),
    ("/search/?q=reward", "/search?q=reward"),
    ("/export/k/reward-model.CSL.JSON", "/export/k/reward-model.csl.json"),
    ("/feeds/", "/feeds"),
    ("/feeds/search.atom?q=reward&amp;n=5", "/feeds/search.atom?n=5&q=reward"),
    ("/feeds/search.atom?q=reward&fbclid=x&gclid=y&_=1", "/feeds/search.atom?q=reward"),
    ("/feeds/search.atom?q=reward&amp;utm_source=z", "/feeds/search.atom?q=reward"),
    ("/k/reward-model?UTM_medium=mail", "/k/reward-model"),
]


@pytest.mark.parametrize(("form", "canonical"), FORMS)
def test_mangled_url_redirects_to_what_was_meant(
    client: FlaskClient, form: str, canonical: str
) -> None:
    response = client.get(form)
    assert response.status_code == 301
    assert response.headers["Location"] == canonical
    assert client.get(canonical, follow_redirects=True).status_code == 200


@pytest.mark.parametrize("path", ["/nowhere/", "/feeds/x.exe", "/k/"])
def test_path_that_is_near_no_route_is_missing(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert "Location" not in response.headers


def test_parameter_that_is_no_tracker_is_an_error(client: FlaskClient) -> None:
    assert client.get("/feeds/search.atom?q=x&amp;m=5").status_code == 400
    assert client.get("/feeds/search.atom?q=x&__=5").status_code == 400


RAW_TARGETS = [
    b"/feeds/search.atom?q=reward",
    b'/feeds/search.atom?q="reward',
    b'/search?q="reward"',
    b"/search?q=<reward>",
]


def send(server: str, request: bytes) -> bytes:
    host, port = server.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(request)
        received = b""
        while part := connection.recv(65_536):
            received += part
    return received


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
@pytest.mark.parametrize("host", [b"127.0.0.1", b"LOCALHOST", b"localhost."])
def test_old_clients_and_hosts_in_any_case_are_served(
    server: str, version: bytes, host: bytes
) -> None:
    request = b"GET /feeds/reward-model.atom HTTP/%b\r\nHost: %b\r\nConnection: close\r\n\r\n"
    response = send(server, request % (version, host))
    assert response.split(b" ", 2)[1] == b"200"
    assert b"<feed" in response


@pytest.mark.parametrize("target", RAW_TARGETS)
def test_unencoded_signs_are_read_or_refused(server: str, target: bytes) -> None:
    request = b"GET %b HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n" % target
    status = int(send(server, request).split(b" ", 2)[1])
    assert status in (200, 301, 400)


def test_robots_are_kept_from_endless_searches(client: FlaskClient) -> None:
    response = client.get("/robots.txt")
    assert response.mimetype == "text/plain"
    assert "Disallow: /search\n" in response.text
    assert f"Sitemap: {SITE}/sitemap.xml" in response.text


def test_favicon_is_the_icon(client: FlaskClient) -> None:
    moved = client.get("/favicon.ico")
    assert moved.status_code == 301
    with client.get(moved.headers["Location"]) as icon:
        assert icon.mimetype == "image/svg+xml"


def test_sitemap_lists_every_keyword(client: FlaskClient, redis: Redis) -> None:
    for n in range(1_200):
        Keywords(redis).add(f"Keyword {n}", "x", now=NOW)
    response = client.get("/sitemap.xml")
    assert response.status_code == 200
    urls = [node.text or "" for node in etree.fromstring(response.data).iter("{*}loc")]
    assert len({url for url in urls if "/k/" in url}) == 1_201
    assert all(url.startswith(SITE) for url in urls)
    tag = response.headers["ETag"]
    assert client.get("/sitemap.xml", headers={"If-None-Match": tag}).status_code == 304


def test_instance_on_loopback_has_no_sitemap(redis: Redis, site: Settings) -> None:
    assert redis
    with serving(replace(site, public_url="")) as app:
        client = app.test_client()
        assert client.get("/sitemap.xml").status_code == 404
        assert "Sitemap" not in client.get("/robots.txt").text


def listed_links(client: FlaskClient, path: str) -> set[str]:
    table = BeautifulSoup(client.get(path).text, "html.parser").table
    assert table is not None
    return {str(link["href"]) for link in table.find_all("a")}


def test_list_of_feeds_is_found_and_paged(client: FlaskClient, redis: Redis) -> None:
    for n in range(150):
        Keywords(redis).add(f"Keyword {n}", "x", now=NOW)
    assert {"/k/keyword-0", "/feeds/keyword-0.atom"} <= listed_links(client, "/feeds")
    assert "/feeds/keyword-99.atom" not in listed_links(client, "/feeds")
    assert "/feeds/keyword-99.atom" in listed_links(client, "/feeds?page=2")
    found = listed_links(client, "/feeds?find=reward")
    assert "/feeds/reward-model.rss" in found
    assert "/feeds/keyword-0.atom" not in found
    assert client.get("/feeds?page=9").status_code == 400
