"""Verification of many texts together equals matching each paper."""

from __future__ import annotations

from unittest import mock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper
from papers.query.ast import Author, Field, Node, Or, Text
from papers.query.match import FoldedPaper, matches_node
from papers.query.parser import Query, parse_query
from papers.records.packing import LazyPaper, pack
from papers.search.verify import _TextBatch, verify
from papers.text.phrases import PhraseSpan, literal_places, phrase_pattern
from tests.papers.papers_strategies import PAPERS, texts
from tests.papers.query_strategies import queries

PIECES = st.lists(
    texts
    | st.sampled_from(["reward", "Rewards", "model", "mice", "mouse", "\\v", "$", "\\", "{", "é"])
    | st.sampled_from([" ", "-", "(", ".", "/", '"', "'s", "\n", ", ", " \0 ", ": "])
    | st.sampled_from(["https://", "www.", ".com/", ".NET", "re", "ward", "mo", "dels"])
    | st.sampled_from(["_", "}", "^", "&", "+", "#", "*", "'", "\\textbf{", "c", "C", "'such"])
).map("".join)
PHRASES = st.sampled_from(
    [
        ("reward", "model"),
        ("model",),
        ("reward", "model", "reward"),
        ("mouse", "reward"),
        ("reward", "dotnet"),
        ("cplusplus", "reward"),
        ("re", "model"),
        ("c", "such", "model"),
        ("candc", "reward"),
        ("cstar", "reward"),
        ("gps", "model"),
        ("gp", "model"),
    ]
)
FIELDS = st.sampled_from([Field.ANY, Field.TITLE, Field.ABSTRACT])
NAMES = st.lists(
    st.sampled_from(["Wei", "Wang", "WEI", "O", "Brien", "Wangs", "W", "ei", "Müller", "\\'e"])
    | st.sampled_from([" ", "-", "'", "'s", ". ", ", ", "(", "~", "\u2019", " \0 ", "_"])
).map("".join)
NAMED = st.sampled_from(
    [
        ("wei", "wang"),
        ("wang",),
        ("o", "brien"),
        ("wei", "wei", "w"),
        ("w", "o", "wang"),
        ("muller",),
    ]
)


def packed_papers(papers: list[Paper]) -> dict[int, LazyPaper]:
    numbered = [paper._replace(id=ArxivId(202103, n)) for n, paper in enumerate(papers, 1)]
    return {paper.id.doc_id: LazyPaper(paper.id.doc_id, pack(paper)) for paper in numbered}


def scan(tree: Node, papers: dict[int, LazyPaper]) -> set[int]:
    return {
        doc_id for doc_id, packed in papers.items() if matches_node(tree, FoldedPaper(packed.paper))
    }


@given(queries(), st.lists(PAPERS, max_size=4))
def test_verify_matches_what_a_scan_matches(query: Query, papers: list[Paper]) -> None:
    papers_by_id = packed_papers([paper for paper in papers if paper.title])
    assert set(verify(query.tree, papers_by_id)) == scan(query.tree, papers_by_id)


