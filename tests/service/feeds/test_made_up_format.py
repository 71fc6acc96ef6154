"""A format that is added at run time works everywhere: it takes a module and a row."""

from __future__ import annotations

from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from redis import Redis

from papers.config.feed_formats import FEED_FORMATS, FeedMediaType
from papers.config.settings import Settings
from papers.state.keywords import Keywords
from service import create_app
from service.feeds import FORMATS, formats, load_format
from tests.contributing import example
from tests.service.conftest import SITE, Announce
from tests.service.made import NOW, make_sighting
from workers.notify.websub import topic_urls

MODULE = example("a format")
"""As CONTRIBUTING.md has it."""


@pytest.fixture
def client(
    monkeypatch: pytest.MonkeyPatch,
    redis: Redis,
    site: Settings,
    announce: Announce,
    tmp_path: Path,
) -> FlaskClient:
    """A client of an app with one more format. Two papers and a keyword are in the store."""
    (tmp_path / "titles.py").write_text(MODULE)
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(tmp_path)])
    media = FeedMediaType("Titles", "text/plain; charset=utf-8", "titles")
    monkeypatch.setitem(FEED_FORMATS, "txt", media)
    monkeypatch.setitem(FORMATS, "txt", load_format(media))
    Keywords(redis).add("Reward Model", '"reward model"', now=NOW)
    announce([make_sighting(1), make_sighting(2)])
    return create_app(site).test_client()


@pytest.mark.parametrize("path", ["/feeds/reward-model.txt", "/feeds/search.txt?k=reward-model"])
def test_made_up_format_is_served_under_its_suffix(client: FlaskClient, path: str) -> None:
    response = client.get(path, follow_redirects=True)
    assert (response.status_code, response.content_type) == (200, "text/plain; charset=utf-8")
    titles = response.text.splitlines()
    assert titles[0] == "Reward Model · Paperwire"
    assert titles[1:] == ["Reward model number 2", "Reward model number 1"]


def test_made_up_format_has_archives(client: FlaskClient) -> None:
    assert client.get("/feeds/reward-model/2026-11-02.txt").text.splitlines()[1:] == [
        "Reward model number 1"
    ]


@pytest.mark.parametrize("path", ["/", "/k/reward-model", "/status"])
def test_pages_link_to_the_made_up_format(client: FlaskClient, path: str) -> None:
    soup = BeautifulSoup(client.get(path).data, "html.parser")
    (link,) = soup.find_all("link", rel="alternate", type="text/plain")
    assert link["href"] == "/feeds/reward-model.txt"
    assert link["title"] == "Reward Model (Titles)"


def test_other_formats_and_opensearch_link_to_the_made_up_format(client: FlaskClient) -> None:
    atom = client.get("/feeds/reward-model.atom").text
    assert f'<link href="{SITE}/feeds/reward-model.txt" rel="alternate" type="text/plain"/>' in atom
    assert (
        f'template="{SITE}/feeds/search.txt?q={{searchTerms}}"'
        in client.get("/opensearch.xml").text
    )


@pytest.mark.usefixtures("client")
def test_hubs_are_notified_of_the_made_up_format() -> None:
    assert topic_urls(SITE, "a")[-1] == f"{SITE}/feeds/a.txt"


def test_every_media_type_has_a_renderer() -> None:
    assert {suffix: format.media for suffix, format in FORMATS.items()} == FEED_FORMATS
    assert list(FORMATS) == list(FEED_FORMATS)
