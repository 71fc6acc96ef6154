"""Many papers at once as columns of numbers: which have a term, which a pair.

    papers ─▶ words ─▶ numbers ─▶ keys `term << 16 | paper`, `pair << 20 | paper`, sorted

A paper has some 150 terms and 130 pairs. To group them by loops takes ten times as long as to sort
them as numbers does.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from papers.index.layout import MONTH_PAPER_BITS, MONTHS_PER_YEAR, SHINGLE_BITS, YEAR_PAPER_BITS
from papers.index.terms import HASH_MULTIPLIER, paper_label_terms, word_hash
from papers.model.arxiv_id import month_ordinal
from papers.model.paper import Paper
from papers.text.plurals import singularize
from papers.text.tokenizer import UNKNOWN_WORD_ID, Tokenizer, WordIds

PostingKeys = NDArray[np.uint64]
"""Sorted, each once: a number above, and below that of a paper in its month or in its year."""

_BATCH_SIZE: Final = 1_000
"""Papers whose columns are made together: they stay in a processor's cache."""

_MAX_TERMS: Final = 400_000
"""Terms that a vocabulary holds, about: some hundred megabytes."""

NO_KEYS: Final[PostingKeys] = np.array([], np.uint64)


class BatchKeys(NamedTuple):
    """The keys of terms by their numbers in a vocabulary, of papers in their month; and of pairs.

    Those of pairs are of papers in their year, as they are the same in every index.
    """

    term_keys: PostingKeys
    shingle_keys: PostingKeys


class Vocabulary:
    """Terms numbered as they are met, with the hashes that pairs are made of; 0 makes none."""

    def __init__(self) -> None:
        self.terms: list[bytes] = []
        self.word_hashes = array("Q")
        self._tokenizer = Tokenizer()
        self._words = _TermKind(self, "w", singularize)
        self._titles = _TermKind(self, "t", singularize)
        self._comments = _TermKind(self, "m", singularize)
        self._organizations = _TermKind(self, "o", singularize)
        self._author_words = _TermKind(self, "a", str)
        self._author_bigrams = _BigramNumbers(self)
        self._labels = _TermKind(self, "", str)

    @property
    def is_full(self) -> bool:
        """Whether it is time for another: most words occur once."""
        return len(self.terms) > _MAX_TERMS

    def batch_keys(self, papers: Iterable[Paper]) -> BatchKeys:
        """The keys of papers of a month; one that nobody has described has none."""
        found = [self._unsorted_keys(some) for some in _described_batches(papers)]
        if not found:
            return BatchKeys(NO_KEYS, NO_KEYS)
        terms, pairs = map(np.concatenate, zip(*found, strict=True))
        return BatchKeys(sort_unique(terms), sort_unique(pairs))

    def shingle_keys(self, papers: Iterable[Paper]) -> PostingKeys:
        """Those of pairs alone."""
        turns = _described_batches(papers)
        found = [
            self._shingle_keys(self._title_and_text_columns(some)[1], some[0].id.month)
            for some in turns
        ]
        return sort_unique(np.concatenate([NO_KEYS, *found]))

    def _unsorted_keys(self, papers: Sequence[Paper]) -> BatchKeys:
        """The same, not sorted."""
        numbers = _paper_numbers(papers)
        names = self._tokenize_column(
            [name for paper in papers for name in paper.authors],
            np.repeat(numbers, [len(paper.authors) for paper in papers]),
            self._author_words,
        )
        title, texts = self._title_and_text_columns(papers)
        columns = [
            texts,
            title.to_terms(self._titles),
            names,
            self._bigram_column(names),
            self._tokenize_column([paper.comment for paper in papers], numbers, self._comments),
            self._tokenize_column(
                [paper.organization for paper in papers], numbers, self._organizations
            ),
            self._label_column([paper_label_terms(paper) for paper in papers], numbers),
        ]
        terms = np.concatenate([column.to_keys() for column in columns])
        return BatchKeys(terms, self._shingle_keys(texts, papers[0].id.month))

    def _title_and_text_columns(self, papers: Sequence[Paper]) -> tuple[_TermColumn, _TermColumn]:
        """The words of titles; and those of titles and abstracts, as terms."""
        numbers = _paper_numbers(papers)
        title = self._tokenize_column([paper.title for paper in papers], numbers)
        abstract = self._tokenize_column([paper.abstract for paper in papers], numbers)
        return title, _TermColumn.concatenate(
            title.to_terms(self._words), abstract.to_terms(self._words)
        )

    def _tokenize_column(
        self, texts: Sequence[str], papers: WordIds, kind: _TermKind | None = None
    ) -> _TermColumn:
        """The words of a text of each paper, or the terms they are."""
        words, counts = self._tokenizer.tokenize(texts)
        column = _TermColumn(words, np.repeat(np.arange(len(texts)), counts), papers)
        return column.to_terms(kind) if kind else column

    def _label_column(self, labels: Sequence[Sequence[str]], papers: WordIds) -> _TermColumn:
        numbers = [self._labels.numbers_by_word[label] for some in labels for label in some]
        parts = np.repeat(np.arange(len(labels)), [len(some) for some in labels])
        return _TermColumn(np.array(numbers, np.uint32), parts, papers)

    def _bigram_column(self, names: _TermColumn) -> _TermColumn:
        """The terms of two words that follow one another in a name."""
        follows = names.text_indexes[1:] == names.text_indexes[:-1]
        first, then = names.numbers[:-1][follows].astype(np.uint64), names.numbers[1:][follows]
        pairs, places = np.unique(first << np.uint64(32) | then, return_inverse=True)
        terms = np.array([self._author_bigrams[pair] for pair in pairs.tolist()], np.uint32)
        return names._replace(numbers=terms[places], text_indexes=names.text_indexes[1:][follows])

    def _shingle_keys(self, texts: _TermColumn, month: int) -> PostingKeys:
        """Neighbouring words of a text of a month (YYYYMM), with those between that only join."""
        hashes, parts = (
            np.frombuffer(self.word_hashes, np.uint64)[texts.numbers],
            texts.text_indexes,
        )
        telling = np.flatnonzero(hashes & np.uint64(1))
        neighbours = np.flatnonzero(parts[telling[1:]] == parts[telling[:-1]])
        first, last = telling[neighbours], telling[neighbours + 1]
        pairs = hashes[first] * np.uint64(HASH_MULTIPLIER) ^ hashes[first + 1]
        left = np.flatnonzero(last - first > 1)
        at = first[left] + 2
        while len(left):
            pairs[left] = pairs[left] * np.uint64(HASH_MULTIPLIER) ^ hashes[at]
            more = at < last[left]
            left, at = left[more], at[more] + 1
        above = month_ordinal(month) % MONTHS_PER_YEAR << MONTH_PAPER_BITS
        papers = texts.text_papers[parts[first]].astype(np.uint64) | np.uint64(above)
        return make_keys(_finalize_hashes(pairs), papers, YEAR_PAPER_BITS)

    def words_by_number(self, numbers: WordIds) -> list[str]:
        """Words by the numbers that a column without a kind has."""
        return [self._tokenizer.words[number] for number in numbers.tolist()]


