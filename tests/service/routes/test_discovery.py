from __future__ import annotations

from urllib.parse import unquote

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from lxml import etree

from service.pages.parts.reader_links import FEED_READERS, reader_links
from service.routes.discovery import OPENSEARCH_NAMESPACE
from tests.service.conftest import SITE

NAME = f"{{{OPENSEARCH_NAMESPACE}}}"


def test_opensearch_urls_lead_to_the_search(client: FlaskClient) -> None:
    response = client.get("/opensearch.xml")
    assert response.content_type == "application/opensearchdescription+xml; charset=utf-8"
    root = etree.fromstring(response.data)
    assert root.tag == f"{NAME}OpenSearchDescription"
    # Limits of the specification; browsers ignore a longer name.
    assert 0 < len(root.findtext(f"{NAME}ShortName") or "") <= 16
    assert 0 < len(root.findtext(f"{NAME}Description") or "") <= 1024
    urls = {url.get("type"): str(url.get("template")) for url in root.iter(f"{NAME}Url")}
    assert urls.pop("application/opensearchdescription+xml") == f"{SITE}/opensearch.xml"
    assert list(urls) == [
        "text/html",
        "application/atom+xml",
        "application/rss+xml",
        "application/feed+json",
    ]
    for type_, template in urls.items():
        found = client.get(template.removeprefix(SITE).replace("{searchTerms}", "reward%20model"))
        found = client.get(found.headers["Location"])
        assert (found.status_code, found.mimetype) == (200, type_)


@pytest.mark.parametrize(
    "path", ["/", "/k/reward-model", "/search", "/search?q=a", "/status", "/no"]
)
def test_every_page_links_to_search_and_feeds(client: FlaskClient, path: str) -> None:
    soup = BeautifulSoup(client.get(path).data, "html.parser")
    (found,) = soup.find_all("link", rel="search")
    assert found["href"] == "/opensearch.xml"
    assert soup.find("a", href="/opml")
    types = [link["type"] for link in soup.find_all("link", rel="alternate")]
    assert types[:3] == ["application/atom+xml", "application/rss+xml", "application/feed+json"]
    for link in soup.find_all("link", rel="alternate"):
        assert client.get(str(link["href"])).status_code == 200


def test_error_page_needs_no_store(away: Flask) -> None:
    response = away.test_client().get("/status")
    assert response.status_code == 503
    assert "alternate" not in response.text


def test_reader_links_contain_the_feed_url() -> None:
    url = f"{SITE}/feeds/search.atom?q=%22a+b%22&when=picked"
    links = reader_links(url)
    assert [name for name, _ in links] == [reader.name for reader in FEED_READERS]
    for _, link_url in links:
        assert link_url.endswith(url) or unquote(link_url).endswith(url)
        assert link_url.count("?") <= 1


def test_page_has_a_link_for_every_reader(client: FlaskClient) -> None:
    soup = BeautifulSoup(client.get("/k/reward-model").data, "html.parser")
    for name, link_url in reader_links(f"{SITE}/feeds/reward-model.atom"):
        assert [link.get_text() for link in soup.find_all("a", href=link_url)] == [name]
