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

from papers.index.layout import PAIR_BITS, PAPER_BITS, YEAR, YEAR_BITS
from papers.index.terms import FACTOR, labels_of, word_hash
from papers.model.arxiv_id import month_place
from papers.model.paper import Paper
from papers.text.plurals import singular
from papers.text.tokenizer import UNKNOWN, Numbers, Words

Keys = NDArray[np.uint64]
"""Sorted, each once: a number above, and below that of a paper in its month or in its year."""

_AT_ONCE: Final = 1_000
"""Papers whose columns are made together: they stay in a processor's cache."""

_MOST_TERMS: Final = 400_000
"""Terms that a vocabulary holds, about: some hundred megabytes."""

NO_KEYS: Final[Keys] = np.array([], np.uint64)


class Found(NamedTuple):
    """The keys of terms by their numbers in a vocabulary, of papers in their month; and of pairs.

    Those of pairs are of papers in their year, as they are the same in every index.
    """

    terms: Keys
    pairs: Keys


class Vocabulary:
    """Terms numbered as they are met, with the hashes that pairs are made of; 0 makes none."""

    def __init__(self) -> None:
        self.terms: list[bytes] = []
        self.hashes = array("Q")
        self._met = Words()
        self._words = _Kind(self, "w", singular)
        self._titles = _Kind(self, "t", singular)
        self._comments = _Kind(self, "m", singular)
        self._organizations = _Kind(self, "o", singular)
        self._names = _Kind(self, "a", str)
        self._pairs_of_names = _Paired(self)
        self._labels = _Kind(self, "", str)

    @property
    def is_full(self) -> bool:
        """Whether it is time for another: most words occur once."""
        return len(self.terms) > _MOST_TERMS

    def found(self, papers: Iterable[Paper]) -> Found:
        """The keys of papers of a month; one that nobody has described has none."""
        found = [self._found(some) for some in _in_turns(papers)]
        if not found:
            return Found(NO_KEYS, NO_KEYS)
        terms, pairs = map(np.concatenate, zip(*found, strict=True))
        return Found(once(terms), once(pairs))

    def pairs(self, papers: Iterable[Paper]) -> Keys:
        """Those of pairs alone."""
        turns = _in_turns(papers)
        found = [self._pairs(self._texts(some)[1], some[0].id.month) for some in turns]
        return once(np.concatenate([NO_KEYS, *found]))

    def _found(self, papers: Sequence[Paper]) -> Found:
        """The same, not sorted."""
        numbers = _numbers(papers)
        names = self._column(
            [name for paper in papers for name in paper.authors],
            np.repeat(numbers, [len(paper.authors) for paper in papers]),
            self._names,
        )
        title, texts = self._texts(papers)
        columns = [
            texts,
            title.numbered(self._titles),
            names,
            self._paired(names),
            self._column([paper.comment for paper in papers], numbers, self._comments),
            self._column([paper.organization for paper in papers], numbers, self._organizations),
            self._labelled([labels_of(paper) for paper in papers], numbers),
        ]
        terms = np.concatenate([column.keys() for column in columns])
        return Found(terms, self._pairs(texts, papers[0].id.month))

    def _texts(self, papers: Sequence[Paper]) -> tuple[_Column, _Column]:
        """The words of titles; and those of titles and abstracts, as terms."""
        numbers = _numbers(papers)
        title = self._column([paper.title for paper in papers], numbers)
        abstract = self._column([paper.abstract for paper in papers], numbers)
        return title, _Column.of(title.numbered(self._words), abstract.numbered(self._words))

    def _column(self, texts: Sequence[str], papers: Numbers, kind: _Kind | None = None) -> _Column:
        """The words of a text of each paper, or the terms they are."""
        words, counts = self._met.of(texts)
        column = _Column(words, np.repeat(np.arange(len(texts)), counts), papers)
        return column.numbered(kind) if kind else column

    def _labelled(self, labels: Sequence[Sequence[str]], papers: Numbers) -> _Column:
        numbers = [self._labels.strings[label] for some in labels for label in some]
        parts = np.repeat(np.arange(len(labels)), [len(some) for some in labels])
        return _Column(np.array(numbers, np.uint32), parts, papers)

    def _paired(self, names: _Column) -> _Column:
        """The terms of two words that follow one another in a name."""
        follows = names.parts[1:] == names.parts[:-1]
        first, then = names.numbers[:-1][follows].astype(np.uint64), names.numbers[1:][follows]
        pairs, places = np.unique(first << np.uint64(32) | then, return_inverse=True)
        terms = np.array([self._pairs_of_names[pair] for pair in pairs.tolist()], np.uint32)
        return names._replace(numbers=terms[places], parts=names.parts[1:][follows])

    def _pairs(self, texts: _Column, month: int) -> Keys:
        """Neighbouring words of a text of a month (YYYYMM), with those between that only join."""
        hashes, parts = np.frombuffer(self.hashes, np.uint64)[texts.numbers], texts.parts
        telling = np.flatnonzero(hashes & np.uint64(1))
        neighbours = np.flatnonzero(parts[telling[1:]] == parts[telling[:-1]])
        first, last = telling[neighbours], telling[neighbours + 1]
        pairs = hashes[first] * np.uint64(FACTOR) ^ hashes[first + 1]
        left = np.flatnonzero(last - first > 1)
        at = first[left] + 2
        while len(left):
            pairs[left] = pairs[left] * np.uint64(FACTOR) ^ hashes[at]
            more = at < last[left]
            left, at = left[more], at[more] + 1
        above = month_place(month) % YEAR << PAPER_BITS
        papers = texts.papers[parts[first]].astype(np.uint64) | np.uint64(above)
        return keyed(_mixed(pairs), papers, YEAR_BITS)

    def words_of(self, numbers: Numbers) -> list[str]:
        """Words by the numbers that a column without a kind has."""
        return [self._met.met[number] for number in numbers.tolist()]


