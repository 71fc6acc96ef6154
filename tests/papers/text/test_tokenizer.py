"""Words cut as columns are the words of one text after another."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from papers.text.folding import tokenize_unstemmed
from papers.text.tokenizer import UNKNOWN_WORD_ID, Tokenizer, _HashKey, _HashTable

_PIECES = (
    *(
        "reward-model",
        "H$_2$O",
        'Schr\\"odinger',
        "naïve",
        "ﬁrst",
        "Bellman's",
        "x_y",
        "été",
        "中文",
    ),
    *(
        "pneumonoultramicroscopicsilicovolcanoconiosis",
        "eightfold",
        "eight",
        "A",
        "7",
        "\n",
        "\x00",
    ),
)
_written = st.text(st.characters(exclude_categories=["Cs"]))
_texts = st.lists(st.one_of(_written, st.lists(st.sampled_from(_PIECES)).map(" ".join)))


@given(st.lists(_texts, max_size=3))
def test_words_are_those_of_each_text(turns: list[list[str]]) -> None:
    words = Tokenizer()
    for texts in turns:
        numbers, counts = words.tokenize(texts)
        found = [words.words[number] for number in numbers.tolist()]
        ends = np.cumsum(counts).tolist()
        cut = [found[end - count : end] for end, count in zip(ends, counts.tolist(), strict=True)]
        assert cut == [tokenize_unstemmed(text) for text in texts]
    assert len(set(words.words)) == len(words.words)


def test_nobody_can_make_a_word_that_passes_for_another() -> None:
    """Of this one the hash was that of `model` while all hashes were made alike."""
    words = Tokenizer()
    words.tokenize(["f0gl4rwzhvhp7yhb"])
    numbers, _ = words.tokenize(["a model"])
    assert [words.words[number] for number in numbers.tolist()] == ["a", "model"]


def test_what_hashes_are_made_with_is_drawn_anew() -> None:
    assert len({_HashKey.random() for _ in range(9)}) == 9


@given(st.lists(st.lists(st.integers(1, 2**64 - 1)), max_size=4), st.integers(0, 63))
def test_a_table_finds_what_was_put(turns: list[list[int]], shift: int) -> None:
    table, numbers = _HashTable(), dict[int, int]()
    for turn in turns:
        crowded = {max(value >> shift, 1) for value in turn}  # small ones want the same places
        asked = np.array(sorted({*crowded, *numbers}), np.uint64)
        expected = [numbers.get(value, int(UNKNOWN_WORD_ID)) for value in asked.tolist()]
        assert table.find(asked).tolist() == expected
        new = sorted(crowded - numbers.keys())
        table.insert(np.array(new, np.uint64))
        numbers |= {value: len(numbers) + place for place, value in enumerate(new)}
    known = np.array(list(numbers), np.uint64)
    assert table.find(known).tolist() == list(numbers.values())


def test_a_table_grows() -> None:
    table = _HashTable()
    hashes = np.arange(1, 100_001, dtype=np.uint64) * np.uint64(0x9E37_79B9_7F4A_7C15)
    for part in np.split(hashes, 10):
        table.insert(part)
    assert table.find(hashes).tolist() == list(range(100_000))
