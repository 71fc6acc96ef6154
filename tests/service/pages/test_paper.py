from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from redis import Redis

from papers.model.paper import Sighting
from papers.state.keywords import Keywords
from service.pages.paper import MAX_VERSION_LINKS, version_links
from service.pages.parts.paper_metadata import MAX_AUTHORS
from tests.service.conftest import Announce
from tests.service.made import NOW, make_paper, make_pick, make_revision, make_sighting
from tests.service.pages.browsing import page


def test_page_shows_everything_known_of_the_paper(client: FlaskClient, announce: Announce) -> None:
    announce(
        [
            make_sighting(1, code="https://code.example/x", comment="12 pages", doi="10.1/x"),
            make_revision(1, 2, comment="13 pages", doi="10.1/x"),
            make_pick(1, submitter="akhaliq"),
        ]
    )
    soup = page(client, "/papers/2611.00001")
    text = " ".join(soup.get_text().split())
    assert soup.h1.get_text() == "Reward model number 1"
    assert "version 2 · announced Mon 2 Nov, revised" in text
    assert [sub.get_text() for sub in soup.select(".abstract sub")] == ["1"]
    links = {a.get_text(): a["href"] for a in soup.select(".links a")}
    assert links == {
        "PDF": "https://arxiv.org/pdf/2611.00001",
        "HTML": "https://arxiv.org/html/2611.00001",
        "Code": "https://code.example/x",
        "alphaXiv": "https://www.alphaxiv.org/abs/2611.00001",
        "arXiv": "https://arxiv.org/abs/2611.00001",
    }
    assert "13 pages" in text
    assert soup.find("a", href="https://doi.org/10.1/x")
    assert "Hugging Face Daily Papers Mon 2 Nov, by akhaliq 5 votes on" in text
    assert "2 comments" in text
    assert [a.get_text() for a in soup.select(".line-up a")] == ["Version 2", "Version 1"]
    assert [a.get_text() for a in soup.select(".tag")] == ["Reward Model"]
    assert "arXiv:2611.00001 [cs.CL], 2026." in soup.find("textarea").get_text()


def test_internal_links_work(client: FlaskClient, announce: Announce) -> None:
    announce([make_sighting(1, authors=('Ada "Enchantress" Lovelace',)), make_sighting(2)])
    soup = page(client, "/papers/2611.00001")
    internal = [str(a["href"]) for a in soup.select("main a") if a["href"].startswith("/")]
    assert len(internal) >= 4
    for href in internal:
        assert client.get(href, follow_redirects=True).status_code == 200, href


@pytest.mark.parametrize(
    ("path", "status", "location"),
    [
        ("/papers/2611.00001v3", 301, "/papers/2611.00001"),
        ("/papers/2611.00099", 404, None),
        ("/papers/nonsense", 400, None),
        ("/papers/hep-th/9901001", 404, None),
    ],
)
def test_page_by_any_form_of_the_id(
    client: FlaskClient, announce: Announce, path: str, status: int, location: str | None
) -> None:
    announce([make_sighting(1)])
    answer = client.get(path)
    assert (answer.status_code, answer.headers.get("Location")) == (status, location)


def test_keyword_saved_later_is_shown(
    client: FlaskClient, announce: Announce, redis: Redis
) -> None:
    announce([make_sighting(1)])
    assert "Numbers" not in page(client, "/papers/2611.00001").get_text()
    Keywords(redis).add("Numbers", "number", now=NOW)
    assert "Numbers" in page(client, "/papers/2611.00001").get_text()


def test_similar_papers_show_the_shared_words(client: FlaskClient, announce: Announce) -> None:
    announce(
        [
            make_sighting(1, title="Splatting zebra fish", abstract="x"),
            make_sighting(2, title="Zebra fish", abstract="y"),
            *(make_sighting(n, title=f"Other {n}", abstract="z") for n in range(3, 60)),
        ]
    )
    (similar,) = page(client, "/papers/2611.00001").select(".alike li")
    assert similar.a["href"] == "/papers/2611.00002"
    assert set(similar.span.get_text().split(", ")) == {"zebra", "fish"}


def test_paper_without_an_abstract(client: FlaskClient, announce: Announce) -> None:
    announce([make_pick(7)])
    soup = page(client, "/papers/2611.00007")
    assert soup.h1.get_text() == "2611.00007"
    assert "No source has an abstract yet." in soup.get_text()


def test_version_links_are_bounded() -> None:
    many = make_paper(version=90)
    assert [number for number, _ in version_links(many)] == list(
        range(90, 90 - MAX_VERSION_LINKS, -1)
    )
    assert version_links(make_paper(version=1)) == [(1, "https://arxiv.org/abs/2611.00001v1")]


