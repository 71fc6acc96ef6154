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

from papers.text.folding import unparted

Numbers = NDArray[np.uint32]
Places = NDArray[np.int64]
Hashes = NDArray[np.uint64]

UNKNOWN: Final = np.uint32(0xFFFF_FFFF)
_BLANK: Final = ord(" ")
_LETTERS: Final = bytes(
    code if code >= 128 else ord(chr(code).lower()) if chr(code).isalnum() else _BLANK
    for code in range(256)
)
"""What a byte of a folded text in UTF-8 becomes: ASCII parts words unless letter or digit."""

_LANE: Final = 8
_LANES: Final = np.array([(1 << 8 * size) - 1 for size in range(_LANE + 1)], np.uint64)
"""By how many bytes of a word are left: which of the next eight are its own."""
_FACTOR: Final = np.uint64(0x9E37_79B9_7F4A_7C15)
_HALF: Final = np.uint64(32)
_SMALLEST: Final = 14
_SPARE: Final = 4
"""Of so many places in a table one is taken: hardly two words want the same."""


class Tokens(NamedTuple):
    """The words of some texts, one text after another, and how many each text has."""

    numbers: Numbers
    counts: Places


class _Key(NamedTuple):
    """What hashes are made with: a seed, and an odd factor."""

    seed: np.uint64
    factor: np.uint64

    @classmethod
    def drawn(cls) -> Self:
        """One that nobody can foretell."""
        return cls(np.uint64(randbits(64)), np.uint64(randbits(64) | 1))


class Words:
    """Words numbered as they are met; `met` has them by number."""

    def __init__(self) -> None:
        self.met: list[str] = []
        self._table, self._key = _Table(), _Key.drawn()

    def of(self, texts: Sequence[str]) -> Tokens:
        """The words of texts, plurals kept."""
        folded = [unparted(text).encode() for text in texts]
        buffer = b" %b " % b" ".join(folded).translate(_LETTERS)
        starts, ends = _edges(buffer)
        hashes = _hashes(buffer, starts, ends, self._key)
        numbers = self._table.find(hashes)
        missing = np.flatnonzero(numbers == UNKNOWN)
        if len(missing):
            new, first = np.unique(hashes[missing], return_index=True)
            self._table.put(new)
            at = missing[first]
            spans = zip(starts[at].tolist(), ends[at].tolist(), strict=True)
            self.met += [buffer[start:end].decode() for start, end in spans]
            numbers[missing] = self._table.find(hashes[missing])
        lasts = np.cumsum([len(text) + 1 for text in folded]) + 1
        return Tokens(numbers, np.diff(np.searchsorted(starts, lasts), prepend=0))


def _edges(buffer: bytes) -> tuple[Places, Places]:
    """Where words begin, and where they end; there are blanks around all of them."""
    letters = np.frombuffer(buffer, np.uint8) != _BLANK
    edges = np.flatnonzero(letters[1:] != letters[:-1]) + 1
    return edges[::2], edges[1::2]


def _hashes(buffer: bytes, starts: Places, ends: Places, key: _Key) -> Hashes:
    """Hashes of words, eight bytes of each at a time; none is 0."""
    padded = buffer + bytes(_LANE)
    lanes = np.ndarray((len(padded) - _LANE + 1,), "<u8", padded, strides=(1,))
    hashes = np.full(len(starts), key.seed)
    left, at = np.arange(len(starts)), starts
    while len(left):
        sizes = np.minimum(ends[left] - at, _LANE)
        mixed = (hashes[left] ^ (lanes[at] & _LANES[sizes])) * _FACTOR
        hashes[left] = (mixed ^ (mixed >> _HALF)) * key.factor
        more = ends[left] - at > _LANE
        left, at = left[more], at[more] + _LANE
    return hashes | np.uint64(1)


class _Table:
    """Hashes to numbers, from 0 in the order they are put: open addressing, many at once.

    https://en.wikipedia.org/wiki/Linear_probing
    """

    def __init__(self) -> None:
        self._count = 0
        self._make(_SMALLEST)

    def _make(self, bits: int) -> None:
        self._bits = bits
        self._hashes = np.zeros(1 << bits, np.uint64)
        self._numbers = np.full(1 << bits, UNKNOWN, np.uint32)

    def find(self, hashes: Hashes) -> Numbers:
        """The number of each hash; `UNKNOWN` of one that was never put."""
        at = self._places(hashes)
        met = self._hashes[at]
        left = np.flatnonzero((met != hashes) & (met != 0))
        while len(left):
            at[left] = self._next(at[left])
            met = self._hashes[at[left]]
            left = left[(met != hashes[left]) & (met != 0)]
        return self._numbers[at]

    def put(self, hashes: Hashes) -> None:
        """Take in hashes that are not there, each once."""
        count = self._count + len(hashes)
        if count * _SPARE > len(self._hashes):
            taken = self._hashes != 0
            known, numbers = self._hashes[taken], self._numbers[taken]
            self._make((count * _SPARE).bit_length())
            self._place(known, numbers)
        self._place(hashes, np.arange(self._count, count, dtype=np.uint32))
        self._count = count

    def _place(self, hashes: Hashes, numbers: Numbers) -> None:
        at, left = self._places(hashes), np.arange(len(hashes))
        while len(left):
            free = left[self._hashes[at[left]] == 0]
            self._hashes[at[free]] = hashes[free]  # of several that want one place, the last
            mine = self._hashes[at[left]] == hashes[left]
            self._numbers[at[left[mine]]] = numbers[left[mine]]
            left = left[~mine]
            at[left] = self._next(at[left])

    def _places(self, hashes: Hashes) -> Places:
        return (hashes >> np.uint64(64 - self._bits)).astype(np.int64)

    def _next(self, places: Places) -> Places:
        return (places + 1) & ((1 << self._bits) - 1)
