"""Suggestions and what is shown while a keyword is typed: pages, preview, JSON API."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from redis import Redis

from papers.suggestions.abbreviation_store import AbbreviationStore
from papers.suggestions.abbreviations import Alternative, term_key
from papers.suggestions.sample_words import WordCounter
from papers.suggestions.term_dictionary import TermDictionary
from tests.service.conftest import Announce
from tests.service.made import make_sighting
from tests.service.pages.browsing import page

TITLES = ("RL for robots", "Reinforcement learning", "Safe reinforcement learning")


@pytest.fixture
def learning(redis: Redis, announce: Announce) -> None:
    """Three papers, one of which abbreviates what the others write out."""
    announce([make_sighting(n, title=title) for n, title in enumerate(TITLES, 1)])
    AbbreviationStore(redis).replace({term_key("RL"): (Alternative("reinforcement learning", 9),)})


def preview(client: FlaskClient, typed: str) -> Any:
    response = client.get("/search/preview", query_string={"q": typed})
    assert response.status_code == 200
    return BeautifulSoup(response.text, "lxml")


def suggested(client: FlaskClient) -> Any:
    """Return the suggestions of the JSON API."""
    document: Any = client.get("/api/v1/papers?q=rl").json
    return document["suggestions"]


def shown(soup: Any) -> list[str]:
    """Return the texts of suggestions."""
    return [" ".join(each.get_text().split()) for each in soup.select(".suggestion")]


@pytest.mark.usefixtures("learning")
def test_one_click_adds_what_is_suggested(client: FlaskClient) -> None:
    soup = page(client, "/search?q=rl")
    assert shown(soup) == ["Also written reinforcement learning: +2 papers in a year, add."]
    after = page(client, soup.select(".suggestion a")[0]["href"])
    assert len(after.select(".papers article")) == 3
    assert not after.select(".suggestion")


@pytest.mark.usefixtures("learning")
def test_suggestions_keep_the_filters_of_the_search(client: FlaskClient) -> None:
    (link,) = page(client, "/search?q=rl&types=new").select(".suggestion a")
    assert "types=new" in link["href"]
    assert not page(client, "/search?min_votes=3&q=rl").select(".suggestion")


@pytest.mark.usefixtures("learning")
def test_preview_and_json_have_the_same_suggestions(client: FlaskClient) -> None:
    assert shown(preview(client, "rl")) == shown(page(client, "/search?q=rl"))
    assert suggested(client) == [
        {
            "kind": "abbreviation",
            "text": "reinforcement learning",
            "query": 'rl OR "reinforcement learning"',
            "effect": "adds",
            "added_papers": 2,
            "papers": 3,
            "period": "year",
        }
    ]


@pytest.mark.usefixtures("learning")
def test_json_counts_follow_papers_that_only_the_suggestion_finds(
    client: FlaskClient, announce: Announce
) -> None:
    client.get("/api/v1/papers?q=rl")
    announce([make_sighting(4, title="More reinforcement learning")])
    (found,) = suggested(client)
    assert found["added_papers"] == 3


@pytest.mark.usefixtures("learning")
@pytest.mark.parametrize("typed", ["rein", "reinforc", "reinforcement lea", "reinforcement l"])
def test_half_a_word_shows_what_it_may_become(client: FlaskClient, typed: str) -> None:
    soup = preview(client, typed)
    assert len(soup.select(".headlines li")) == 2
    assert soup.select(".figures")


@pytest.mark.usefixtures("learning")
@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("re", "Keep typing."),
        ("zeb", "No paper has a word that begins with “zeb”."),
        ("zebra ", "No paper has “zebra”."),
        ("robots safe ", "No paper has “robot” and “safe” together."),
        ("au:lov", "Keep typing."),
    ],
)
def test_empty_preview_says_what_is_missing(client: FlaskClient, typed: str, words: str) -> None:
    soup = preview(client, typed)
    assert soup.select(".none")[0].get_text() == words
    assert bool(soup.select(".figures")) is typed.endswith(" ")


@pytest.mark.usefixtures("learning")
def test_empty_page_says_what_is_missing(client: FlaskClient) -> None:
    text = page(client, "/search?q=robots+zebra").select(".nothing")[0].get_text()
    assert "No paper held here matches" in text
    assert "No paper has “zebra”." in text


def test_page_preview_and_json_show_what_is_only_a_phrase(
    client: FlaskClient, announce: Announce
) -> None:
    scattered = ["The cell has a membrane"] * 3
    titles = [*["Cell membranes"] * 3, *scattered]
    announce([make_sighting(n, title=title) for n, title in enumerate(titles, 1)])
    soup = page(client, "/search?q=cell+membrane")
    assert shown(soup) == ['Only as a phrase "cell membrane": 3 papers, show.']
    assert shown(preview(client, "cell membrane")) == shown(soup)
    after = page(client, soup.select(".suggestion a")[0]["href"])
    assert len(after.select(".papers article")) == 3
    document: Any = client.get("/api/v1/papers?q=cell+membrane").json
    assert document["suggestions"] == [
        {
            "kind": "phrase",
            "text": '"cell membrane"',
            "query": '"cell membrane"',
            "effect": "narrows",
            "added_papers": 0,
            "papers": 3,
            "period": "all",
        }
    ]


@pytest.mark.usefixtures("learning")
@pytest.mark.parametrize("typed", ['"reinforcement learning', "ti: reinforcement"])
def test_forgiven_forms_have_an_address_of_their_own_and_a_note(
    client: FlaskClient, typed: str
) -> None:
    soup = page(client, "/search?" + urlencode({"q": typed}, safe=":"))
    assert len(soup.select(".papers article")) == 2
    assert soup.select(".note")
    feed = client.get("/feeds/search.atom", query_string={"q": typed}, follow_redirects=True)
    assert feed.status_code == 200
    assert feed.text.count("<entry>") == 2
    assert len(preview(client, typed).select(".headlines li")) == 2


@pytest.mark.usefixtures("learning")
def test_correction_is_shown_and_replaces_nothing(client: FlaskClient, redis: Redis) -> None:
    counter = WordCounter()
    for _ in range(5):
        counter.add(["Reinforcement learning"])
    TermDictionary(redis).replace(counter.fields())
    soup = page(client, "/search?q=reinforcment")
    assert not soup.select(".papers article")
    assert shown(soup) == ["Did you mean reinforcement: 2 papers in a year, show."]
