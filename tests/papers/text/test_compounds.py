"""Hyphenated words: the readings of a text, and the spellings of a keyword."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.text.compounds import close_number, closed_reading_joins, spellings
from papers.text.text_readings import span_readings, token_readings
from tests.papers.papers_strategies import texts

# (a text, its closed readings)
CLOSED = [
    ("multimodal", []),
    ("a multi-modal U-Net", ["a multimodal unet"]),
    ("vision–language", ["visionlanguage"]),
    ("Navier--Stokes --- equations", ["navierstoke equation"]),
    ("k-nn-xy d", ["knn xy d", "k nnxy d"]),
    ("k-nn-xy-z1", ["knn xyz1", "k nnxy z1"]),
    ("K-V cache of a k-d tree, ViT-S, n-1, F-1", ["kv cache of a k d tree vit s n 1 f1"]),
    ("re-covers, co-ops, Multipl-E, inter-views", []),
    ("an in-vivo, in-finite, a-priori, a-symmetric", ["an invivo in finite apriori a symmetric"]),
    ("Qwen2.5-7B-Instruct", ["qwen2 5 7binstruct"]),
    ("state-of-the-art", []),
    ("12-15 GPT-4", ["12 15 gpt4"]),
    (r"$k$-means and $\alpha$-LLMs", ["kmean and alphallm"]),
    ("multi-GPS pre-LLMs", ["multigps prellm"]),
    ("end -to- end- x", []),
]


@pytest.mark.parametrize(("text", "closed"), CLOSED)
def test_closed_readings(text: str, closed: list[str]) -> None:
    assert [" ".join(words) for words in token_readings(text).closed] == closed


WORD = st.sampled_from(["deep", "u", "net", "model", "gpt", "4", "3", "of", "the"])
HYPHENATED = st.lists(WORD, min_size=1, max_size=5).map("-".join)


@given(st.lists(HYPHENATED, max_size=4).map(" ".join))
def test_all_hyphenated_words_are_joined_in_some_reading(text: str) -> None:
    pairs = re.findall(r"(?=\b([a-z0-9]+)-([a-z0-9]+))", text)
    joined = {
        first + second
        for first, second in pairs
        if not {first, second} & {"of", "the"} and not (first[-1] + second[0]).isdigit()
        if (first, second) != ("u", "u")
    }
    words, closed = token_readings(text)
    assert words == re.findall("[a-z0-9]+", text)
    assert set().union(*closed) - set(words) <= joined <= set().union(words, *closed)
    assert all("".join(reading) == "".join(words) for reading in closed)


@given(texts)
def test_positions_cover_every_reading(text: str) -> None:
    words, closed = token_readings(text)
    readings = span_readings(text)
    assert [[span.word for span in spans] for spans in readings] == [words, *closed]
    assert all(0 <= span.start < span.end <= len(text) for spans in readings for span in spans)


@given(st.lists(st.booleans(), max_size=9))
def test_joins_do_not_overlap(joinable: list[bool]) -> None:
    for joined in closed_reading_joins(joinable):
        assert not any(a and b for a, b in pairwise(joined))
        assert all(may for may, does in zip(joinable, joined, strict=True) if does)


# (a folded word or phrase, what it stands for beside itself)
SPELLINGS = [
    ("model", []),
    ("multi modal", ["multimodal"]),
    ("deep reward model", ["deepreward model", "deep rewardmodel"]),
    ("state of the art", []),
    ("gpt4", ["gpt 4"]),
    ("gpt4o", ["gpt 4o", "gpt4 o", "gpt 4 o"]),
    ("a100", []),
    ("h2o model", ["h2omodel", "h 2o model", "h2 o model", "h 2 o model"]),
    ("a b c d e f g h i", []),
    ("in formation", []),
    ("a symmetric", []),
    ("re cover", []),
    ("l in l", []),
    ("p n junction", ["pn junction", "p njunction"]),
    ("in vitro", ["invitro"]),
    ("a1b2c3", []),
]


@pytest.mark.parametrize(("words", "others"), SPELLINGS)
def test_spellings(words: str, others: list[str]) -> None:
    found = [" ".join(of) for of in spellings(tuple(words.split()))]
    assert found == [words, *others]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("gpt 4", "gpt4"),
        ("4 bit", "4bit"),
        ("reward model", "reward model"),
        ("a 100", "a 100"),
        ("12 15", "12 15"),
        ("gpt 4o", "gpt4o"),
        ("llama3 model", "llama3 model"),
        ("gpt 4 model", "gpt 4 model"),
    ],
)
def test_number_is_closed_in_a_phrase_of_two(words: str, expected: str) -> None:
    closed = close_number(tuple(words.split()))
    assert " ".join(closed) == expected
    assert tuple(words.split()) in spellings(closed)