class _TermKind:
    """The terms that words of one kind of text are, by the numbers of the words."""

    def __init__(self, vocabulary: Vocabulary, kind: str, fold: Callable[[str], str]) -> None:
        self._vocabulary = vocabulary
        self.numbers_by_word = _TermNumbers(vocabulary, kind, fold)
        self._numbers = np.array([], np.uint32)

    def term_numbers(self, words: WordIds) -> WordIds:
        """The number of each word's term."""
        most = int(words.max(initial=0)) + 1
        if most > len(self._numbers):
            fresh = np.full(2 * most, UNKNOWN_WORD_ID, np.uint32)
            fresh[: len(self._numbers)] = self._numbers
            self._numbers = fresh
        numbers = self._numbers[words]
        missing = numbers == UNKNOWN_WORD_ID
        if missing.any():
            new = np.unique(words[missing])
            strings = self._vocabulary.words_by_number(new)
            self._numbers[new] = [self.numbers_by_word[string] for string in strings]
            numbers = self._numbers[words]
        return numbers


class _TermNumbers(dict[str, int]):
    """Words to the numbers of their terms. A dict's look-up runs in C; this only when it fails."""

    def __init__(self, vocabulary: Vocabulary, kind: str, fold: Callable[[str], str]) -> None:
        super().__init__()
        self._vocabulary, self._kind, self._fold = vocabulary, kind, fold

    def __missing__(self, word: str) -> int:
        folded = self._fold(word)
        if folded != word:
            number = self[folded]
        else:
            number = len(self._vocabulary.terms)
            self._vocabulary.terms.append(f"{self._kind}{word}".encode())
            self._vocabulary.word_hashes.append(word_hash(word) if self._kind == "w" else 0)
        self[word] = number
        return number


