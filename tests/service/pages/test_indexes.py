"""Indexes of listings: categories, authors, organisations, topics."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from service.pages.parts.index_rows import author_rows, organization_rows, title_phrases, topic_rows
from tests.service.conftest import Announce
from tests.service.made import make_paper, make_pick, make_sighting
from tests.service.pages.browsing import page


def test_phrases_of_a_title_have_no_function_words() -> None:
    assert list(title_phrases("Reward Model: On-Policy Training of Very Large Agents")) == [
        "Reward Model",
        "On-Policy Training",
        "Very Large",
        "Large Agents",
        "Very Large Agents",
    ]
    assert list(title_phrases("2 $x_1$ 3D")) == []


def test_topics_are_counted_once_a_title_and_written_as_most_are() -> None:
    titles = [
        "Reward Models",
        "reward models and Reward models",
        "Reward Models here",
        "A World",
    ]
    rows = topic_rows([make_paper(title=title) for title in titles], 10)
    assert [(row.name, row.label, row.papers) for row in rows] == [
        ("reward models", "Reward Models", 3)
    ]


def test_topic_within_a_longer_one_is_left_out_where_they_count_the_same() -> None:
    papers = [make_paper(title="Deep reward model")] * 2
    assert [row.name for row in topic_rows(papers, 10)] == ["deep reward model"]
    papers.append(make_paper(title="A reward model"))
    assert [row.name for row in topic_rows(papers, 10)] == ["reward model", "deep reward model"]


def test_authors_and_organizations_of_two_papers_are_rows() -> None:
    papers = [
        make_paper(authors=("Bo Li", "Ada Holm", "Bo Li"), organization="Lab"),
        make_paper(authors=("Bo Li",), organization="Lab"),
        make_paper(authors=("Ada Holm",)),
        make_paper(authors=("Bo Li",), organization="Other"),
    ]
    assert [(row.name, row.papers) for row in author_rows(papers, 9)] == [
        ("Bo Li", 3),
        ("Ada Holm", 2),
    ]
    assert [(row.name, row.papers) for row in organization_rows(papers, 9)] == [("Lab", 2)]
    assert len(author_rows(papers, 1)) == 1


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/categories", {"Computation and Language": "cs.CL 2", "Robotics": "cs.RO 0"}),
        ("/authors", {"Ada Lovelace": "2", "José Ørsted": "2"}),
        ("/organizations", {"Example Lab": "2"}),
        ("/topics", {"Reward model number": "2"}),
    ],
)
def test_rows_of_an_index_lead_to_listings(
    client: FlaskClient, announce: Announce, path: str, expected: dict[str, str]
) -> None:
    announce([make_sighting(n, organization="Example Lab") for n in (1, 2)])
    announce([make_pick(n) for n in (1, 2)])
    soup = page(client, path)
    links = {a.span.get_text(): a for a in soup.select(".tally a")}
    for label, count in expected.items():
        assert links[label].select(".num")[0].get_text() == count
        assert client.get(links[label]["href"]).status_code == 200
    for link in soup.select(".periods a"):
        assert client.get(str(link["href"])).status_code == 200


@pytest.mark.parametrize("path", ["/categories", "/authors", "/organizations", "/topics"])
def test_index_of_an_empty_store(client: FlaskClient, path: str) -> None:
    assert page(client, path).h1
