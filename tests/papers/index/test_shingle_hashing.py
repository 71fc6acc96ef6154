"""The scalar and the vectorized hash of shingles are equal, and shingles never cross texts."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from papers.index.layout import SHINGLE_BITS
from papers.index.shingle_hashing import is_content_word, shingle_hashes, word_hash
from papers.index.shingles.column_hashing import hash_columns
from papers.text.folding import tokenize
from tests.papers.papers_strategies import texts

WORDS = st.sampled_from(["of", "the", "in", "a", "reward", "model", "mixture", "expert", "模型"])
WORD_LISTS = st.lists(WORDS, max_size=9)


@given(st.lists(WORD_LISTS, max_size=5))
@example([[], ["reward"], ["model"]])
@example([["of", "reward", "of", "the", "in", "a", "of", "model", "the"], ["model", "of"]])
def test_vectorized_hashes_equal_scalar_hashes(word_lists: list[list[str]]) -> None:
    word_hashes = np.array([word_hash(w) for words in word_lists for w in words], np.uint64)
    text_indexes = np.repeat(np.arange(len(word_lists)), [len(words) for words in word_lists])
    shingles, first_words = hash_columns(word_hashes, text_indexes)
    found = {(int(text_indexes[at]), int(s)) for s, at in zip(shingles, first_words, strict=True)}
    assert found == {
        (index, shingle)
        for index, words in enumerate(word_lists)
        for shingle in shingle_hashes(words)
    }


@given(WORD_LISTS)
def test_shingles_begin_at_content_words(words: list[str]) -> None:
    word_hashes = np.array([word_hash(word) for word in words], np.uint64)
    _, first_words = hash_columns(word_hashes, np.zeros(len(words), np.int64))
    content = [at for at, word in enumerate(words) if is_content_word(word_hash(word))]
    assert first_words.tolist() == content[:-1]


def test_stop_words_between_content_words_are_part_of_the_shingle() -> None:
    phrases = ["mixture experts", "mixture of experts", "mixture of the experts", "experts mixture"]
    assert len({frozenset(shingle_hashes(phrase.split())) for phrase in phrases}) == len(phrases)


def test_stop_words_at_the_ends_are_no_part_of_a_shingle() -> None:
    assert shingle_hashes("of experts in a mixture the".split()) == shingle_hashes(
        "experts in a mixture".split()
    )


@given(texts, st.data())
def test_shingles_of_a_phrase_are_among_those_of_its_text(text: str, data: st.DataObject) -> None:
    words = tokenize(text)
    start = data.draw(st.integers(0, len(words)))
    phrase = words[start : start + data.draw(st.integers(0, 5))]
    assert shingle_hashes(phrase) <= shingle_hashes(words)
    assert all(shingle < 1 << SHINGLE_BITS for shingle in shingle_hashes(words))
