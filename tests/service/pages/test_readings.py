"""How a keyword was read: on its page, in the preview, in the JSON API and in its feeds."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient

from tests.service.conftest import Announce
from tests.service.made import make_sighting
from tests.service.pages.browsing import page

PASTED = ["2611.00002", "arXiv:2611.00002v3", "https://arxiv.org/abs/2611.00002"]


def notes(soup: Any) -> list[tuple[str, str]]:
    """Return the text and the link of each note."""
    return [
        (" ".join(note.get_text().split()), note.a["href"] if note.a else "")
        for note in soup.select(".note")
    ]


def document(client: FlaskClient, path: str, **query: str) -> Any:
    """Return a JSON document, wherever its request is redirected."""
    return client.get(path, query_string=query, follow_redirects=True).json


@pytest.mark.usefixtures("three")
def test_small_or_is_noted_where_its_redirect_leads(client: FlaskClient) -> None:
    moved = client.get("/search?q=reward+or+zebra")
    assert moved.headers["Location"] == "/search?q=reward+OR+zebra"
    soup = page(client, moved.headers["Location"])
    ((text, link),) = notes(soup)
    assert "operator OR" in text
    assert text.endswith('reward "or" zebra (0 papers in a year).')
    assert link == "/search?q=reward+%22or%22+zebra"
    assert soup.h1.get_text() == "reward OR zebra"


@pytest.mark.usefixtures("three")
def test_other_reading_has_its_count(client: FlaskClient) -> None:
    ((text, link),) = notes(page(client, "/search?q=reward+Or+zebra+number"))
    assert "as a word" in text
    assert "(3 papers in a year)" in text
    assert page(client, link).select(".papers article")


@pytest.mark.usefixtures("three")
def test_page_shows_what_was_typed_and_what_was_read(client: FlaskClient) -> None:
    soup = page(client, "/search?q=Rewards+Model")
    assert soup.h1.get_text() == "Rewards Model"
    assert soup.title.get_text() == "Rewards Model · Paperwire"
    assert soup.find("input", {"type": "search"})["value"] == "Rewards Model"
    assert soup.select(".read code")[0].get_text() == "model reward"
    assert not page(client, "/search?q=model+reward").select(".read")
    assert not page(client, "/k/reward-model").select(".read, .note")


@pytest.mark.usefixtures("three")
def test_filters_of_a_title_keep_its_or_a_word(client: FlaskClient, announce: Announce) -> None:
    title = "A reward or a number: what language models want and get"
    announce([make_sighting(n, title=title, categories=("cs.CL",)) for n in (4, 5)])
    announce([make_sighting(n, title=title, categories=("cs.LG",)) for n in (6, 7)])
    soup = page(client, f"/search?q={title.replace(' ', '+')}")
    links = [link["href"] for link in soup.select(".facet a")]
    assert links
    assert all(len(page(client, link).select(".papers article")) >= 1 for link in links)


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("form", PASTED)
def test_pasted_paper_is_found_everywhere(client: FlaskClient, form: str) -> None:
    query = {"q": form}
    response = client.get("/search", query_string=query, follow_redirects=True)
    assert response.text.count("<article") == 1
    preview = client.get("/search/preview", query_string=query)
    assert "/papers/2611.00002" in preview.text
    feed = document(client, "/feeds/search.json", **query)
    assert [item["id"] for item in feed["items"]] == ["https://arxiv.org/abs/2611.00002"]
    found = document(client, "/api/v1/papers", **query)
    assert (found["query"], found["read_as"]) == (form, "id:2611.00002")


@pytest.mark.usefixtures("three")
def test_preview_has_notes(client: FlaskClient) -> None:
    answer = client.get("/search/preview?q=au:geoffrey+hinton")
    ((text, link),) = notes(BeautifulSoup(answer.text, "html.parser"))
    assert text.startswith("Read as author geoffrey and the word hinton")
    assert link == "/search?q=au:%22geoffrey+hinton%22"


def test_papers_of_the_bare_initial_are_offered_with_their_number(
    client: FlaskClient, announce: Announce
) -> None:
    names = ["Geoffrey Hinton", "Geoffrey E. Hinton", "G. Hinton", "G. E. Hinton", "Ada Holm"]
    announce([make_sighting(n, authors=(name,)) for n, name in enumerate(names, 1)])
    soup = page(client, "/search?q=au:%22geoffrey+hinton%22")
    assert len(soup.select(".papers article")) == 2
    ((text, link),) = notes(soup)
    assert "(+2 papers in a year)" in text
    assert link == "/search?q=au:%22g.+hinton%22"
    assert len(page(client, link).select(".papers article")) == 4
    assert notes(page(client, "/search?q=au:%22ada+holm%22")) == []
    ((text, link),) = notes(page(client, "/search?q=au:geoffrey+hinton"))
    assert "(2 papers in a year)" in text


@pytest.mark.usefixtures("three")
def test_api_has_notes(client: FlaskClient) -> None:
    found = document(client, "/api/v1/papers", q="Rewards or x")
    assert (found["query"], found["read_as"]) == ("Rewards OR x", "reward OR x")
    (note,) = found["notes"]
    assert (note["kind"], note["alternative_query"]) == ("operator", 'Rewards "or" x')
    assert document(client, "/api/v1/papers", q="reward")["notes"] == []


@pytest.mark.usefixtures("three")
def test_spellings_share_their_entries_and_differ_in_title(client: FlaskClient) -> None:
    one = document(client, "/feeds/search.json", q="Rewards")
    other = document(client, "/feeds/search.json", q="reward")
    assert one["items"] == other["items"]
    assert (one["title"], other["title"]) == ("Rewards · Paperwire", "reward · Paperwire")


def test_notes_are_escaped(client: FlaskClient) -> None:
    body = client.get("/search/preview", query_string={"q": "au:<b> <i>x</i>"}).text
    assert "<b>" not in body
    assert "<i>" not in body