class _BigramNumbers(dict[int, int]):
    """Two terms of words of names, `first << 32 | then`, to the number of theirs together."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__()
        self._vocabulary = vocabulary

    def __missing__(self, pair: int) -> int:
        terms = self._vocabulary.terms
        self[pair] = number = len(terms)
        first, then = terms[pair >> 32], terms[pair & 0xFFFF_FFFF]
        terms.append(b"n%b %b" % (first[1:], then[1:]))
        self._vocabulary.word_hashes.append(0)
        return number


class _TermColumn(NamedTuple):
    """Numbers of words or of terms, one text after another, and the text that each is in.

    `papers` has the paper of each text.
    """

    numbers: WordIds
    text_indexes: NDArray[np.int64]
    text_papers: WordIds

    @classmethod
    def concatenate(cls, first: _TermColumn, then: _TermColumn) -> _TermColumn:
        """Two columns as one."""
        parts = [first.text_indexes, then.text_indexes + len(first.text_papers)]
        return cls(
            np.concatenate([first.numbers, then.numbers]),
            np.concatenate(parts),
            np.concatenate([first.text_papers, then.text_papers]),
        )

    def to_terms(self, kind: _TermKind) -> _TermColumn:
        """The terms that words are."""
        return self._replace(numbers=kind.term_numbers(self.numbers))

    def to_keys(self) -> PostingKeys:
        """Each number with its paper; not sorted."""
        return make_keys(self.numbers.astype(np.uint64), self.text_papers[self.text_indexes])


def _described_batches(papers: Iterable[Paper]) -> Iterator[Sequence[Paper]]:
    """Those that anybody has described, so many at a time."""
    described = [paper for paper in papers if paper.is_described]
    return (described[at : at + _BATCH_SIZE] for at in range(0, len(described), _BATCH_SIZE))


def _paper_numbers(papers: Sequence[Paper]) -> WordIds:
    return np.array([paper.id.number for paper in papers], np.uint32)


def _finalize_hashes(rolling_hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """As `papers.index.terms.mixed` does, many."""
    mixed = (rolling_hashes ^ (rolling_hashes >> np.uint64(32))) * np.uint64(HASH_MULTIPLIER)
    return mixed >> np.uint64(64 - SHINGLE_BITS)


def make_keys(numbers: Any, papers: Any, paper_bits: int = MONTH_PAPER_BITS) -> PostingKeys:
    """Keys, as they come, of numbers and of papers, of which the latter have so many bits."""
    keys: PostingKeys = (numbers << np.uint64(paper_bits)) | papers
    return keys


def sort_unique(keys: PostingKeys) -> PostingKeys:
    """Keys in any order, sorted, each once; numpy's own `unique` takes thirty times as long."""
    keys.sort()
    first = np.ones(len(keys), bool)
    np.not_equal(keys[1:], keys[:-1], out=first[1:])
    kept: PostingKeys = keys[first]
    return kept


def subtract_keys(keys: PostingKeys, others: PostingKeys) -> PostingKeys:
    """The keys that are not among the others."""
    if not len(others):
        return keys
    at = np.minimum(np.searchsorted(others, keys), len(others) - 1)
    left: PostingKeys = keys[others[at] != keys]
    return left


def merge_keys(keys: PostingKeys, others: PostingKeys) -> PostingKeys:
    """The keys of both."""
    return sort_unique(np.concatenate([keys, others])) if len(others) else keys


def group_doc_ids(
    keys: PostingKeys, first_doc_id: int, paper_bits: int = MONTH_PAPER_BITS
) -> Iterator[tuple[int, bytes]]:
    """Each number above with its papers, ascending, as places: little-endian, 32 bits each.

    `first` is the place where the papers' month, or year, begins.
    """
    above = (keys >> np.uint64(paper_bits)).astype(np.int64)
    starts = np.flatnonzero(np.diff(above, prepend=-1))
    papers = keys & np.uint64((1 << paper_bits) - 1)
    places = (papers + np.uint64(first_doc_id)).astype("<u4").tobytes()
    ends = [*(4 * starts[1:]).tolist(), len(places)]
    for number, start, end in zip(
        above[starts].tolist(), (4 * starts).tolist(), ends, strict=False
    ):
        yield number, places[start:end]
