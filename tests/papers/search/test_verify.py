"""Texts looked through together tell what each of them tells."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from papers.model.arxiv_id import ArxivId
from papers.model.packing import LazyPaper, pack
from papers.model.paper import Paper
from papers.query.ast import Field, Node, Text
from papers.query.match import FoldedPaper, matches_node
from papers.query.parser import Query, parse_query
from papers.search.verify import _TextBatch, verify
from tests.papers.papers_strategies import PAPERS, texts
from tests.papers.query_strategies import queries

PIECES = st.lists(
    texts
    | st.sampled_from(["reward", "Rewards", "model", "mice", "mouse", "\\v", "$", "\\", "{", "é"])
    | st.sampled_from([" ", "-", "(", ".", "/", '"', "'s", "\n", ", ", " \0 ", ": "])
).map("".join)
PHRASES = st.sampled_from(
    [("reward", "model"), ("model",), ("reward", "model", "reward"), ("mouse", "reward")]
)
FIELDS = st.sampled_from([Field.ANY, Field.TITLE, Field.ABSTRACT])
NAMES = st.lists(
    st.sampled_from(["Wei", "Wang", "WEI", "O", "Brien", "Wangs", "W", "ei", "Müller", "\\'e"])
    | st.sampled_from([" ", "-", "'", "'s", ". ", ", ", "(", "~", "\u2019", " \0 ", "_"])
).map("".join)
NAMED = st.sampled_from([("wei", "wang"), ("wang",), ("o", "brien"), ("wei", "wei"), ("muller",)])


def opened(papers: list[Paper]) -> dict[int, LazyPaper]:
    numbered = [paper._replace(id=ArxivId(202103, n)) for n, paper in enumerate(papers, 1)]
    return {paper.id.doc_id: LazyPaper(paper.id.doc_id, pack(paper)) for paper in numbered}


def truly(tree: Node, papers: dict[int, LazyPaper]) -> set[int]:
    return {place for place, one in papers.items() if matches_node(tree, FoldedPaper(one.paper))}


@given(queries(), st.lists(PAPERS, max_size=4))
def test_papers_that_stand_are_those_that_match(query: Query, papers: list[Paper]) -> None:
    some = opened([paper for paper in papers if paper.title])
    assert set(verify(query.tree, some)) == truly(query.tree, some)


@given(st.lists(st.tuples(PIECES, PIECES), max_size=3), PHRASES, FIELDS)
@example([("", "mice \0 reward")], ("mouse", "reward"), Field.ANY)
@example([("", "mice$ \0 reward")], ("mouse", "reward"), Field.ANY)
def test_what_is_sure_is_true(
    written: list[tuple[str, str]], phrase: tuple[str, ...], field: Field
) -> None:
    nobody = Paper(ArxivId(202103, 1))
    some = opened([nobody._replace(title=f"T {title}", abstract=text) for title, text in written])
    tree = Text(field, phrase)
    sure, maybe = _TextBatch(some).evaluate(tree)
    assert set(sure) <= truly(tree, some) <= set(maybe)
    assert set(verify(tree, some)) == truly(tree, some)


@given(st.lists(st.lists(NAMES, max_size=4), max_size=3), NAMED)
@example([["Wei \0 Wang"]], ("wei", "wang"))
def test_what_is_sure_of_names_is_true(written: list[list[str]], name: tuple[str, ...]) -> None:
    nobody = Paper(ArxivId(202103, 1), title="T")
    some = opened([nobody._replace(authors=tuple(names)) for names in written])
    tree = Text(Field.AUTHOR, name)
    sure, maybe = _TextBatch(some).evaluate(tree)
    assert set(sure) <= truly(tree, some) <= set(maybe)
    assert set(verify(tree, some)) == truly(tree, some)


def test_plain_names_leave_nothing_unclear() -> None:
    names = [("Wei Wang",), ("Al Wei", "Wang Li"), ("Jo Wei-Wang", "X"), ("wei wangs",)]
    some = opened([Paper(ArxivId(202103, 1), title="T", authors=of) for of in names])
    sure, maybe = _TextBatch(some).evaluate(parse_query('au:"wei wang"').tree)
    assert sure == maybe
    assert [place & 0xFFFF for place in sure] == [1, 3]


@pytest.mark.parametrize("count", [0, 1, 15, 16, 300, 70_000])
def test_names_of_an_opened_paper(count: int) -> None:
    names = tuple(f"{'É' * (n % 40)} {n}" for n in range(count))
    (paper,) = opened([Paper(ArxivId(202103, 1), title="T", authors=names)]).values()
    assert tuple(paper.authors) == names


@pytest.mark.parametrize(
    ("phrase", "text", "sure"),
    [
        ("reward model", r"For $\alpha$ (reward models), say", True),
        ("reward model", "Reward Model", True),
        ("reward model", "of a deep-reward (model)-based", True),
        ("reward model", r"For \v reward models", False),
        ("reward model", "of rewards' models", False),
        ("mouse model", "of mice models", True),
        ("alpha", r"For $\alpha$", False),
    ],
)
def test_what_is_sure_without_folding(phrase: str, text: str, sure: bool) -> None:
    some = opened([Paper(ArxivId(202103, 1), title="T", abstract=text)])
    tree = parse_query(f'"{phrase}"').tree
    assert bool(_TextBatch(some).evaluate(tree).exact) is sure


@pytest.mark.parametrize(
    ("text", "unclear"),
    [
        ("reward modelling", False),
        ("a preward model", False),
        ("reward [model]", True),
        ("a reward", False),
        ("$R$ rewards", True),
        ("reward's model", True),
    ],
)
def test_plain_texts_leave_nothing_unclear(text: str, unclear: bool) -> None:
    some = opened([Paper(ArxivId(202103, 1), title="T", abstract=text)])
    sure, maybe = _TextBatch(some).evaluate(parse_query('"reward model"').tree)
    assert not sure
    assert bool(maybe) is unclear


def test_one_that_nobody_described_is_no_answer() -> None:
    some = opened([Paper(ArxivId(202103, 1))])
    assert not verify(parse_query("2103.00001").tree, some)