@given(st.lists(st.tuples(PIECES, PIECES), max_size=3), PHRASES, FIELDS)
@example([("", "mice \0 reward")], ("mouse", "reward"), Field.ANY)
@example([("", "mice$ \0 reward")], ("mouse", "reward"), Field.ANY)
@example([("", "a \1 \\v reward model"), ("", "\\v mice")], ("reward", "model"), Field.ANY)
@example([("", "on reward .net")], ("reward", "dotnet"), Field.ANY)
@example([("", "on reward .Net")], ("reward", "dotnet"), Field.ANY)
@example([("a reward model", "one")], ("reward", "model"), Field.ABSTRACT)
@example([("one", "a reward model")], ("reward", "model"), Field.TITLE)
@example([("", "REWARD NETS IN CAPITALS")], ("reward", "net"), Field.ANY)
@example([("", r"For \v model, x"), ("", "a$.$io/model's now")], ("model",), Field.ANY)
@example([("", "the C$+$+ reward")], ("cplusplus", "reward"), Field.ANY)
@example([("", "the GPS's model")], ("gps", "model"), Field.ANY)
@example([("", "the GPs's model")], ("gp", "model"), Field.ANY)
@example([("", "C&C reward"), ("", "C\\&C reward")], ("candc", "reward"), Field.ANY)
@example([("", "re http://a.io/x model"), ("", "re a.b.io models")], ("re", "model"), Field.ANY)
@example([("", r"re \textbf{model}"), ("", "re \u2013 model")], ("re", "model"), Field.ANY)
@example([("", "c's such' model"), ("", "c 'such model")], ("c", "such", "model"), Field.ANY)
@example([("", r"re\v{w}ard model"), ("", r"rew{\aa}rd model")], ("reward", "model"), Field.ANY)
@example([("", r"re-\textbf{ward} model"), ("", r"re\'s s")], ("reward", "model"), Field.ANY)
@example([("", r"the $C^\ast$ reward"), ("", "the C* reward")], ("cstar", "reward"), Field.ANY)
@example([("", "re-re-ward mo-del")], ("reward", "model"), Field.ANY)
@example([("", "(Reward models), reward models now")], ("reward", "model"), Field.ANY)
@example([("", r"\v reward model x"), ("", "reward modelS x")], ("reward", "model"), Field.ANY)
def test_exact_texts_match_and_possible_ones_include_all_matches(
    written: list[tuple[str, str]], phrase: tuple[str, ...], field: Field
) -> None:
    blank = Paper(ArxivId(202103, 1))
    papers_by_id = packed_papers(
        [blank._replace(title=f"T {title}", abstract=text) for title, text in written]
    )
    tree = Text(field, phrase)
    exact, possible = _TextBatch(papers_by_id).evaluate(tree)
    assert set(exact) <= scan(tree, papers_by_id) <= set(possible)
    assert set(verify(tree, papers_by_id)) == scan(tree, papers_by_id)


def test_text_that_holds_a_separator_is_matched_by_itself() -> None:
    blank = Paper(ArxivId(202103, 1), title="T")
    written = ["A mouse reward.", "Mice \0 reward", "A reward \0 mouse"]
    papers_by_id = packed_papers([blank._replace(abstract=text) for text in written])
    tree = Text(Field.ANY, ("mouse", "reward"), is_literal=True)
    assert len(verify(tree, papers_by_id)) == 2
    assert set(verify(tree, papers_by_id)) == scan(tree, papers_by_id)


@given(st.lists(PIECES, max_size=9), st.lists(PHRASES, min_size=2, max_size=4))
@example(["a reward model", "a mouse reward"], [("reward", "model"), ("mouse", "reward")])
def test_alternatives_are_verified_as_a_scan_matches_them(
    written: list[str], phrases: list[tuple[str, ...]]
) -> None:
    blank = Paper(ArxivId(202103, 1), title="T")
    papers_by_id = packed_papers([blank._replace(abstract=text) for text in written])
    tree = Or(tuple(Text(Field.ANY, phrase) for phrase in phrases))
    assert set(verify(tree, papers_by_id)) == scan(tree, papers_by_id)


def test_many_texts_are_verified_in_batches() -> None:
    blank = Paper(ArxivId(202103, 1), title="T")
    written = ["A reward model.", "No reward.", "A re-ward model."] * 3
    papers_by_id = packed_papers([blank._replace(abstract=text) for text in written])
    tree = Text(Field.ANY, ("reward", "model"), is_literal=True)
    with mock.patch("papers.search.verify._MAX_BATCH", 2):
        assert set(verify(tree, papers_by_id)) == scan(tree, papers_by_id)


