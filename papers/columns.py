"""Many papers at once as columns of numbers: which have a term, which a pair.

    papers ─▶ words ─▶ numbers ─▶ keys `term << 16 | paper`, `slot << 16 | paper`, sorted

A paper has some 150 terms and 130 pairs. To group them by loops takes ten times as long as to sort
them as numbers does.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from papers.paper import Paper
from papers.singular import singular
from papers.terms import PAIR_FACTOR, labels_of, names_of, word_hash
from papers.text import unstemmed

Keys = NDArray[np.uint64]
"""Sorted, each once: a number above, and in the lower 16 bits that of a paper in its month."""

_PAPER_BITS: Final = np.uint64(16)


Pairs = NDArray[np.uint32]
"""Hashes of pairs, in any order."""


class Found(NamedTuple):
    """The keys of terms by their numbers in a vocabulary and of slots of pairs; and the pairs."""

    terms: Keys
    slots: Keys
    pairs: Pairs


class Vocabulary:
    """Terms numbered as they are met; for words of texts, the hashes pairs are made of as well."""

    def __init__(self) -> None:
        self.terms: list[bytes] = []
        self.hashes = array("I")
        self.words = _Numbers(self, "w", singular)
        self.titles = _Numbers(self, "t", singular)
        self.comments = _Numbers(self, "m", singular)
        self.organizations = _Numbers(self, "o", singular)
        self.names = _Numbers(self, "a", str)
        self.labels = _Numbers(self, "", str)

    def found(self, papers: Iterable[Paper], slot_bits: int) -> Found:
        """The keys of papers; one that nobody has described has none."""
        texts, rest = _Column(), _Column()
        for paper in papers:
            if not paper.described:
                continue
            number, title, marks = paper.id.number, unstemmed(paper.title), rest.numbers
            texts.add(number, map(self.words.__getitem__, title))
            texts.add(number, map(self.words.__getitem__, unstemmed(paper.abstract)))
            marks.extend(map(self.titles.__getitem__, title))
            marks.extend(map(self.names.__getitem__, names_of(paper)))
            if paper.comment:
                marks.extend(map(self.comments.__getitem__, unstemmed(paper.comment)))
            if paper.organization:
                marks.extend(map(self.organizations.__getitem__, unstemmed(paper.organization)))
            rest.add(number, map(self.labels.__getitem__, labels_of(paper)))
        terms = np.concatenate([texts.keys(), rest.keys()])
        pairs, papers_of_pairs = self._pairs(texts)
        slots = (pairs >> np.uint32(32 - slot_bits)).astype(np.uint64) << _PAPER_BITS
        return Found(_once(terms), _once(slots | papers_of_pairs), pairs)

    def _pairs(self, texts: _Column) -> tuple[Pairs, NDArray[np.uint64]]:
        """Neighbouring words of a text, those that only join passed over; and whose they are."""
        hashes, parts = np.array(self.hashes, np.uint32)[texts.array()], texts.parts()
        telling = hashes != 0
        hashes, parts = hashes[telling], parts[telling]
        neighbours = parts[1:] == parts[:-1]
        pairs = (hashes[:-1] * np.uint32(PAIR_FACTOR) ^ hashes[1:])[neighbours]
        return pairs, texts.papers()[parts[1:][neighbours]]


class _Numbers(dict[str, int]):
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


class _Column:
    """Numbers of terms, one after another; of whom they are is told by where each part ends."""

    def __init__(self) -> None:
        self.numbers = array("I")
        self._ends = array("Q")
        self._papers = array("Q")

    def add(self, paper: int, numbers: Iterable[int]) -> None:
        """End a part of a paper's."""
        self.numbers.extend(numbers)
        self._ends.append(len(self.numbers))
        self._papers.append(paper)

    def array(self) -> NDArray[np.uint32]:
        """All numbers."""
        return np.array(self.numbers, np.uint32)

    def parts(self) -> NDArray[np.int64]:
        """The part that each number is in."""
        ends = np.array([0, *self._ends], np.int64)
        return np.repeat(np.arange(len(self._ends)), ends[1:] - ends[:-1])

    def papers(self) -> NDArray[np.uint64]:
        """The paper of each part."""
        return np.array(self._papers, np.uint64)

    def keys(self) -> Keys:
        """Each number with its paper; not sorted."""
        keys: Keys = (self.array().astype(np.uint64) << _PAPER_BITS) | self.papers()[self.parts()]
        return keys


def _once(keys: Keys) -> Keys:
    """Sorted, each once. numpy's own `unique` takes thirty times as long as sorting."""
    keys.sort()
    once: Keys = keys[np.diff(keys, prepend=keys[:1] + keys.dtype.type(1)) != 0]
    return once


def places_of(pairs: Pairs, bits: int) -> Pairs:
    """The upper bits of hashes, sorted, each once."""
    places: Any = pairs >> np.uint32(32 - bits)
    return cast("Pairs", _once(places))


def without(keys: Keys, others: Keys) -> Keys:
    """The keys that are not among the others."""
    if not len(others):
        return keys
    at = np.minimum(np.searchsorted(others, keys), len(others) - 1)
    left: Keys = keys[others[at] != keys]
    return left


def together(keys: Keys, others: Keys) -> Keys:
    """The keys of both."""
    return _once(np.concatenate([keys, others])) if len(others) else keys


def groups(keys: Keys) -> Iterator[tuple[int, bytes]]:
    """Each number above with its papers, ascending: little-endian, 16 bits each."""
    above = (keys >> _PAPER_BITS).astype(np.int64)
    starts = np.flatnonzero(np.diff(above, prepend=-1))
    papers = keys.astype("<u2").tobytes()
    ends = [*(2 * starts[1:]).tolist(), len(papers)]
    for number, start, end in zip(
        above[starts].tolist(), (2 * starts).tolist(), ends, strict=False
    ):
        yield number, papers[start:end]
