from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.index.layout import SHINGLE_BITS
from papers.index.shingle_hashing import shingle_hashes
from papers.index.terms import (
    ALL_DAY_TERMS,
    day_term,
    is_single_shingle,
    label_term,
    text_shingles,
    text_terms,
    title_terms,
    word_terms,
)
from papers.model.arxiv_id import ArxivId
from papers.model.paper import AnnounceType, Paper, Pick
from papers.query.ast import Field, Label, LabelKind, Text
from papers.text.folding import tokenize
from tests.papers.found_by import expected_terms
from tests.papers.papers_strategies import texts

PAPER = Paper(
    ArxivId.parse("2503.14895"),
    title="Reward Models",
    abstract="We reward models.",
    authors=("Yann LeCun", "Anna Rogers"),
    primary="cs.CL",
    categories=("cs.CL", "math-ph"),
    comment="CVPR, pages",
    organization="Google",
    announced_at=datetime(2025, 3, 19, 4, tzinfo=UTC),
    sources=("Arxiv", "hf"),
)
TERMS = {
    *"wreward wmodel wwe treward tmodel ayann alecun aanna arogers mcvpr mpage ogoogle".split(),
    *"ccs.CL cmath-ph gcs gmath-ph sarxiv shf d18".split(),
    *("nyann lecun", "nanna rogers"),
}


def test_the_terms_of_a_paper() -> None:
    assert {term.decode() for term in expected_terms(PAPER).terms} == TERMS


# What a change of a paper adds to its terms: (the change, the terms).
CHANGES: list[tuple[dict[str, object], set[bytes]]] = [
    ({"announce_type": AnnounceType.NEW}, set()),
    ({"announce_type": AnnounceType.CROSS}, {b"ycross"}),
    ({"announce_type": AnnounceType.REPLACE_CROSS}, {b"yreplace-cross"}),
    ({"withdrawn_version": 1}, {b"fwithdrawn"}),
    ({"code": "https://github.com/a/b"}, {b"fcode"}),
    ({"picks": (Pick("hf", datetime(2025, 3, 20, tzinfo=UTC)),)}, {b"fpicked"}),
    ({"sources": ("arxiv", "a\nfeed", "hf")}, {b"sa feed"}),
    ({"categories": ("cs.CL", "math-ph", "odd \n one")}, {b"codd one", b"godd one"}),
]


@pytest.mark.parametrize(("change", "added"), CHANGES)
def test_marks(change: dict[str, object], added: set[bytes]) -> None:
    changed = expected_terms(PAPER._replace(**change))  # type: ignore[arg-type]
    assert changed.terms - expected_terms(PAPER).terms == added


# (when it was first announced, the day's term)
DAYS = [
    (datetime(2025, 3, 1, tzinfo=UTC), b"d0"),
    (datetime(2025, 4, 30, tzinfo=UTC), b"d60"),
    (datetime(2026, 4, 30, tzinfo=UTC), b"d60"),
    (datetime(2024, 4, 30, tzinfo=UTC), b"d0"),
]


@pytest.mark.parametrize(("announced_at", "term"), DAYS)
def test_days(announced_at: datetime, term: bytes) -> None:
    days = {
        term
        for term in expected_terms(PAPER._replace(announced_at=announced_at)).terms
        if term in ALL_DAY_TERMS
    }
    assert days == {term}


def test_the_days_of_a_month_are_those_papers_count_under() -> None:
    assert day_term(202503, date(2025, 3, 19)) == b"d18"
    assert len(ALL_DAY_TERMS) == 61


# (a text, the terms it asks for)
TEXTS = [
    (Text(Field.ANY, ("reward", "model")), [b"wreward", b"wmodel"]),
    (Text(Field.TITLE, ("reward",)), [b"treward"]),
    (Text(Field.ABSTRACT, ("reward",)), [b"wreward"]),
    (Text(Field.AUTHOR, ("lecun",)), [b"alecun"]),
    (Text(Field.AUTHOR, ("yann", "lecun")), [b"nyann lecun"]),
    (Text(Field.COMMENT, ("cvpr",)), [b"mcvpr"]),
    (Text(Field.ORGANIZATION, ("google",)), [b"ogoogle"]),
]


