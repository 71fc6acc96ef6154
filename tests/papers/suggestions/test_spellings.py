"""The other spelling of a word, and its closed or open form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.suggestions.spellings import other_form, other_spellings

# (British, American)
SPELLINGS = [
    ("behaviour", "behavior"),
    ("behavioural", "behavioral"),
    ("colour", "color"),
    ("optimisation", "optimization"),
    ("organised", "organized"),
    ("tokeniser", "tokenizer"),
    ("characterised", "characterized"),
    ("modelling", "modeling"),
    ("unlabelled", "unlabeled"),
    ("centre", "center"),
    ("fibre", "fiber"),
    ("haemoglobin", "hemoglobin"),
    ("tumour", "tumor"),
    ("analysing", "analyzing"),
    ("grey", "gray"),
    ("catalogue", "catalog"),
    ("artefact", "artifact"),
    ("behaviour cloning", "behavior cloning"),
    ("neighbourhood optimisation", "neighborhood optimization"),
]
ONE_SPELLING = [
    *("supervised", "exercise", "otherwise", "noise", "size", "resize", "prize", "precise"),
    *("parameter", "program", "analysis", "sampling", "four", "rise", "reinforcement", "rl"),
    *("promises", "advertise", "them", "hemisphere", "checked", "sis", "z", ""),
]
# (closed, open)
FORMS = [("dataset", "data set"), ("multimodal", "multi modal"), ("tradeoff", "trade off")]


@pytest.mark.parametrize(("british", "american"), SPELLINGS)
def test_each_spelling_gives_the_other(british: str, american: str) -> None:
    assert other_spellings(british) == american
    assert other_spellings(american) == british
    assert other_spellings(american.upper()) == british


@pytest.mark.parametrize("word", ONE_SPELLING)
def test_words_of_one_spelling_have_no_other(word: str) -> None:
    assert not other_spellings(word)


@pytest.mark.parametrize(("closed", "opened"), FORMS)
def test_each_form_gives_the_other(closed: str, opened: str) -> None:
    assert other_form(closed) == opened
    assert other_form(opened) == closed


@pytest.mark.parametrize("word", ["", "reward", "reward model", "a b c", "supervised", "color"])
def test_words_of_one_form_have_no_other(word: str) -> None:
    assert not other_form(word)


@given(st.text(max_size=40))
def test_any_text_is_accepted(text: str) -> None:
    assert other_spellings(text) != text or not text
    assert other_form(text) != text or not text