@pytest.mark.parametrize("others", [0, 3, 40])
@pytest.mark.parametrize("text", ["no reward", r"a reward mo\v{d}el", "a re-ward model"])
def test_phrase_that_most_papers_have_in_a_few_ways(text: str, others: int) -> None:
    """Each way is learnt from some papers; the rest is searched by itself."""
    blank = Paper(ArxivId(202103, 1), title="T")
    ways = ["A reward model.", "Reward Models, say", "(rewards: models)", r"A\x reward model b"]
    written = [text, *[way for way in ways for _ in range(1 + others)], text]
    papers_by_id = packed_papers([blank._replace(abstract=way) for way in written])
    for field in (Field.ANY, Field.TITLE, Field.ABSTRACT):
        tree = Text(field, ("reward", "model"), is_literal=True)
        assert set(verify(tree, papers_by_id)) == scan(tree, papers_by_id)


@pytest.mark.parametrize("way", ["a reward model", "on Reward Models now", "of rewards: models."])
def test_texts_that_have_a_phrase_in_one_way_are_searched_for_it_alone(way: str) -> None:
    blank = Paper(ArxivId(202103, 1), title="T")
    papers_by_id = packed_papers([blank._replace(abstract=way) for _ in range(40)])
    tree = Text(Field.ANY, ("reward", "model"), is_literal=True)
    with mock.patch("papers.text.joined_texts.squeeze", side_effect=AssertionError):
        assert len(verify(tree, papers_by_id)) == 40


@pytest.mark.parametrize(
    ("written", "places"),
    [
        (b" a reward model  ", [3]),
        (b" a reward model, a reward model  ", [3, 19]),
        (b" a reward models  ", []),
        (b" a reward model-based  ", []),
        (b" a Reward model  ", []),
        (b" \\v reward model (reward model)  ", []),
        (b" \\vv reward model  ", []),
        (b" \\vec reward model.  ", [6]),
        (b" reward model;  ", [1]),
    ],
)
def test_places_of_a_literal_phrase(written: bytes, places: list[int]) -> None:
    assert list(literal_places(written, b"reward model")) == places
    phrase = phrase_pattern(("reward", "model"))
    assert all(phrase.find_plain(written.lower(), written, at) == at for at in places)


@given(st.lists(PIECES, min_size=1, max_size=9), PHRASES)
def test_long_texts_are_searched_with_the_same_result(
    written: list[str], words: tuple[str, ...]
) -> None:
    text = f" {' '.join(written)} ".encode()
    phrase, lower = phrase_pattern(words), text.lower()

    def search() -> tuple[list[PhraseSpan], int]:
        return [*phrase.occurrences(lower, text)], phrase.find_plain(lower, text, 0)

    expected = search()
    with mock.patch("papers.text.phrases._LONG_TEXT", 0):
        assert search() == expected


@given(st.lists(st.lists(NAMES, max_size=4), max_size=3), NAMED)
@example([["Wei \0 Wang"]], ("wei", "wang"))
def test_exact_names_match_and_possible_ones_include_all_matches(
    written: list[list[str]], name: tuple[str, ...]
) -> None:
    blank = Paper(ArxivId(202103, 1), title="T")
    papers_by_id = packed_papers([blank._replace(authors=tuple(names)) for names in written])
    tree = Author(name)
    exact, possible = _TextBatch(papers_by_id).evaluate(tree)
    assert set(exact) <= scan(tree, papers_by_id) <= set(possible)
    assert set(verify(tree, papers_by_id)) == scan(tree, papers_by_id)


def test_names_are_matched_one_by_one() -> None:
    names = [("Wei Wang",), ("Al Wei", "Wang Li"), ("Jo Wei Wang", "X"), ("wei wangs",)]
    papers_by_id = packed_papers([Paper(ArxivId(202103, 1), title="T", authors=of) for of in names])
    exact, possible = _TextBatch(papers_by_id).evaluate(parse_query('au:"wei wang"').tree)
    assert exact == possible
    assert [doc_id & 0xFFFF for doc_id in exact] == [1, 3]


