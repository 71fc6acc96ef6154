"""An operator added at run time: a parser and a row in each table of node types, and it works."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import feedparser
import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient

from papers.index.terms import text_terms
from papers.query.ast import Field, Text
from papers.query.fields import LABEL_PARSERS
from papers.query.match import NODE_MATCHERS, FoldedPaper, NodeMatcher, matches
from papers.query.parser import parse_query
from papers.query.tokens import Token, refuse
from papers.search.evaluate import NODE_EVALUATIONS, Candidates, Evaluator, NodeEvaluation
from papers.search.node_plans import NODE_PLANS, NodePlan, anchor_terms
from papers.search.percolate import Percolator
from papers.search.plan import QueryPlan
from papers.text.folding import tokenize_keyword
from tests.service.conftest import Announce
from tests.service.made import make_paper, make_sighting
from workers.sources.arxiv.search_query import arxiv_query

MAX_DISTANCE = 5
ABSTRACTS = {
    1: "Reward is what a bandit hacks.",
    2: "A reward, and very much later in this abstract a hack.",
    3: "Hack the reward.",
    4: "Nothing of this kind.",
}


@dataclass(frozen=True, slots=True)
class Near:
    """Words that stand close to one another in the title or the abstract."""

    words: tuple[str, ...]

    def __str__(self) -> str:
        return f'near:"{" ".join(self.words)}"'

    @property
    def texts(self) -> list[Text]:
        return [Text(Field.ANY, (word,), is_literal=True) for word in self.words]

    @property
    def terms(self) -> list[bytes]:
        return [term for text in self.texts for term in text_terms(text)]


def parse_near(token: Token, text: str) -> Any:
    words = tuple(tokenize_keyword(token.written))
    if len(words) < 2:
        refuse(text, "near: needs two words", token.start, 'write near:"reward hacking"')
    return Near(words)


def near_matches(node: Near, paper: FoldedPaper) -> bool:
    return any(_stand_close(node.words, text.split()) for text in (paper.title, paper.abstract))


def _stand_close(words: tuple[str, ...], text: list[str]) -> bool:
    positions = [[at for at, word in enumerate(text) if word == wanted] for wanted in words]
    return any(max(at) - min(at) <= MAX_DISTANCE for at in product(*positions))


def evaluate_near(evaluator: Evaluator, node: Near) -> Candidates:
    found = evaluator.intersection(node.terms)
    return Candidates(found - found, found)


@pytest.fixture(autouse=True)
def near(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Add the operator: its parser, and three rows."""
    monkeypatch.setitem(LABEL_PARSERS, "near", parse_near)
    matcher = NodeMatcher(near_matches, marks=lambda node: node.texts)
    monkeypatch.setitem(NODE_MATCHERS, Near, matcher)  # type: ignore[misc]
    evaluation = NodeEvaluation(evaluate_near, lambda node: False, lambda node: 0)
    monkeypatch.setitem(NODE_EVALUATIONS, Near, evaluation)
    plan = NodePlan(
        lambda node: 0.01,
        lambda node, expansions: node.terms,
        dictionary_terms=lambda node: node.terms,
        anchors=lambda node: [frozenset([term]) for term in node.terms],
    )
    monkeypatch.setitem(NODE_PLANS, Near, plan)
    parse_query.cache_clear()
    yield
    parse_query.cache_clear()


@pytest.fixture
def four(announce: Announce) -> None:
    announce(make_sighting(number, abstract=text) for number, text in ABSTRACTS.items())


def found(client: FlaskClient, keyword: str) -> list[int]:
    feed = feedparser.parse(client.get("/feeds/search.atom", query_string={"q": keyword}).data)
    return [int(entry.id[-5:]) for entry in feed.entries]


@pytest.mark.parametrize(
    ("keyword", "papers"),
    [
        ('near:"reward hack"', [3, 1]),
        ('near:"reward hack" bandit', [1]),
        ('near:"reward hack" -bandit', [3]),
        ('near:"reward hack" OR kind', [4, 3, 1]),
        ('hack -near:"reward hack"', [2]),
        ('near:("reward hack" OR "nothing kind")', [4, 3, 1]),
        ('near:"reward absent"', []),
    ],
)
@pytest.mark.usefixtures("four")
def test_made_up_operator_finds_what_it_matches(
    client: FlaskClient, keyword: str, papers: list[int]
) -> None:
    assert found(client, keyword) == papers
    query = parse_query(keyword)
    scanned = [n for n, text in ABSTRACTS.items() if matches(query, make_paper(n, abstract=text))]
    assert sorted(papers) == scanned


@pytest.mark.usefixtures("four")
def test_matches_of_a_made_up_operator_are_highlighted(client: FlaskClient) -> None:
    page = client.get("/search", query_string={"q": 'near:"reward hack"'}).text
    marked = {mark.get_text().lower() for mark in BeautifulSoup(page, "html.parser").select("mark")}
    assert {"reward", "hacks", "hack"} <= marked


def test_made_up_operator_is_printed_and_refused_like_others(client: FlaskClient) -> None:
    query = parse_query('near:"rewards hacks" cat:cs.CL')
    assert parse_query(query.canonical) == query
    refused = client.get("/feeds/search.atom", query_string={"q": "near:reward"})
    assert (refused.status_code, "near: needs two words" in refused.text) == (400, True)
    assert "near" in client.get("/feeds/search.atom", query_string={"q": "nera:reward"}).text


def test_saved_keyword_with_a_made_up_operator_learns_of_new_papers() -> None:
    tree = parse_query('near:"reward hack"').tree
    batch = [make_paper(n, abstract=text) for n, text in ABSTRACTS.items()]
    ((key, papers),) = Percolator([("hacks", tree)]).percolate(batch)
    assert (key, [paper.id.number for paper in papers]) == ("hacks", [1, 3])
    assert anchor_terms(tree) == [frozenset([b"wreward"]), frozenset([b"whack"])]
    assert QueryPlan.of(tree).dictionary_terms == (b"wreward", b"whack")


def test_what_arxivs_api_does_not_know_is_left_out_of_its_query() -> None:
    assert arxiv_query(parse_query('near:"reward hack"').tree) is None
    assert arxiv_query(parse_query('near:"reward hack" cat:cs.CL').tree) == "cat:cs.CL"