@pytest.mark.parametrize(("text", "asked"), TEXTS)
def test_the_terms_of_a_text(text: Text, asked: list[bytes]) -> None:
    assert list(text_terms(text)) == asked
    assert set(asked) <= expected_terms(PAPER).terms


def test_a_text_of_the_abstract_may_be_asked_of_the_title() -> None:
    assert title_terms(Text(Field.ABSTRACT, ("reward",))) == (b"treward",)


def test_labels_are_terms_as_papers_have_them() -> None:
    labels = [
        Label(LabelKind.CATEGORY, "cs.CL"),
        Label(LabelKind.ARCHIVE, "cs"),
        Label(LabelKind.SOURCE, "hf"),
    ]
    assert {label_term(label) for label in labels} <= expected_terms(PAPER).terms


def test_texts_have_pairs() -> None:
    assert text_shingles(Text(Field.COMMENT, ("cvpr", "oral"))) == ()
    assert text_shingles(Text(Field.AUTHOR, ("yann", "lecun"))) == ()
    pairs = expected_terms(PAPER).shingles
    assert set(text_shingles(Text(Field.ANY, ("reward", "model")))) <= pairs
    assert not set(text_shingles(Text(Field.ANY, ("yann", "lecun")))) & pairs


@pytest.mark.parametrize(
    ("phrase", "pairs", "alone"),
    [
        ("reward model", 1, True),
        ("mixture of experts", 1, True),
        ("state of the art", 1, True),
        ("deep reward model", 2, False),
        ("the reward model", 1, False),
        ("reward model of", 1, False),
        ("model model model", 1, False),
        ("of the", 0, False),
        ("the model", 0, False),
        ("model", 0, False),
    ],
)
def test_a_phrase_may_be_one_pair(phrase: str, pairs: int, alone: bool) -> None:
    text = Text(Field.ANY, tuple(phrase.split()))
    assert len(text_shingles(text)) == pairs
    assert is_single_shingle(text) is alone
    assert not is_single_shingle(Text(Field.TITLE, text.words))


def test_words_between_that_only_join_belong_to_a_pair() -> None:
    spelled = ["mixture experts", "mixture of experts", "mixture of the experts", "experts mixture"]
    assert len({frozenset(shingle_hashes(text.split())) for text in spelled}) == len(spelled)
    assert shingle_hashes("of experts in a mixture the".split()) == shingle_hashes(
        "experts in a mixture".split()
    )


def test_a_name_of_three_words_is_two_terms() -> None:
    asked = text_terms(Text(Field.AUTHOR, ("juan", "de", "la")))
    assert asked == (b"njuan de", b"nde la")
    assert word_terms(Text(Field.AUTHOR, ("juan", "de"))) == (b"ajuan", b"ade")


@given(texts, st.data())
def test_a_phrase_asks_for_nothing_its_paper_has_not(text: str, data: st.DataObject) -> None:
    folded = tokenize(text)
    start = data.draw(st.integers(0, len(folded)))
    phrase = folded[start : start + data.draw(st.integers(0, 5))]
    assert shingle_hashes(phrase) <= shingle_hashes(folded)
    assert all(pair < 1 << SHINGLE_BITS for pair in shingle_hashes(folded))


@given(texts, texts)
def test_a_phrase_that_is_one_pair_stands_where_its_pair_is(one: str, other: str) -> None:
    phrase, folded = tokenize(one)[:4], tokenize(other)
    text = Text(Field.ANY, tuple(phrase))
    if phrase and is_single_shingle(text):
        stands = f" {' '.join(phrase)} " in f" {' '.join(folded)} "
        assert (set(text_shingles(text)) <= shingle_hashes(folded)) is stands
