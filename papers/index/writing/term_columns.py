"""Columns of words and terms: many texts as numbers, in their open and closed readings.

The closed readings are those of `papers.text.compounds`, for whole columns at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from papers.index.layout import MONTH_PAPER_BITS, MONTHS_PER_YEAR, YEAR_PAPER_BITS
from papers.index.shingles.column_hashing import hash_columns
from papers.index.shingles.shingle_keys import PostingKeys, make_keys
from papers.model.arxiv_id import month_ordinal
from papers.text.compounds import may_join
from papers.text.tokenizer import WordIds

NO_FLAGS: Final = np.array([], bool)


class JoinedWords:
    """Joined words by the tokenizer ids of their two parts; decides which pairs are joined."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        self._joined: dict[int, str] = {}

    def of_pairs(self, first: WordIds, second: WordIds) -> list[str]:
        """Return the joined word of each pair; "" if it may not be joined."""
        pairs = first.astype(np.uint64) << np.uint64(32) | second
        return [self[pair] for pair in pairs.tolist()]

    def __getitem__(self, pair: int) -> str:
        """Return the joined word of a pair; "" if it may not be joined."""
        joined = self._joined.get(pair)
        if joined is None:
            first, second = self._words[pair >> 32], self._words[pair & 0xFFFF_FFFF]
            joined = first + second if may_join(first.lower(), second.lower()) else ""
            self._joined[pair] = joined
        return joined


def closed_reading_masks(joinable: NDArray[np.bool_]) -> Iterator[NDArray[np.bool_]]:
    """Yield a mask of the pairs that each closed reading joins; see `closed_reading_joins`."""
    at = np.arange(len(joinable))
    position = at - np.maximum.accumulate(np.where(joinable, -1, at))
    for offset in (0, 1):
        joined = joinable & (position > offset) & ((position - offset) % 2 == 1)
        if joined.any():
            yield joined


class TermColumn(NamedTuple):
    """Word ids or term numbers, one text after another, and the index of the text of each.

    `text_papers` has the paper number of each text. `flags` say for words whether they are
    hyphenated with the next one, and for the terms of a closed reading whether they are joined.
    """

    numbers: WordIds
    text_indexes: NDArray[np.int64]
    text_papers: WordIds
    flags: NDArray[np.bool_]

    @classmethod
    def concatenate(cls, first: TermColumn, then: TermColumn) -> TermColumn:
        """Return two columns as one."""
        text_indexes = [first.text_indexes, then.text_indexes + len(first.text_papers)]
        return cls(
            np.concatenate([first.numbers, then.numbers]),
            np.concatenate(text_indexes),
            np.concatenate([first.text_papers, then.text_papers]),
            np.concatenate([first.flags, then.flags]),
        )

    def close(self, joined: NDArray[np.bool_], joined_numbers: Sequence[int]) -> TermColumn:
        """Return the closed reading: pairs that begin at `joined` become the `joined_numbers`."""
        numbers = self.numbers.copy()
        numbers[joined] = joined_numbers
        kept = np.ones(len(numbers), bool)
        kept[1:] = ~joined[:-1]
        indexes = self.text_indexes[kept]
        return self._replace(numbers=numbers[kept], text_indexes=indexes, flags=joined[kept])

    @property
    def only_joined(self) -> TermColumn:
        """The joined words of a closed reading; its other words are in the open reading as well."""
        indexes, flags = self.text_indexes[self.flags], self.flags[self.flags]
        return self._replace(numbers=self.numbers[self.flags], text_indexes=indexes, flags=flags)

    def shingle_keys(
        self, hashes: NDArray[np.uint64], *, is_closed: bool, month: int
    ) -> PostingKeys:
        """Return the unsorted shingle keys of term numbers, papers of a month (YYYYMM).

        `hashes` are those of all terms. For a closed reading, only the shingles with a joined word
        are returned.
        """
        wanted = self.flags if is_closed else None
        shingles, first = hash_columns(hashes[self.numbers], self.text_indexes, wanted)
        month_bits = np.uint64(month_ordinal(month) % MONTHS_PER_YEAR << MONTH_PAPER_BITS)
        papers = self.text_papers[self.text_indexes[first]].astype(np.uint64) | month_bits
        return make_keys(shingles, papers, YEAR_PAPER_BITS)

    def to_keys(self) -> PostingKeys:
        """Return the posting key of each number and its paper, unsorted."""
        return make_keys(self.numbers.astype(np.uint64), self.text_papers[self.text_indexes])
