"""A vectorized tokenizer: the words of many texts as columns of word ids.

    texts ─▶ folded bytes ─▶ starts and ends of words ─▶ a 64-bit hash of each word ─▶ word ids

The words are those of `papers.text.folding.written_words`, which takes six times as long for them
one by one, in small letters but for the letters that decide a plural (`papers.text.plurals`). Only
a new word becomes a string. Words are identified by their hashes: among ten
million words, a collision is expected once in a hundred thousand years of arXiv. Nor can anybody
construct a collision, as every process draws a random key for its hashes.
"""

from __future__ import annotations

from collections.abc import Sequence
from secrets import randbits
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from papers.text.folding import fold_text
from papers.text.plurals import mark_case
from papers.text.text_readings import MAX_HYPHENS

WordIds = NDArray[np.uint32]
Offsets = NDArray[np.int64]
Hashes = NDArray[np.uint64]

UNKNOWN_WORD_ID: Final = np.uint32(0xFFFF_FFFF)
_BLANK: Final = ord(" ")
_BYTE_FOLDING: Final = bytes(
    code if code >= 128 else ord(chr(code).lower()) if chr(code).isalnum() else _BLANK
    for code in range(256)
)
"""Maps the bytes of folded UTF-8: letters to lower case, all other ASCII but digits to blanks."""

_CAPITAL_S, _SMALL_S, _HYPHEN = b"Ss-"
_CAPITALS: Final = (ord("A"), ord("Z"))

_BLOCK_BYTES: Final = 8
_BLOCK_MASKS: Final = np.array([(1 << 8 * size) - 1 for size in range(_BLOCK_BYTES + 1)], np.uint64)
"""Number of a word's remaining bytes to a mask of these among the next eight."""
_MIX_FACTOR: Final = np.uint64(0x9E37_79B9_7F4A_7C15)
_HALF_BITS: Final = np.uint64(32)
_INITIAL_BITS: Final = 14
_INVERSE_LOAD_FACTOR: Final = 4
"""A hash table is filled to a quarter at most, so probe sequences stay short."""


class TokenColumns(NamedTuple):
    """The word ids of several texts, one text after another, and the number of words per text.

    `is_hyphenated` says for each word whether a hyphen joins it with the next one.
    """

    word_ids: WordIds
    words_per_text: Offsets
    is_hyphenated: NDArray[np.bool_]


class _HashKey(NamedTuple):
    """The key of the hash function: a seed, and an odd factor."""

    seed: np.uint64
    factor: np.uint64

    @classmethod
    def random(cls) -> Self:
        """Draw an unpredictable key."""
        return cls(np.uint64(randbits(64)), np.uint64(randbits(64) | 1))


