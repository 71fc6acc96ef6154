"""Abbreviations that texts define, and what is kept of them."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.suggestions import abbreviations
from papers.suggestions.abbreviations import (
    MAX_ALTERNATIVES,
    AbbreviationDefinition,
    DefinitionCounter,
    alternatives_of_terms,
    find_pairs,
    term_key,
)

# (text, short form, long form)
DEFINED = [
    ("We use reinforcement learning (RL) here.", "RL", "reinforcement learning"),
    ("deep graph neural networks (GNNs)", "GNN", "graph neural networks"),
    ("Text-to-speech (TTS) systems", "TTS", "Text-to-speech"),
    ("3D Gaussian Splatting (3DGS) renders", "3DGS", "3D Gaussian Splatting"),
    ("sparse autoencoders (SAEs)", "SAE", "sparse autoencoders"),
    ("chain-of-thought (CoT) prompts", "CoT", "chain-of-thought"),
    ("With RL (reinforcement learning), agents", "RL", "reinforcement learning"),
    ("reinforcement learning (RL; Sutton 1998)", "RL", "reinforcement learning"),
    ("reinforcement\nlearning (RL)", "RL", "reinforcement\nlearning"),
    ("In short, mean squared error (MSE)", "MSE", "mean squared error"),
]
UNDEFINED = [
    "",
    "no parenthesis",
    "a sentence (see below)",
    "the network (2024)",
    "we win (OOD)",
    "reinforcement. Learning (RL)",
    "RL (RL)",
    "(RL) alone",
    "an unclosed (RL",
    "reinforcement learning (rl)",
]


@pytest.mark.parametrize(("text", "short", "long"), DEFINED)
def test_definition_is_found(text: str, short: str, long: str) -> None:
    assert find_pairs(text) == {AbbreviationDefinition(short, long)}


@pytest.mark.parametrize("text", UNDEFINED)
def test_other_parentheses_define_nothing(text: str) -> None:
    assert not find_pairs(text)


@given(st.text(alphabet="aAbB(). -s\n", max_size=200))
def test_any_text_is_read(text: str) -> None:
    for short, long in find_pairs(text):
        assert long in text
        assert short in text


def test_hostile_text_is_read_in_little_time() -> None:
    for text in ("(" * 10_000, "A (" * 10_000, "(AB)" * 10_000, "a" * 50_000 + " (AA)"):
        find_pairs(text)


def test_a_paper_counts_once_and_one_paper_is_not_enough() -> None:
    counter = DefinitionCounter()
    counter.add(["mean squared error (MSE)", "mean squared error (MSE)"])
    assert not alternatives_of_terms(counter.counts)
    counter.add(["Mean squared errors (MSEs)"])
    found = alternatives_of_terms(counter.counts)
    assert [(other.written, other.papers) for other in found[term_key("MSE")]] == [
        ("mean squared error", 2)
    ]
    assert found[term_key("mean-squared error")][0].written == "MSE"


def test_counted_pairs_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(abbreviations, "MAX_COUNTED_PAIRS", 3)
    counter = DefinitionCounter()
    counter.add(["mean squared error (MSE)"])
    for word in "abcdefgh":
        counter.add(["mean squared error (MSE)", f"{word}ig {word}ang ({word.upper() * 2})"])
    assert len(counter.counts) <= 3
    assert counter.counts[AbbreviationDefinition("MSE", "mean squared error")] == 9


def test_terms_and_alternatives_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(abbreviations, "MAX_TERMS", 5)
    counts = Counter({AbbreviationDefinition("AB", f"alpha b{n}eta"): 10 + n for n in range(20)})
    counts[AbbreviationDefinition("AB", "rare thing")] = 1
    counts.update({AbbreviationDefinition(f"C{c}", f"cut {c}le"): 9 for c in "DEFGH"})
    found = alternatives_of_terms(counts)
    assert len(found) == 5
    best = found[term_key("AB")]
    assert [other.papers for other in best] == [29, 28, 27, 26]
    assert len(best) == MAX_ALTERNATIVES


def test_rare_alternatives_of_a_frequent_term_are_left_out() -> None:
    pairs = {
        AbbreviationDefinition("AB", "alpha beta"): 100,
        AbbreviationDefinition("AB", "apple bread"): 4,
    }
    written = [other.written for other in alternatives_of_terms(pairs)[term_key("AB")]]
    assert written == ["alpha beta"]


def test_a_short_form_that_mostly_means_something_else_is_not_offered() -> None:
    pairs = {
        AbbreviationDefinition("RS", "remote sensing"): 25,
        AbbreviationDefinition("RS", "recommender systems"): 5,
        AbbreviationDefinition("ET", "eye tracking"): 2,
        AbbreviationDefinition("HE", "homomorphic encryption"): 9,
    }
    found = alternatives_of_terms(pairs, {"rs": 60, "et": 102})
    assert [each.written for each in found[term_key("remote sensing")]] == ["RS"]
    assert term_key("recommender systems") not in found
    assert term_key("eye tracking") not in found
    assert term_key("homomorphic encryption") not in found
    assert [each.written for each in found["et"]] == ["eye tracking"]
