from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given

from papers.index.shingle_hashing import shingle_hashes
from papers.index.terms import (
    ALL_DAY_TERMS,
    day_term,
    is_single_shingle,
    label_term,
    label_terms,
    text_shingles,
    text_terms,
    title_terms,
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
    *"ccs.CL cmath-ph gcs gmath-ph sarxiv shf d18 fcommunity-words".split(),
    *("nyann lecun", "ny lecun", "nanna rogers", "na rogers"),
}


def test_paper_has_the_terms_of_every_field() -> None:
    assert {term.decode() for term in expected_terms(PAPER).terms} == TERMS


# (change of a paper, terms it adds)
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
def test_labels_and_flags_add_their_terms(change: dict[str, object], added: set[bytes]) -> None:
    changed = expected_terms(PAPER._replace(**change))  # type: ignore[arg-type]
    assert changed.terms - expected_terms(PAPER).terms == added


# (first announcement, term of its day)
DAYS = [
    (datetime(2025, 3, 1, tzinfo=UTC), b"d0"),
    (datetime(2025, 4, 30, tzinfo=UTC), b"d60"),
    (datetime(2026, 4, 30, tzinfo=UTC), b"d60"),
    (datetime(2024, 4, 30, tzinfo=UTC), b"d0"),
]


@pytest.mark.parametrize(("announced_at", "term"), DAYS)
def test_day_of_first_announcement_is_clamped_to_the_month_span(
    announced_at: datetime, term: bytes
) -> None:
    days = {
        term
        for term in expected_terms(PAPER._replace(announced_at=announced_at)).terms
        if term in ALL_DAY_TERMS
    }
    assert days == {term}


def test_day_terms_count_from_the_first_of_the_month() -> None:
    assert day_term(202503, date(2025, 3, 19)) == b"d18"
    assert len(ALL_DAY_TERMS) == 61


# (leaf, terms it requires)
TEXTS = [
    (Text(Field.ANY, ("reward", "model")), [b"wreward", b"wmodel"]),
    (Text(Field.TITLE, ("reward",)), [b"treward"]),
    (Text(Field.ABSTRACT, ("reward",)), [b"wreward"]),
    (Text(Field.COMMENT, ("cvpr",)), [b"mcvpr"]),
    (Text(Field.ORGANIZATION, ("google",)), [b"ogoogle"]),
]


@pytest.mark.parametrize(("text", "required"), TEXTS)
def test_text_requires_terms_of_its_field(text: Text, required: list[bytes]) -> None:
    assert list(text_terms(text)) == required
    assert set(required) <= expected_terms(PAPER).terms


def test_title_terms_ignore_the_field_of_the_text() -> None:
    assert title_terms(Text(Field.ABSTRACT, ("reward",))) == (b"treward",)


def test_label_terms_equal_those_of_papers() -> None:
    labels = [
        Label(LabelKind.CATEGORY, "cs.CL"),
        Label(LabelKind.ARCHIVE, "cs"),
        Label(LabelKind.SOURCE, "hf"),
    ]
    assert {label_term(label) for label in labels} <= expected_terms(PAPER).terms


@pytest.mark.parametrize(
    ("label", "terms"),
    [
        (Label(LabelKind.CATEGORY, "cs.CL"), [b"ccs.CL"]),
        (Label(LabelKind.ARCHIVE, "cs"), [b"gcs", b"cmath.NA", b"ceess.SY"]),
        (Label(LabelKind.ARCHIVE, "math"), [b"gmath", b"ccs.IT", b"cmath-ph"]),
        (Label(LabelKind.ARCHIVE, "stat"), [b"gstat", b"cmath.ST"]),
        (Label(LabelKind.ARCHIVE, "q-fin"), [b"gq-fin", b"cecon.GN"]),
        (Label(LabelKind.ARCHIVE, "hep-th"), [b"ghep-th"]),
        (Label(LabelKind.PRIMARY, "cs.CL"), [b"ccs.CL"]),
        (Label(LabelKind.PRIMARY, "stat.*"), [b"gstat", b"cmath.ST"]),
    ],
)
def test_archive_has_the_categories_whose_alias_it_has(label: Label, terms: list[bytes]) -> None:
    assert list(label_terms(label)) == terms


def test_only_titles_and_abstracts_have_shingles() -> None:
    assert text_shingles(Text(Field.COMMENT, ("cvpr", "oral"))) == ()
    shingles = expected_terms(PAPER).shingles
    assert set(text_shingles(Text(Field.ANY, ("reward", "model")))) <= shingles
    assert not set(text_shingles(Text(Field.ANY, ("yann", "lecun")))) & shingles


@pytest.mark.parametrize(
    ("phrase", "shingle_count", "is_single"),
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
def test_single_shingle_phrases_are_recognized(
    phrase: str, shingle_count: int, is_single: bool
) -> None:
    text = Text(Field.ANY, tuple(phrase.split()))
    assert len(text_shingles(text)) == shingle_count
    assert is_single_shingle(text) is is_single
    assert not is_single_shingle(Text(Field.TITLE, text.words))


@given(texts, texts)
def test_single_shingle_is_equivalent_to_its_phrase(one: str, other: str) -> None:
    phrase, words = tokenize(one)[:4], tokenize(other)
    text = Text(Field.ANY, tuple(phrase))
    if phrase and is_single_shingle(text):
        contains = f" {' '.join(phrase)} " in f" {' '.join(words)} "
        assert (set(text_shingles(text)) <= shingle_hashes(words)) is contains