@pytest.mark.parametrize("count", [0, 1, 15, 16, 300, 70_000])
def test_names_of_a_packed_paper(count: int) -> None:
    names = tuple(f"{'É' * (n % 40)} {n}" for n in range(count))
    (paper,) = packed_papers([Paper(ArxivId(202103, 1), title="T", authors=names)]).values()
    assert tuple(paper.authors) == names


@pytest.mark.parametrize(
    ("phrase", "text", "exact"),
    [
        ("reward model", r"For $\alpha$ (reward models), say", True),
        ("reward model", "Reward Model", True),
        ("reward model", "of a deep-reward (model)-based", True),
        ("reward model", r"For \v reward models", False),
        ("reward model", "of rewards' models", False),
        ("mouse model", "of mice models", True),
        ("alpha", r"For $\alpha$", False),
        ("reward model", "at www.reward-model.org/x, reward model", True),
        ("reward model", "at www.reward-model.org/x", False),
        ("reward model", "at http://a.net/reward/model", False),
        ("model", "at model.com/x", False),
        ("model", "at the model.com, or so", True),
        ("rnn kernel", "on RNNs, kernels", True),
        ("rnn kernel", "on RNNS, kernels", False),
        ("reward model", "at http://a.org/reward model", False),
    ],
)
def test_phrase_that_is_exact_without_folding(phrase: str, text: str, exact: bool) -> None:
    papers_by_id = packed_papers([Paper(ArxivId(202103, 1), title="T", abstract=text)])
    tree = parse_query(f'"{phrase}"').tree
    assert bool(_TextBatch(papers_by_id).evaluate(tree).exact) is exact


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("reward modelling", "no"),
        ("a preward model", "no"),
        ("reward [model]", "unclear"),
        ("a reward", "no"),
        ("$R$ rewards", "no"),
        (r"\(R\) rewards", "no"),
        (r"\c{R} rewards", "unclear"),
        ("reward's model", "unclear"),
        ("a re-ward model", "exact"),
        ("a re--ward model", "exact"),
        ("a re---ward model", "no"),
        ("some mo-del", "no"),
        ("reward" + " " * 120 + "mo-del", "unclear"),
        ("a re-ward mo-del", "exact"),
        ("a re-ward modelling, rewards mo-dels", "exact"),
        ("a re-ward modest, in re-ward", "no"),
        ("a re-word, a re-ward", "no"),
    ],
)
def test_plain_texts_need_no_folding(text: str, verdict: str) -> None:
    papers_by_id = packed_papers([Paper(ArxivId(202103, 1), title="T", abstract=text)])
    exact, possible = _TextBatch(papers_by_id).evaluate(parse_query('"reward model"').tree)
    assert verdict == ("exact" if exact else "unclear" if possible else "no")


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("reward model reward", "a reward model re-ward", True),
        ("reward model reward", "a re-ward mo-del re-ward", True),
        ("reward model reward", "a model reward re-ward", False),
        ("reward model reward", "a re-ward agent", False),
        ("ti6al model", "on ti-6al models", True),
        ("email model", "an e-mail model", True),
        ("email model", "an e-mail agent", False),
    ],
)
def test_hyphenated_word_counts_only_beside_its_neighbors_in_the_phrase(
    phrase: str, text: str, found: bool
) -> None:
    papers_by_id = packed_papers([Paper(ArxivId(202103, 1), title="T", abstract=text)])
    literal = Text(Field.ANY, tuple(phrase.split()), is_literal=True)
    exact, possible = _TextBatch(papers_by_id).evaluate(literal)
    assert bool(exact) is bool(possible) is found
    assert bool(verify(literal, papers_by_id)) is found


@pytest.mark.parametrize("keyword", ["2103.00001", "au:wang", "au:wang OR 2103.00001"])
def test_undescribed_paper_never_matches(keyword: str) -> None:
    papers_by_id = packed_papers([Paper(ArxivId(202103, 1), authors=("Wei Wang",))])
    assert not verify(parse_query(keyword).tree, papers_by_id)
