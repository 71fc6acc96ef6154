"""Hashes of words and of shingles, one text at a time.

A shingle is two content words that follow one another, with the stop words between them: its hash
is a multiplicative rolling hash of the words' hashes, cut to 44 bits. These hashes are stored data:
a change of any constant here needs a schema migration.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

from papers.index.layout import SHINGLE_BITS
from papers.text.stop_words import STOP_WORDS

HASH_MULTIPLIER: Final = 0x9E37_79B9_7F4A_7C15
"""Spreads the bits of a word over the whole hash (Knuth's multiplicative hashing)."""
_MASK_64: Final = (1 << 64) - 1


def word_hash(word: str) -> int:
    """Return the 64-bit hash of a folded word: odd for a content word, even for a stop word."""
    hashed = int.from_bytes(blake2b(word.encode(), digest_size=8).digest(), "little")
    return hashed & ~1 if word in STOP_WORDS else hashed | 1


def is_content_word(hashed: int) -> bool:
    """Return whether a word hash is of a content word, by its lowest bit."""
    return bool(hashed & 1)


def shingle_hashes(words: Iterable[str]) -> set[int]:
    """Return the hashes of the shingles of one text's words.

    The scalar of two implementations, for queries and small percolator batches. The vectorized one
    is `papers.index.shingles.column_hashing.hash_columns`; a property test holds them equal.
    """
    found = set[int]()
    rolling: int | None = None
    for hashed in map(word_hash, words):
        if rolling is not None:
            rolling = (rolling * HASH_MULTIPLIER & _MASK_64) ^ hashed
        if is_content_word(hashed):
            if rolling is not None:
                found.add(_finalize_hash(rolling))
            rolling = hashed
    return found


def _finalize_hash(rolling: int) -> int:
    """Return the upper bits of a rolling hash, mixed so that each depends on all of it."""
    return ((rolling ^ rolling >> 32) * HASH_MULTIPLIER & _MASK_64) >> 64 - SHINGLE_BITS
