"""Batches of papers as columns of numbers: which terms and shingles each paper has.

    papers ─▶ words ─▶ term numbers and word hashes ─▶ sorted posting keys
                 └─▶ readings with hyphenated pairs joined ─┘

A paper has some 150 terms and 130 shingles. Grouping them in Python loops takes ten times as long
as sorting them as numbers (`papers.index.shingles.shingle_keys`).
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from papers.index.author_terms import name_terms
from papers.index.shingle_hashing import word_hash
from papers.index.shingles.shingle_keys import NO_KEYS, PostingKeys, sort_unique
from papers.index.terms import paper_label_terms
from papers.index.writing.term_columns import (
    NO_FLAGS,
    JoinedWords,
    TermColumn,
    closed_reading_masks,
)
from papers.model.paper import Paper
from papers.text.plurals import singularize
from papers.text.tokenizer import UNKNOWN_WORD_ID, Tokenizer, WordIds

_BATCH_SIZE: Final = 1_000
"""Papers whose columns are made together: small enough for the processor's cache."""

_MAX_TERMS: Final = 400_000
"""Terms after which a vocabulary is full: some hundred megabytes."""


class BatchKeys(NamedTuple):
    """The term keys and the shingle keys of a batch of papers.

    Term numbers are those of a vocabulary, and papers are numbered in their month; shingle keys
    number papers in their year, and are the same in every segment.
    """

    term_keys: PostingKeys
    shingle_keys: PostingKeys


class Vocabulary:
    """Terms numbered in order of first occurrence, with the hashes of those that are words.

    The hash of any other term is 0, which reads as a stop word: only columns of text words may be
    hashed to shingles. Not thread-safe.
    """

    def __init__(self) -> None:
        self.terms: list[bytes] = []
        self.word_hashes = array("Q")
        self._tokenizer = Tokenizer()
        self._words = _TermKind(self, "w", singularize)
        self._titles = _TermKind(self, "t", singularize)
        self._comments = _TermKind(self, "m", singularize)
        self._organizations = _TermKind(self, "o", singularize)
        self._names = _NameNumbers(self)
        self._joined_words = JoinedWords(self._tokenizer.words)
        self._labels = _TermKind(self, "", str)

    @property
    def is_full(self) -> bool:
        """Whether a new vocabulary should take its place: most words occur only once."""
        return len(self.terms) > _MAX_TERMS

    def batch_keys(self, papers: Iterable[Paper]) -> BatchKeys:
        """Return the keys of papers of one month; a paper without a description has none."""
        found = [self._unsorted_keys(batch) for batch in _described_batches(papers)]
        if not found:
            return BatchKeys(NO_KEYS, NO_KEYS)
        terms, shingles = map(np.concatenate, zip(*found, strict=True))
        return BatchKeys(sort_unique(terms), sort_unique(shingles))

    def shingle_keys(self, papers: Iterable[Paper]) -> PostingKeys:
        """Return the shingle keys of papers of one month."""
        found = [
            self._shingle_keys(self._title_and_text_columns(batch)[1], batch[0].id.month)
            for batch in _described_batches(papers)
        ]
        return sort_unique(np.concatenate([NO_KEYS, *found]))

    def _unsorted_keys(self, papers: Sequence[Paper]) -> BatchKeys:
        numbers = _paper_numbers(papers)
        comments = self._tokenize_column([paper.comment for paper in papers], numbers)
        organizations = self._tokenize_column([paper.organization for paper in papers], numbers)
        title, texts = self._title_and_text_columns(papers)
        opened, closed = zip(
            *[
                (readings[0], [reading.only_joined for reading in readings[1:]])
                for readings in (
                    texts,
                    self._reading_columns(title, self._titles),
                    self._reading_columns(comments, self._comments),
                    self._reading_columns(organizations, self._organizations),
                )
            ],
            strict=True,
        )
        columns = [
            *opened,
            *chain.from_iterable(closed),
            self._name_column([paper.authors for paper in papers], numbers),
            self._label_column([paper_label_terms(paper) for paper in papers], numbers),
        ]
        terms = np.concatenate([column.to_keys() for column in columns])
        return BatchKeys(terms, self._shingle_keys(texts, papers[0].id.month))

    def _title_and_text_columns(
        self, papers: Sequence[Paper]
    ) -> tuple[TermColumn, list[TermColumn]]:
        """Return the words of titles, and the readings of titles and abstracts as word terms."""
        numbers = _paper_numbers(papers)
        title = self._tokenize_column([paper.title for paper in papers], numbers)
        abstract = self._tokenize_column([paper.abstract for paper in papers], numbers)
        return title, self._reading_columns(TermColumn.concatenate(title, abstract), self._words)

    def _tokenize_column(self, texts: Sequence[str], papers: WordIds) -> TermColumn:
        """Return the words of texts of some papers."""
        words, counts, is_hyphenated = self._tokenizer.tokenize(texts)
        indexes = np.repeat(np.arange(len(texts)), counts)
        return TermColumn(words, indexes, papers, is_hyphenated)

    def _reading_columns(self, words: TermColumn, kind: _TermKind) -> list[TermColumn]:
        """Return the readings of texts as terms: the open one, and those with pairs joined."""
        opened = words._replace(numbers=kind.term_numbers(words.numbers))
        readings = [opened]
        for joined in closed_reading_masks(self._joinable_words(words)):
            first = np.flatnonzero(joined)
            pairs = self._joined_words.of_pairs(words.numbers[first], words.numbers[first + 1])
            readings.append(opened.close(joined, [kind.numbers_by_word[word] for word in pairs]))
        return readings

    def _joinable_words(self, words: TermColumn) -> NDArray[np.bool_]:
        """Return for each word whether it is hyphenated with the next one and may be joined."""
        joinable = words.flags.copy()
        first = np.flatnonzero(joinable)
        pairs = self._joined_words.of_pairs(words.numbers[first], words.numbers[first + 1])
        joinable[first] = list(map(bool, pairs))
        return joinable

    def _label_column(self, labels: Sequence[Sequence[str]], papers: WordIds) -> TermColumn:
        numbers = [self._labels.numbers_by_word[label] for row in labels for label in row]
        indexes = np.repeat(np.arange(len(labels)), [len(row) for row in labels])
        return TermColumn(np.array(numbers, np.uint32), indexes, papers, NO_FLAGS)

    def _name_column(self, authors: Sequence[Sequence[str]], papers: WordIds) -> TermColumn:
        """Return the terms of the names of the authors of each paper."""
        found = [[number for name in names for number in self._names[name]] for names in authors]
        indexes = np.repeat(np.arange(len(authors)), list(map(len, found)))
        numbers = np.fromiter(chain.from_iterable(found), np.uint32)
        return TermColumn(numbers, indexes, papers, NO_FLAGS)

    def _shingle_keys(self, readings: Sequence[TermColumn], month: int) -> PostingKeys:
        """Return the unsorted shingle keys of the readings of texts of a month (YYYYMM)."""
        hashes = np.frombuffer(self.word_hashes, np.uint64)
        found = [
            texts.shingle_keys(hashes, is_closed=number > 0, month=month)
            for number, texts in enumerate(readings)
        ]
        return np.concatenate(found)

    def words_by_number(self, numbers: WordIds) -> list[str]:
        """Return words by their tokenizer ids, as in a column without a kind."""
        return [self._tokenizer.words[number] for number in numbers.tolist()]


