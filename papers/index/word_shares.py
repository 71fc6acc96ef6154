"""Word shares: in how many papers each frequent word occurs, as an estimate for query plans.

A plan that reads enough in its first round trip needs no second one, and one that reads too much
reads in vain. The table only decides what is read when: results do not depend on it.
`python -m benchmarks.make_word_shares` makes it from a file of papers.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from typing import Final

WORD_SHARE_TABLE: Final = "word_shares.txt"
SHARE_UNIT: Final = 10_000
"""The table has the papers with a word out of so many."""
MIN_SHARE: Final = 0.004
"""The share from which on a word is in the table."""
MAX_TITLE_WORD_SHARE: Final = 0.1
"""The share of papers with a word beyond which it is taken to be frequent in titles, too."""
RARE_SHARE: Final = 0.001
"""What is assumed of every other word."""


def word_share(word: str) -> float:
    """Return about which share of papers has a folded word in its title or abstract."""
    return _SHARES.get(word, RARE_SHARE)


def is_rare_word(word: str) -> bool:
    """Return whether a word is in fewer papers than those of the table."""
    return word not in _SHARES


def is_rare_title_word(word: str) -> bool:
    """Return whether a word of titles is as rare, but for those that nearly every abstract has."""
    return word_share(word) < MAX_TITLE_WORD_SHARE


def _read_table() -> Mapping[str, float]:
    text = resources.files("papers.index").joinpath(WORD_SHARE_TABLE).read_text("ascii")
    rows = (line.split() for line in text.splitlines())
    return {word: int(count) / SHARE_UNIT for word, count in rows}


_SHARES: Final = _read_table()