class _Kind:
    """The terms that words of one kind of text are, by the numbers of the words."""

    def __init__(self, vocabulary: Vocabulary, kind: str, fold: Callable[[str], str]) -> None:
        self._vocabulary = vocabulary
        self.strings = _Strings(vocabulary, kind, fold)
        self._numbers = np.array([], np.uint32)

    def of(self, words: Numbers) -> Numbers:
        """The number of each word's term."""
        most = int(words.max(initial=0)) + 1
        if most > len(self._numbers):
            fresh = np.full(2 * most, UNKNOWN, np.uint32)
            fresh[: len(self._numbers)] = self._numbers
            self._numbers = fresh
        numbers = self._numbers[words]
        missing = numbers == UNKNOWN
        if missing.any():
            new = np.unique(words[missing])
            strings = self._vocabulary.words_of(new)
            self._numbers[new] = [self.strings[string] for string in strings]
            numbers = self._numbers[words]
        return numbers


class _Strings(dict[str, int]):
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
            self._vocabulary.hashes.append(word_hash(word) if self._kind == "w" else 0)
        self[word] = number
        return number


class _Paired(dict[int, int]):
    """Two terms of words of names, `first << 32 | then`, to the number of theirs together."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__()
        self._vocabulary = vocabulary

    def __missing__(self, pair: int) -> int:
        terms = self._vocabulary.terms
        self[pair] = number = len(terms)
        first, then = terms[pair >> 32], terms[pair & 0xFFFF_FFFF]
        terms.append(b"n%b %b" % (first[1:], then[1:]))
        self._vocabulary.hashes.append(0)
        return number


class _Column(NamedTuple):
    """Numbers of words or of terms, one text after another, and the text that each is in.

    `papers` has the paper of each text.
    """

    numbers: Numbers
    parts: NDArray[np.int64]
    papers: Numbers

    @classmethod
    def of(cls, first: _Column, then: _Column) -> _Column:
        """Two columns as one."""
        parts = [first.parts, then.parts + len(first.papers)]
        return cls(
            np.concatenate([first.numbers, then.numbers]),
            np.concatenate(parts),
            np.concatenate([first.papers, then.papers]),
        )

    def numbered(self, kind: _Kind) -> _Column:
        """The terms that words are."""
        return self._replace(numbers=kind.of(self.numbers))

    def keys(self) -> Keys:
        """Each number with its paper; not sorted."""
        return keyed(self.numbers.astype(np.uint64), self.papers[self.parts])


def _in_turns(papers: Iterable[Paper]) -> Iterator[Sequence[Paper]]:
    """Those that anybody has described, so many at a time."""
    described = [paper for paper in papers if paper.described]
    return (described[at : at + _AT_ONCE] for at in range(0, len(described), _AT_ONCE))


def _numbers(papers: Sequence[Paper]) -> Numbers:
    return np.array([paper.id.number for paper in papers], np.uint32)


def _mixed(pairs: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """As `papers.index.terms.mixed` does, many."""
    mixed = (pairs ^ (pairs >> np.uint64(32))) * np.uint64(FACTOR)
    return mixed >> np.uint64(64 - PAIR_BITS)


def keyed(numbers: Any, papers: Any, bits: int = PAPER_BITS) -> Keys:
    """Keys, as they come, of numbers and of papers, of which the latter have so many bits."""
    keys: Keys = (numbers << np.uint64(bits)) | papers
    return keys


def once(keys: Keys) -> Keys:
    """Keys in any order, sorted, each once; numpy's own `unique` takes thirty times as long."""
    keys.sort()
    first = np.ones(len(keys), bool)
    np.not_equal(keys[1:], keys[:-1], out=first[1:])
    kept: Keys = keys[first]
    return kept


def without(keys: Keys, others: Keys) -> Keys:
    """The keys that are not among the others."""
    if not len(others):
        return keys
    at = np.minimum(np.searchsorted(others, keys), len(others) - 1)
    left: Keys = keys[others[at] != keys]
    return left


def together(keys: Keys, others: Keys) -> Keys:
    """The keys of both."""
    return once(np.concatenate([keys, others])) if len(others) else keys


def groups(keys: Keys, first: int, bits: int = PAPER_BITS) -> Iterator[tuple[int, bytes]]:
    """Each number above with its papers, ascending, as places: little-endian, 32 bits each.

    `first` is the place where the papers' month, or year, begins.
    """
    above = (keys >> np.uint64(bits)).astype(np.int64)
    starts = np.flatnonzero(np.diff(above, prepend=-1))
    papers = keys & np.uint64((1 << bits) - 1)
    places = (papers + np.uint64(first)).astype("<u4").tobytes()
    ends = [*(4 * starts[1:]).tolist(), len(places)]
    for number, start, end in zip(
        above[starts].tolist(), (4 * starts).tolist(), ends, strict=False
    ):
        yield number, places[start:end]
