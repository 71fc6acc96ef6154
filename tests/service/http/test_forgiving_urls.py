"""URLs as mail, chat and readers mangle them; the files that clients look for at the root."""

from __future__ import annotations

import re
import socket
from dataclasses import replace

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from lxml import etree
from redis import Redis

from papers.config.settings import Settings
from papers.model.arxiv_id import ArxivId
from papers.state.keywords import Keywords
from tests.service.conftest import SITE, Announce, serving
from tests.service.made import NOW, make_sighting

FORMS = [
    ("/feeds/reward-model.atom/", "/feeds/reward-model.atom"),
    ("/feeds/reward-model.ATOM", "/feeds/reward-model.atom"),
    ("/feeds/Reward-Model.Atom//", "/feeds/Reward-Model.atom"),
    ("/k/reward-model/", "/k/reward-model"),
    ("/search/?q=reward", "/search?q=reward"),
    ("/export/k/reward-model.CSL.JSON", "/export/k/reward-model.csl.json"),
    ("/feeds/", "/feeds"),
    ("/feeds/reward-model.atom).", "/feeds/reward-model.atom"),
    ("/feeds/reward-model.ATOM%E2%80%9D", "/feeds/reward-model.atom"),
    ("/papers/2611.00001/", "/papers/2611.00001"),
    ("/papers/2611.00001.ATOM", "/papers/2611.00001.atom"),
    ("/papers/2611.00001.Csl.Json,", "/papers/2611.00001.csl.json"),
    ("/papers/hep-th/9901001/?utm_source=z", "/papers/hep-th/9901001?utm_source=z"),
    ("/feeds/search.atom?q=reward&amp;n=5", "/feeds/search.atom?n=5&q=reward"),
    ("/feeds/search.atom?q=reward&fbclid=x&gclid=y&_=1", "/feeds/search.atom?q=reward"),
    ("/feeds/search.atom?q=reward&ref=x&mtm_source=y&_hsenc=1", "/feeds/search.atom?q=reward"),
    ("/feeds/search.atom?q=reward&amp;utm_source=z", "/feeds/search.atom?q=reward"),
    ("/k/reward-model?UTM_medium=mail", "/k/reward-model"),
]


@pytest.mark.parametrize(("form", "canonical"), FORMS)
def test_mangled_url_redirects_to_what_was_meant(
    client: FlaskClient, announce: Announce, form: str, canonical: str
) -> None:
    announce([make_sighting(1), make_sighting(2, id=ArxivId.parse("hep-th/9901001"))])
    response = client.get(form)
    assert response.status_code == 301
    assert response.headers["Location"] == canonical
    assert client.get(canonical, follow_redirects=True).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere/",
        "/feeds/x.exe",
        "/k/",
        "/feeds//reward-model.atom",
        "/" + "." * 3_000 + "/" * 3_000 + "1",
    ],
)
def test_path_that_is_near_no_route_is_missing(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert "Location" not in response.headers


@pytest.mark.parametrize("path", ["/papers/nothing/", "/papers/nothing.ATOM"])
def test_text_that_is_no_id_stays_an_error(client: FlaskClient, path: str) -> None:
    response = client.get(path, follow_redirects=True)
    assert response.status_code == 400
    assert "nothing" in response.text


def test_parameter_that_is_no_tracker_is_an_error(client: FlaskClient) -> None:
    assert client.get("/feeds/search.atom?q=x&amp;m=5").status_code == 400
    assert client.get("/feeds/search.atom?q=x&__=5").status_code == 400


RAW_TARGETS = [
    (b"/feeds/reward-model.ATOM/", 200, b"/feeds/reward-model.atom"),
    (b"/feeds/REWARD-MODEL.Rss?utm_source=x", 200, b"/feeds/reward-model.rss"),
    (b"/feeds/search.atom?q=reward&amp;n=5&fbclid=1", 200, b"/feeds/search.atom?n=5&q=reward"),
    (b"/feeds/search.atom?q=%22reward%22", 200, b"/feeds/search.atom?q=%22reward%22"),
    (b"/feeds/search.atom?q='reward'", 200, b"/feeds/search.atom?q=%27reward%27"),
    (
        "/feeds/search.atom?q=强化".encode(),
        200,
        b"/feeds/search.atom?q=%E5%BC%BA%E5%8C%96",
    ),
    (b"/feeds/search.atom?q={a}|b^c`", 200, b"/feeds/search.atom?q=%7Ba%7D%7Cb%5Ec%60"),
    (b"http://127.0.0.1/feeds/reward-model.atom", 200, b"/feeds/reward-model.atom"),
    (b"//feeds/reward-model.atom", 200, b"//feeds/reward-model.atom"),
    (b"/feeds/", 200, b"/feeds"),
    (b"/daily/", 200, b"/daily"),
    (b"/robots.txt", 200, b"/robots.txt"),
    (b"/favicon.ico", 200, b"/static/icon.svg"),
    (b'/feeds/search.atom?q="reward"', 400, b""),
    (b"/search?q=<reward>", 400, b""),
    (b"/search?q=reward model", 400, b""),
]
"""Request target as it is sent → status after redirects, and what is redirected to at the end.

The web server refuses `"`, `<`, `>` and blanks itself, before Paperwire sees the request.
"""


def send(server: str, request: bytes) -> bytes:
    host, port = server.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(request)
        received = b""
        while part := connection.recv(65_536):
            received += part
    return received


def follow(server: str, target: bytes) -> tuple[int, bytes]:
    """Return the status at the end of the redirects, and the target there."""
    for _ in range(4):
        request = b"GET %b HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n" % target
        head = send(server, request).partition(b"\r\n\r\n")[0]
        moved = re.search(rb"(?im)^location: ([^\r]*)", head)
        if not moved:
            return int(head.split(b" ", 2)[1]), target.removeprefix(b"http://127.0.0.1")
        target = moved[1]
    raise AssertionError(f"{target!r} redirects without end")


def test_targets_are_forgiven_over_a_socket(server: str) -> None:
    for target, status, end in RAW_TARGETS:
        found, at = follow(server, target)
        print(f"{target.decode()} | {found} | {at.decode() if found == 200 else ''}")
        assert found == status, target
        assert status != 200 or at.startswith(end), target


HOSTS = [b"127.0.0.1", b"LOCALHOST", b"localhost.", b"LocalHost:80"]


def test_old_clients_and_hosts_in_any_case_are_served(server: str) -> None:
    request = b"GET /feeds/reward-model.atom HTTP/%b\r\n%bConnection: close\r\n\r\n"
    for version in (b"1.0", b"1.1"):
        for host in HOSTS:
            response = send(server, request % (version, b"Host: %b\r\n" % host))
            assert response.split(b" ", 2)[1] == b"200", (version, host)
            assert b"<feed" in response
    without = [send(server, request % (version, b"")) for version in (b"1.0", b"1.1")]
    assert [response.split(b" ", 2)[1] for response in without] == [b"200", b"400"]
    other = send(server, request % (b"1.0", b"Host: evil.example\r\n"))
    assert other.split(b" ", 2)[1] == b"400"


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