def test_votes_are_plotted_by_day(client: FlaskClient, announce: Announce) -> None:
    def counted(day: int, votes: int) -> Sighting:
        return make_pick(1, votes=votes, counted_at=NOW + timedelta(days=day))

    announce([make_sighting(1), counted(0, 3)])
    assert page(client, "/papers/2611.00001").select(".growth") == []
    announce([counted(1, 12), counted(4, 60)])
    (plot,) = page(client, "/papers/2611.00001").select(".growth")
    titles = [title.get_text() for title in plot.select("title")]
    assert [title.rpartition(": ")[2] for title in titles] == ["3", "12", "12", "12", "60"]
    assert "Votes by day in Hugging Face" in plot.select("svg")[0]["aria-label"]
    caption = plot.figcaption.get_text()
    assert caption == "from 3 to 60 in 5 days"


HOSTILE = '</script><script>alert(1)</script> "quoted" <!-- & \u2028 {{ 7*7 }}'


def test_tools_read_the_paper_from_its_page(client: FlaskClient, announce: Announce) -> None:
    fields: dict[str, Any] = {
        "title": 'On $x$ and Schr\\"odinger',
        "authors": ("Ada Lovelace", "Ludwig van Beethoven", "The ATLAS Collaboration"),
        "doi": "10.1/x",
        "license": "http://creativecommons.org/licenses/by/4.0/",
    }
    announce([make_sighting(1, **fields), make_revision(1, 2, **fields)])
    soup = page(client, "/papers/2611.00001")
    named = [(str(tag["name"]), str(tag["content"])) for tag in soup.select("meta[name]")]
    assert [pair for pair in named if pair[0].startswith("citation_")] == [
        ("citation_title", "On $x$ and Schrödinger"),
        *(("citation_author", name) for name in ("Lovelace, Ada", "van Beethoven, Ludwig")),
        ("citation_author", "The ATLAS Collaboration"),
        ("citation_publication_date", "2026/11/02"),
        ("citation_online_date", "2026/11/04"),
        ("citation_arxiv_id", "2611.00001"),
        ("citation_doi", "10.1/x"),
        ("citation_publisher", "arXiv"),
        ("citation_abstract_html_url", "https://arxiv.org/abs/2611.00001"),
        ("citation_pdf_url", "https://arxiv.org/pdf/2611.00001"),
        *(("citation_keywords", name) for name in ("cs.CL", "cs.AI")),
    ]
    preview = {str(tag["property"]): str(tag["content"]) for tag in soup.select("meta[property]")}
    assert preview["og:title"] == "On x and Schrödinger"
    assert preview["og:url"] == "https://wire.example/papers/2611.00001"
    image = preview["og:image"].removeprefix("https://wire.example")
    assert client.get(image, buffered=True).mimetype == "image/png"
    assert preview["og:description"] == dict(named)["description"] != ""
    (block,) = soup.select('script[type="application/ld+json"]')
    article = json.loads(block.get_text())
    assert (article["@context"], article["@type"]) == ("https://schema.org", "ScholarlyArticle")
    assert [author["name"] for author in article["author"]] == [
        *("Ada Lovelace", "Ludwig van Beethoven", "The ATLAS Collaboration")
    ]
    assert {each["propertyID"]: each["value"] for each in article["identifier"]} == {
        "arXiv": "2611.00001",
        "DOI": "10.1/x",
    }
    assert article["datePublished"] < article["dateModified"]
    assert article["license"] == "http://creativecommons.org/licenses/by/4.0/"
    assert soup.select_one("link[rel=canonical]")["href"] == "https://arxiv.org/abs/2611.00001"


def test_hostile_texts_stay_texts_in_metadata(client: FlaskClient, announce: Announce) -> None:
    announce([make_sighting(1, title=HOSTILE, abstract=HOSTILE * 30, authors=(HOSTILE,))])
    soup = page(client, "/papers/2611.00001")
    others = [tag for tag in soup.select("script") if tag.get("type") != "application/ld+json"]
    assert others
    assert "".join(tag.get_text() for tag in others) == ""
    (block,) = soup.select('script[type="application/ld+json"]')
    title = json.loads(block.get_text())["name"]
    assert title.startswith('</script><script>alert(1)</script> "quoted" <!-- & ')
    assert soup.select_one('meta[name="citation_title"]')["content"] == title
    description = soup.select_one('meta[name="description"]')["content"]
    assert len(description) <= 300
    assert description.endswith("…")


def test_metadata_names_a_bounded_number_of_authors(
    client: FlaskClient, announce: Announce
) -> None:
    announce([make_sighting(1, authors=tuple(f"Ada {n} Lovelace" for n in range(900)))])
    soup = page(client, "/papers/2611.00001")
    assert len(soup.select('meta[name="citation_author"]')) == MAX_AUTHORS
    article = json.loads(soup.select_one('script[type="application/ld+json"]').get_text())
    assert len(article["author"]) == MAX_AUTHORS


def test_paper_without_a_title_has_no_citation(client: FlaskClient, announce: Announce) -> None:
    announce([make_pick(7)])
    soup = page(client, "/papers/2611.00007")
    assert soup.select('meta[name^="citation_"], meta[name="description"]') == []
    assert soup.select_one('meta[property="og:title"]')["content"] == "2611.00007"
