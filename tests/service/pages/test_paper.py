from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from redis import Redis

from papers.model.paper import Sighting
from papers.state.keywords import Keywords
from service.pages.paper import MAX_VERSION_LINKS, version_links
from tests.service.conftest import Announce
from tests.service.made import NOW, make_paper, make_pick, make_revision, make_sighting
from tests.service.pages.test_pages import page


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