class _TermKind:
    """Term numbers of words in one kind of text, by the words' tokenizer ids."""

    def __init__(self, vocabulary: Vocabulary, kind: str, fold: Callable[[str], str]) -> None:
        self._vocabulary = vocabulary
        self.numbers_by_word = _TermNumbers(vocabulary, kind, fold)
        self._numbers = np.array([], np.uint32)

    def term_numbers(self, words: WordIds) -> WordIds:
        """Return the term number of each word, numbering new terms."""
        needed = int(words.max(initial=0)) + 1
        if needed > len(self._numbers):
            grown = np.full(2 * needed, UNKNOWN_WORD_ID, np.uint32)
            grown[: len(self._numbers)] = self._numbers
            self._numbers = grown
        numbers = self._numbers[words]
        missing = numbers == UNKNOWN_WORD_ID
        if missing.any():
            new = np.unique(words[missing])
            strings = self._vocabulary.words_by_number(new)
            self._numbers[new] = [self.numbers_by_word[string] for string in strings]
            numbers = self._numbers[words]
        return numbers


class _TermNumbers(dict[str, int]):
    """Term numbers by word. The dict look-up runs in C, `__missing__` only for a new word."""

    def __init__(self, vocabulary: Vocabulary, kind: str, fold: Callable[[str], str]) -> None:
        super().__init__()
        self._vocabulary, self._kind, self._fold = vocabulary, kind, fold
        self._by_folded: dict[str, int] = {}

    def __missing__(self, word: str) -> int:
        folded = self._fold(word)
        number = self._by_folded.get(folded)
        if number is None:
            number = self._by_folded[folded] = len(self._vocabulary.terms)
            self._vocabulary.terms.append(f"{self._kind}{folded}".encode())
            self._vocabulary.word_hashes.append(word_hash(folded) if self._kind == "w" else 0)
        self[word] = number
        return number


class _NameNumbers(dict[str, tuple[int, ...]]):
    """The numbers of the terms of an author's name, by the name as it is written."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__()
        self._terms = _TermNumbers(vocabulary, "", str)

    def __missing__(self, name: str) -> tuple[int, ...]:
        self[name] = numbers = tuple([self._terms[term] for term in name_terms(name)])
        return numbers


def _described_batches(papers: Iterable[Paper]) -> Iterator[Sequence[Paper]]:
    """Return batches of the papers that have a description."""
    described = [paper for paper in papers if paper.is_described]
    return (described[at : at + _BATCH_SIZE] for at in range(0, len(described), _BATCH_SIZE))


def _paper_numbers(papers: Sequence[Paper]) -> WordIds:
    return np.array([paper.id.number for paper in papers], np.uint32)
