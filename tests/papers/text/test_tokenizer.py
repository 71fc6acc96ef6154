"""The vectorized tokenizer finds the words that folding one text after another finds."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from papers.text.folding import written_words
from papers.text.plurals import mark_case
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
        "GPS",
        "GPs and LLMs",
        "C++",
        "https://github.com/a",
        "eight",
        "A",
        "7",
        "\n",
        "\x00",
    ),
)
_any_text = st.text(st.characters(exclude_categories=["Cs"]))
_texts = st.lists(st.one_of(_any_text, st.lists(st.sampled_from(_PIECES)).map(" ".join)))


@given(st.lists(_texts, max_size=3))
def test_words_are_those_of_each_text(batches: list[list[str]]) -> None:
    tokenizer = Tokenizer()
    for texts in batches:
        word_ids, counts, _ = tokenizer.tokenize(texts)
        found = [tokenizer.words[word_id] for word_id in word_ids.tolist()]
        ends = np.cumsum(counts).tolist()
        split = [found[end - count : end] for end, count in zip(ends, counts.tolist(), strict=True)]
        assert split == [[mark_case(word) for word in written_words(text)] for text in texts]
    assert len(set(tokenizer.words)) == len(tokenizer.words)


def test_a_constructed_collision_does_not_work() -> None:
    """This word had the same hash as `model` before the hash function got a random key."""
    tokenizer = Tokenizer()
    tokenizer.tokenize(["f0gl4rwzhvhp7yhb"])
    word_ids, *_ = tokenizer.tokenize(["a model"])
    assert [tokenizer.words[word_id] for word_id in word_ids.tolist()] == ["a", "model"]


def test_hash_keys_are_random() -> None:
    assert len({_HashKey.random() for _ in range(9)}) == 9


@given(st.lists(st.lists(st.integers(1, 2**64 - 1)), max_size=4), st.integers(0, 63))
def test_a_table_finds_inserted_hashes(batches: list[list[int]], shift: int) -> None:
    table, ids = _HashTable(), dict[int, int]()
    for batch in batches:
        hashes = {max(value >> shift, 1) for value in batch}  # small ones share home positions
        lookups = np.array(sorted({*hashes, *ids}), np.uint64)
        expected = [ids.get(value, int(UNKNOWN_WORD_ID)) for value in lookups.tolist()]
        assert table.find(lookups).tolist() == expected
        new = sorted(hashes - ids.keys())
        table.insert(np.array(new, np.uint64))
        ids |= {value: len(ids) + index for index, value in enumerate(new)}
    known = np.array(list(ids), np.uint64)
    assert table.find(known).tolist() == list(ids.values())


def test_a_growing_table_keeps_its_ids() -> None:
    table = _HashTable()
    hashes = np.arange(1, 100_001, dtype=np.uint64) * np.uint64(0x9E37_79B9_7F4A_7C15)
    for part in np.split(hashes, 10):
        table.insert(part)
    assert table.find(hashes).tolist() == list(range(100_000))
