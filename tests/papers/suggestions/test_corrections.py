"""Which word a misspelt one is corrected to, and what that costs."""

from __future__ import annotations

from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.suggestions.corrections import correct_words, edit_distance, edits
from papers.suggestions.sample_words import WordCounter

FREQUENT = {"reinforcement": 90, "gradient": 80, "neural": 95, "bayesian": 60, "photonics": 70}


def dictionary_of(counts: dict[str, int]) -> mock.Mock:
    """Return a dictionary of a sample in which words have some papers."""
    counter = WordCounter()
    counter.counts.update(counts)
    fields = counter.fields()
    dictionary = mock.Mock()
    dictionary.get = lambda wanted: {each: fields[each] for each in wanted if each in fields}
    return dictionary


@pytest.mark.parametrize(
    ("typed", "papers", "meant"),
    [
        ("reinforcment", 0, "reinforcement"),
        ("reinforcment", 2, "reinforcement"),
        ("renforcment", 0, "reinforcement"),
        ("nueral", 1, "neural"),
        ("bayseian", 0, "bayesian"),
        ("gradiant", 0, "gradient"),
    ],
)
def test_misspelt_word_is_corrected(typed: str, papers: int, meant: str) -> None:
    assert correct_words(dictionary_of(FREQUENT), {typed: papers}) == {typed: meant}


@pytest.mark.parametrize(
    ("typed", "papers"),
    [
        ("photonic", 1),  # another word of the same stem
        ("gredeent", 0),  # two errors in a word that is not long
        ("nural", 5),  # a word of some papers
        ("eural", 0),  # another first letter
        ("zebra", 0),
        ("h2so4", 0),
        ("gene", 0),
        ("a" * 30, 0),
    ],
)
def test_another_word_is_not_corrected(typed: str, papers: int) -> None:
    assert correct_words(dictionary_of(FREQUENT | {"genes": 90}), {typed: papers}) == {}


def test_of_two_near_words_the_nearer_and_then_the_more_frequent_is_meant() -> None:
    assert correct_words(dictionary_of({"model": 9, "modal": 50}), {"modl": 0}) == {}
    assert correct_words(dictionary_of({"models": 9, "modest": 50}), {"modess": 0}) == {
        "modess": "modest"
    }


@given(st.text("abc", min_size=1, max_size=6), st.text("abc", max_size=6))
def test_edits_are_the_words_at_a_distance_of_one(first: str, second: str) -> None:
    assert edit_distance(first, second) == edit_distance(second, first)
    assert (second in edits(first)) == (
        edit_distance(first, second) == 1 or _repeats(first, second)
    )


def _repeats(first: str, second: str) -> bool:
    return first == second  # a letter in place of itself
