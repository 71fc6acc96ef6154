"""Hashes of shingles, many texts at a time, as numpy columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from papers.index.layout import SHINGLE_BITS
from papers.index.shingle_hashing import HASH_MULTIPLIER

_MULTIPLIER = np.uint64(HASH_MULTIPLIER)


def hash_columns(
    word_hashes: NDArray[np.uint64],
    text_indexes: NDArray[np.int64],
    wanted: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return the hashes of all shingles, and the index of each one's first word.

    `word_hashes` are the hashes of the words of all texts, one text after another, `text_indexes`
    the text of each word; no shingle crosses a text. Hashes repeat where shingles do. With `wanted`
    only the shingles that have any of these words.

    The vectorized of two implementations, for writing. The scalar one is
    `papers.index.shingle_hashing.shingle_hashes`; a property test holds them equal.
    """
    content = np.flatnonzero(word_hashes & np.uint64(1))
    in_one_text = np.flatnonzero(text_indexes[content[1:]] == text_indexes[content[:-1]])
    first, last = content[in_one_text], content[in_one_text + 1]
    if wanted is not None:
        counts = np.cumsum(wanted)
        around = counts[last] - counts[first] + wanted[first] > 0
        first, last = first[around], last[around]
    rolling = word_hashes[first] * _MULTIPLIER ^ word_hashes[first + 1]
    longer = np.flatnonzero(last - first > 1)
    at = first[longer] + 2
    while len(longer):  # one turn adds one more word to every shingle that has stop words left
        rolling[longer] = rolling[longer] * _MULTIPLIER ^ word_hashes[at]
        more = at < last[longer]
        longer, at = longer[more], at[more] + 1
    return _finalize_hashes(rolling), first


def _finalize_hashes(rolling: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the upper bits of rolling hashes, mixed so that each depends on all of it."""
    mixed = (rolling ^ (rolling >> np.uint64(32))) * _MULTIPLIER
    return mixed >> np.uint64(64 - SHINGLE_BITS)