class Tokenizer:
    """Assigns ids to words in order of first appearance; `words` lists them by id."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._table, self._key = _HashTable(), _HashKey.random()

    def tokenize(self, texts: Sequence[str]) -> TokenColumns:
        """Return the word ids of texts; plurals are words of their own."""
        folded = [fold_text(text).encode() for text in texts]
        written = b" %b " % b" ".join(folded)
        lower = written.translate(_BYTE_FOLDING)
        starts, ends = _word_bounds(lower)
        buffer = _mark_plurals(written, lower, starts, ends)
        hashes = _hash_words(buffer, starts, ends, self._key)
        word_ids = self._table.find(hashes)
        missing = np.flatnonzero(word_ids == UNKNOWN_WORD_ID)
        if len(missing):
            new, first = np.unique(hashes[missing], return_index=True)
            self._table.insert(new)
            at = missing[first]
            spans = zip(starts[at].tolist(), ends[at].tolist(), strict=True)
            self.words += [buffer[start:end].decode() for start, end in spans]
            word_ids[missing] = self._table.find(hashes[missing])
        text_ends = np.cumsum([len(text) + 1 for text in folded]) + 1
        words_per_text = np.diff(np.searchsorted(starts, text_ends), prepend=0)
        return TokenColumns(word_ids, words_per_text, _find_hyphens(written, starts, ends))


def _word_bounds(buffer: bytes) -> tuple[Offsets, Offsets]:
    """Return the starts and the ends of the words; the buffer begins and ends with a blank."""
    letters = np.frombuffer(buffer, np.uint8) != _BLANK
    edges = np.flatnonzero(letters[1:] != letters[:-1]) + 1
    return edges[::2], edges[1::2]


def _mark_plurals(written: bytes, lower: bytes, starts: Offsets, ends: Offsets) -> bytes:
    """Return the words in lower case but for the letters that decide a plural; see `mark_case`."""
    codes = np.frombuffer(written, np.uint8)
    last, before = codes[ends - 1], codes[ends - 2]
    is_capital = (before >= _CAPITALS[0]) & (before <= _CAPITALS[1])
    deciding = (last == _CAPITAL_S) | ((last == _SMALL_S) & is_capital)
    marked = bytearray(lower)
    for start, end in zip(starts[deciding].tolist(), ends[deciding].tolist(), strict=True):
        marked[start:end] = mark_case(written[start:end].decode()).encode()
    return bytes(marked)


def _find_hyphens(written: bytes, starts: Offsets, ends: Offsets) -> NDArray[np.bool_]:
    """Return for each word whether one or two hyphens, and nothing else, follow it."""
    codes = np.frombuffer(written, np.uint8)
    found = np.zeros(len(starts), bool)
    gaps = starts[1:] - ends[:-1]
    is_near = (gaps == 1) | (gaps == MAX_HYPHENS)
    hyphens = (codes[ends[:-1]] == _HYPHEN) & (codes[starts[1:] - 1] == _HYPHEN)
    found[:-1] = is_near & hyphens
    return found


def _hash_words(buffer: bytes, starts: Offsets, ends: Offsets, key: _HashKey) -> Hashes:
    """Return the hashes of words, computed eight bytes of each at a time; none is 0."""
    padded = buffer + bytes(_BLOCK_BYTES)
    blocks = np.ndarray((len(padded) - _BLOCK_BYTES + 1,), "<u8", padded, strides=(1,))
    hashes = np.full(len(starts), key.seed)
    left, at = np.arange(len(starts)), starts
    while len(left):
        sizes = np.minimum(ends[left] - at, _BLOCK_BYTES)
        mixed = (hashes[left] ^ (blocks[at] & _BLOCK_MASKS[sizes])) * _MIX_FACTOR
        hashes[left] = (mixed ^ (mixed >> _HALF_BITS)) * key.factor
        more = ends[left] - at > _BLOCK_BYTES
        left, at = left[more], at[more] + _BLOCK_BYTES
    return hashes | np.uint64(1)


class _HashTable:
    """Maps hashes to ids, from 0 in order of insertion: open addressing, vectorized.

    https://en.wikipedia.org/wiki/Linear_probing
    """

    def __init__(self) -> None:
        self._size = 0
        self._allocate(_INITIAL_BITS)

    def _allocate(self, bits: int) -> None:
        self._bits = bits
        self._hashes = np.zeros(1 << bits, np.uint64)
        self._ids = np.full(1 << bits, UNKNOWN_WORD_ID, np.uint32)

    def find(self, hashes: Hashes) -> WordIds:
        """Return the id of each hash; `UNKNOWN_WORD_ID` if it was never inserted."""
        at = self._home_positions(hashes)
        found = self._hashes[at]
        left = np.flatnonzero((found != hashes) & (found != 0))
        while len(left):
            at[left] = self._next_positions(at[left])
            found = self._hashes[at[left]]
            left = left[(found != hashes[left]) & (found != 0)]
        return self._ids[at]

    def insert(self, hashes: Hashes) -> None:
        """Insert hashes that the table does not hold yet, without repetition."""
        count = self._size + len(hashes)
        if count * _INVERSE_LOAD_FACTOR > len(self._hashes):
            occupied = self._hashes != 0
            known, ids = self._hashes[occupied], self._ids[occupied]
            self._allocate((count * _INVERSE_LOAD_FACTOR).bit_length())
            self._insert_with_ids(known, ids)
        self._insert_with_ids(hashes, np.arange(self._size, count, dtype=np.uint32))
        self._size = count

    def _insert_with_ids(self, hashes: Hashes, ids: WordIds) -> None:
        at, left = self._home_positions(hashes), np.arange(len(hashes))
        while len(left):
            free = left[self._hashes[at[left]] == 0]
            self._hashes[at[free]] = hashes[free]  # the last one wins
            mine = self._hashes[at[left]] == hashes[left]
            self._ids[at[left[mine]]] = ids[left[mine]]
            left = left[~mine]
            at[left] = self._next_positions(at[left])

    def _home_positions(self, hashes: Hashes) -> Offsets:
        return (hashes >> np.uint64(64 - self._bits)).astype(np.int64)

    def _next_positions(self, positions: Offsets) -> Offsets:
        return (positions + 1) & ((1 << self._bits) - 1)
