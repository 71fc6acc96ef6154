"""The page of a keyword: highlights, counts, facets and filters; the preview while typing."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient

from papers.model.paper import Paper
from papers.query.parser import parse_query
from service.feeds.entry import Entry
from service.pages.parts.highlight import EXCERPT_CHARACTERS, highlight_entry
from tests.service.conftest import Announce
from tests.service.made import make_paper, make_pick, make_sighting
from tests.service.pages.browsing import page

LONG = "The first sentences do not match. " * 20


def marks(html: str) -> list[str]:
    return [mark.get_text() for mark in BeautifulSoup(html, "html.parser").find_all("mark")]


@pytest.mark.parametrize(
    ("query", "title", "abstract"),
    [
        ("reward", ["Reward"], []),
        ('"reward model"', ["Reward model"], []),
        ("rewards number", ["Reward", "number"], []),
        ("reason*", [], ["reason"]),
        ("reward -survey", ["Reward"], []),
        ("abs:reason ti:model", ["model"], ["reason"]),
        ("cat:cs.CL", [], []),
    ],
)
def test_matching_words_are_marked(query: str, title: list[str], abstract: list[str]) -> None:
    highlighted = highlight_entry(Entry(make_paper()), parse_query(query))
    assert (marks(highlighted.title), marks(highlighted.excerpt)) == (title, abstract)


def test_formulas_are_not_marked() -> None:
    highlighted = highlight_entry(
        Entry(make_paper(title=r"Alpha $\frac{x}{\alpha}$ alpha")), parse_query("alpha")
    )
    assert marks(highlighted.title) == ["Alpha", "alpha"]
    assert highlighted.title.count("<math") == 1


def test_highlighted_text_is_escaped() -> None:
    highlighted = highlight_entry(
        Entry(make_paper(title="<b>reward</b> & <i>x</i>")), parse_query("reward")
    )
    assert highlighted.title == "&lt;b&gt;<mark>reward</mark>&lt;/b&gt; &amp; &lt;i&gt;x&lt;/i&gt;"


def test_marks_say_by_which_rule_they_match() -> None:
    paper = make_paper(title='A Multi-Modal "GPT4"', abstract="fine", authors=("Ann B. Lee",))
    highlighted = highlight_entry(Entry(paper), parse_query('multimodal "gpt 4" fine au:"ann lee"'))
    assert 'title="multimodal: hyphenated words read as one">Multi-Modal<' in highlighted.title
    assert "<mark>GPT4</mark>" in highlighted.title
    assert highlighted.excerpt == "<mark>fine</mark>"
    ((_, author),) = highlighted.authors
    assert 'title="au:&quot;ann lee&quot;: an initial of the name">Ann B.' in author
    assert highlighted.explanations == (
        ("Ann B. Lee", 'au:"ann lee": an initial of the name'),
        ("Multi-Modal", "multimodal: hyphenated words read as one"),
    )


def test_excerpt_shows_the_matching_sentence() -> None:
    far = make_paper(title="Else", abstract=f"{LONG}We find zebras here. The end.")
    assert highlight_entry(Entry(far), parse_query("zebra")).excerpt.startswith(
        '… We find <mark title="zebra: singular or plural">zebras</mark>'
    )
    titled = make_paper(title="Zebras", abstract=f"{LONG}We find zebras here.")
    assert highlight_entry(Entry(titled), parse_query("zebra")).excerpt.startswith(
        "The first sentences"
    )


def test_excerpt_of_a_long_sentence_begins_at_a_word() -> None:
    far = make_paper(title="Else", abstract=f"{'word ' * 200}zebra")
    excerpt = highlight_entry(Entry(far), parse_query("zebra")).excerpt
    assert excerpt.startswith("… word ")
    assert len(excerpt) < EXCERPT_CHARACTERS


def paper_with_authors(count: int) -> Paper:
    return make_paper(authors=tuple(f"Author Number{n}" for n in range(count)))


@pytest.mark.parametrize(
    ("count", "shown", "hidden"), [(1, 1, 0), (4, 4, 0), (5, 3, 2), (40, 3, 37)]
)
def test_first_authors_are_shown(count: int, shown: int, hidden: int) -> None:
    highlighted = highlight_entry(Entry(paper_with_authors(count)), None)
    assert (len(highlighted.authors), highlighted.hidden_author_count) == (shown, hidden)


def test_matching_author_is_always_shown() -> None:
    highlighted = highlight_entry(
        Entry(paper_with_authors(40)), parse_query('au:"author number39"')
    )
    assert [marks(markup) for _, markup in highlighted.authors] == [[], [], [], ["Author Number39"]]
    assert highlighted.hidden_author_count == 36


def test_match_in_a_field_that_lists_do_not_show() -> None:
    highlighted = highlight_entry(
        Entry(make_paper(comment="To appear at CVPR 2027")), parse_query("comment:cvpr")
    )
    ((label, text),) = highlighted.other_matches
    assert (label, marks(text)) == ("comments", ["CVPR"])


@pytest.mark.usefixtures("three")
def test_page_shows_counts(client: FlaskClient) -> None:
    soup = page(client, "/search?q=reward")
    said = soup.select(".head .query")[0].get_text()
    assert said.startswith("3 papers in the week to Wed 4 Nov")
    assert "≈" not in page(client, "/k/reward-model").select(".head .query")[0].get_text()
    inexact = page(client, "/search?q=ti:%22reward+model%22")
    assert "≈ 3" in inexact.select(".head .query")[0].get_text(), "postings cover both texts"


def facets(soup: Any) -> dict[str, list[tuple[str, ...]]]:
    return {
        facet.h2.get_text(): [
            tuple(span.get_text() for span in li.select("span")) for li in facet.select("li")
        ]
        for facet in soup.select(".facet")
    }


def test_facets_narrow_the_search(client: FlaskClient, announce: Announce) -> None:
    everywhere = {"categories": ("cs.CL",), "authors": ("Ada Lovelace",)}
    announce(
        [
            make_sighting(1, categories=("cs.CL", "cs.AI"), authors=("Ada Lovelace", "Bo Li")),
            make_sighting(2, categories=("cs.CL", "cs.AI"), authors=("Ada Lovelace", "Bo Li")),
            make_sighting(3, **everywhere),
        ]
    )
    soup = page(client, "/k/reward-model")
    assert facets(soup) == {
        "Categories": [("Artificial Intelligence", "2")],
        "Authors with two or more": [("Bo Li", "2")],
    }
    for link in soup.select(".facet a"):
        assert len(page(client, str(link["href"])).select("article")) == 2


@pytest.mark.usefixtures("three")
def test_filters_show_the_current_values(client: FlaskClient) -> None:
    soup = page(client, "/search?min_votes=5&q=reward&since=2026-11-01&types=new")
    form = soup.select("form.filters")[0]
    selected = {
        s["name"]: o["value"] for s in form.select("select") for o in s.select("[selected]")
    }
    assert selected == {"when": "", "types": "new", "source": "", "min_votes": "5"}
    assert {i["name"]: i["value"] for i in form.select("input")} == {
        "q": "reward",
        "since": "2026-11-01",
        "until": "",
    }
    empty = client.get("/k/reward-model?when=&types=&source=&min_votes=&since=&until=")
    assert empty.headers["Location"] == "/k/reward-model"


def test_page_has_fewer_papers_than_a_feed_and_links_to_the_others(
    client: FlaskClient, announce: Announce
) -> None:
    announce([make_sighting(n) for n in range(1, 41)])
    first = page(client, "/k/reward-model")
    assert len(first.select("article")) == 25
    older = page(client, str(first.find("a", rel="next")["href"]))
    assert len(older.select("article")) == 15
    assert "in the week" not in older.get_text()
    assert len(page(client, "/k/reward-model?n=30").select("article")) == 30


@pytest.mark.usefixtures("three")
def test_preview_shows_the_newest_papers(client: FlaskClient) -> None:
    answer = client.get("/search/preview?q=reward+number")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "public, max-age=60")
    soup = BeautifulSoup(answer.data, "html.parser")
    assert [a.get_text() for a in soup.select(".title")] == [
        f"Reward model number {n}" for n in (3, 2, 1)
    ]
    assert marks(answer.text)[:2] == ["Reward", "number"]
    (more,) = soup.select(".more a")
    assert client.get(str(more["href"])).status_code == 200
    assert (
        "No paper has a word that begins with “zebra”" in client.get("/search/preview?q=zebra").text
    )


@pytest.mark.parametrize("text", ["(reward", "-reward", "foo:bar", "", "x" * 501])
def test_preview_of_an_invalid_query_has_a_hint(client: FlaskClient, text: str) -> None:
    answer = client.get("/search/preview", query_string={"q": text})
    assert (answer.status_code, answer.headers["Cache-Control"]) == (400, "no-store")
    assert BeautifulSoup(answer.data, "html.parser").select(".fault strong")


def test_preview_is_escaped(client: FlaskClient) -> None:
    for text in ('"<script>', "<script>", "<b>:x"):
        body = client.get("/search/preview", query_string={"q": text}).text
        assert "<script" not in body
        assert "<b>" not in body


def test_picked_papers_are_counted(client: FlaskClient, announce: Announce) -> None:
    announce([make_sighting(1), make_sighting(2), make_pick(1)])
    soup = page(client, "/k/reward-model?when=picked")
    assert soup.select(".head .query")[0].get_text().startswith("1 paper in the week to")
