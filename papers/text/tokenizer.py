"""The words of many texts at once: cut, hashed and numbered as columns.

    texts ─▶ bytes, folded ─▶ where words begin and end ─▶ a 64-bit hash of each ─▶ numbers

The words are those of `papers.text.folding.unstemmed`, which takes six times as long to come to
them one by one. Only a word that was never met becomes a string. A hash stands for its word: by
chance two of ten million words have the same once in a hundred thousand years of arXiv. And nobody
can make a word that has the hash of another: the key that hashes are made with is drawn anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from secrets import randbits
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from papers.text.folding import fold_text

WordIds = NDArray[np.uint32]
Offsets = NDArray[np.int64]
Hashes = NDArray[np.uint64]

UNKNOWN_WORD_ID: Final = np.uint32(0xFFFF_FFFF)
_BLANK: Final = ord(" ")
_BYTE_FOLDING: Final = bytes(
    code if code >= 128 else ord(chr(code).lower()) if chr(code).isalnum() else _BLANK
    for code in range(256)
)
"""What a byte of a folded text in UTF-8 becomes: ASCII parts words unless letter or digit."""

_BLOCK_BYTES: Final = 8
_BLOCK_MASKS: Final = np.array([(1 << 8 * size) - 1 for size in range(_BLOCK_BYTES + 1)], np.uint64)
"""By how many bytes of a word are left: which of the next eight are its own."""
_MIX_FACTOR: Final = np.uint64(0x9E37_79B9_7F4A_7C15)
_HALF_BITS: Final = np.uint64(32)
_INITIAL_BITS: Final = 14
_INVERSE_LOAD_FACTOR: Final = 4
"""Of so many places in a table one is taken: hardly two words want the same."""


class TokenColumns(NamedTuple):
    """The words of some texts, one text after another, and how many each text has."""

    word_ids: WordIds
    words_per_text: Offsets


class _HashKey(NamedTuple):
    """What hashes are made with: a seed, and an odd factor."""

    seed: np.uint64
    factor: np.uint64

    @classmethod
    def random(cls) -> Self:
        """One that nobody can foretell."""
        return cls(np.uint64(randbits(64)), np.uint64(randbits(64) | 1))


class Tokenizer:
    """Words numbered as they are met; `met` has them by number."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._table, self._key = _HashTable(), _HashKey.random()

    def tokenize(self, texts: Sequence[str]) -> TokenColumns:
        """The words of texts, plurals kept."""
        folded = [fold_text(text).encode() for text in texts]
        buffer = b" %b " % b" ".join(folded).translate(_BYTE_FOLDING)
        starts, ends = _word_bounds(buffer)
        hashes = _hash_words(buffer, starts, ends, self._key)
        numbers = self._table.find(hashes)
        missing = np.flatnonzero(numbers == UNKNOWN_WORD_ID)
        if len(missing):
            new, first = np.unique(hashes[missing], return_index=True)
            self._table.insert(new)
            at = missing[first]
            spans = zip(starts[at].tolist(), ends[at].tolist(), strict=True)
            self.words += [buffer[start:end].decode() for start, end in spans]
            numbers[missing] = self._table.find(hashes[missing])
        lasts = np.cumsum([len(text) + 1 for text in folded]) + 1
        return TokenColumns(numbers, np.diff(np.searchsorted(starts, lasts), prepend=0))


def _word_bounds(buffer: bytes) -> tuple[Offsets, Offsets]:
    """Where words begin, and where they end; there are blanks around all of them."""
    letters = np.frombuffer(buffer, np.uint8) != _BLANK
    edges = np.flatnonzero(letters[1:] != letters[:-1]) + 1
    return edges[::2], edges[1::2]


def _hash_words(buffer: bytes, starts: Offsets, ends: Offsets, key: _HashKey) -> Hashes:
    """Hashes of words, eight bytes of each at a time; none is 0."""
    padded = buffer + bytes(_BLOCK_BYTES)
    lanes = np.ndarray((len(padded) - _BLOCK_BYTES + 1,), "<u8", padded, strides=(1,))
    hashes = np.full(len(starts), key.seed)
    left, at = np.arange(len(starts)), starts
    while len(left):
        sizes = np.minimum(ends[left] - at, _BLOCK_BYTES)
        mixed = (hashes[left] ^ (lanes[at] & _BLOCK_MASKS[sizes])) * _MIX_FACTOR
        hashes[left] = (mixed ^ (mixed >> _HALF_BITS)) * key.factor
        more = ends[left] - at > _BLOCK_BYTES
        left, at = left[more], at[more] + _BLOCK_BYTES
    return hashes | np.uint64(1)


class _HashTable:
    """Hashes to numbers, from 0 in the order they are put: open addressing, many at once.

    https://en.wikipedia.org/wiki/Linear_probing
    """

    def __init__(self) -> None:
        self._size = 0
        self._allocate(_INITIAL_BITS)

    def _allocate(self, bits: int) -> None:
        self._bits = bits
        self._hashes = np.zeros(1 << bits, np.uint64)
        self._numbers = np.full(1 << bits, UNKNOWN_WORD_ID, np.uint32)

    def find(self, hashes: Hashes) -> WordIds:
        """The number of each hash; `UNKNOWN` of one that was never put."""
        at = self._home_positions(hashes)
        met = self._hashes[at]
        left = np.flatnonzero((met != hashes) & (met != 0))
        while len(left):
            at[left] = self._next_positions(at[left])
            met = self._hashes[at[left]]
            left = left[(met != hashes[left]) & (met != 0)]
        return self._numbers[at]

    def insert(self, hashes: Hashes) -> None:
        """Take in hashes that are not there, each once."""
        count = self._size + len(hashes)
        if count * _INVERSE_LOAD_FACTOR > len(self._hashes):
            taken = self._hashes != 0
            known, numbers = self._hashes[taken], self._numbers[taken]
            self._allocate((count * _INVERSE_LOAD_FACTOR).bit_length())
            self._insert_numbered(known, numbers)
        self._insert_numbered(hashes, np.arange(self._size, count, dtype=np.uint32))
        self._size = count

    def _insert_numbered(self, hashes: Hashes, numbers: WordIds) -> None:
        at, left = self._home_positions(hashes), np.arange(len(hashes))
        while len(left):
            free = left[self._hashes[at[left]] == 0]
            self._hashes[at[free]] = hashes[free]  # of several that want one place, the last
            mine = self._hashes[at[left]] == hashes[left]
            self._numbers[at[left[mine]]] = numbers[left[mine]]
            left = left[~mine]
            at[left] = self._next_positions(at[left])

    def _home_positions(self, hashes: Hashes) -> Offsets:
        return (hashes >> np.uint64(64 - self._bits)).astype(np.int64)

    def _next_positions(self, places: Offsets) -> Offsets:
        return (places + 1) & ((1 << self._bits) - 1)
