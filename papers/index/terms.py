"""The terms a paper is found by: what the index holds, and what a keyword asks it for.

A term is a letter for its kind and a text: `wreward` a word anywhere, `treward` in the title,
`ayann` in an author's name, `nyann lecun` two that follow one another there, `mcvpr` in arXiv's
comment, `ogoogle` in the organization, `ccs.CL` a category, `gcs` an archive, `shf` a source,
`yreplace` a type of announcement other than new, `fpicked` a flag, `d07` the day of the first
announcement counted from the month's first.
Neighbouring words make pairs, kept as hashes of 44 bits. Words that only join (`of`, `the`) belong
to the pair of those around them: `mixture of experts` is one pair, and another than `mixture
expert`. So a phrase of two words that tell is a pair, and a longer one is known by its pairs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from typing import Final

from papers.index.layout import PAIR_BITS
from papers.model.categories import archive_of
from papers.model.paper import Paper
from papers.query.ast import Field, Kind, Label, Text
from papers.query.match import LONGEST_MONTH, announce_label, day_of, flags, month_days
from papers.text.folding import unstemmed

_REMEMBERED: Final = 1024
"""Leaves of questions under way: a walk asks for their terms in each month."""
WORD: Final = b"w"
AUTHOR_WORD: Final = b"a"
_PREFIXES: Final = {
    Field.ANY: "w",
    Field.ABSTRACT: "w",
    Field.TITLE: "t",
    Field.AUTHOR: "a",
    Field.COMMENT: "m",
    Field.ORGANIZATION: "o",
}
_KINDS: Final = {
    Kind.CATEGORY: "c",
    Kind.ARCHIVE: "g",
    Kind.SOURCE: "s",
    Kind.TYPE: "y",
    Kind.FLAG: "f",
}
_JOINING: Final = frozenset(
    "a an and are as at be but by can for from has have in into is it its not of on or our such"
    " that the their these this to under using via was we were which while with".split()
)
EVERY_DAY: Final = tuple(b"d%d" % n for n in range(LONGEST_MONTH.days + 1))
"""Every paper that has terms has one of these."""


FACTOR: Final = 0x9E37_79B9_7F4A_7C15
"""Spreads what words bring to a pair over all bits (Knuth's multiplicative hashing)."""
_64_BITS: Final = (1 << 64) - 1
_A_PAIR: Final = 2
"""So many of its words tell."""


def word_hash(word: str) -> int:
    """What a folded word brings to the pairs of a text: 64 bits, odd unless it only joins."""
    hashed = int.from_bytes(blake2b(word.encode(), digest_size=8).digest(), "little")
    return hashed & ~1 if word in _JOINING else hashed | 1


def tells(hashed: int) -> bool:
    """Whether the word of a hash does more than join others."""
    return bool(hashed & 1)


def pairs_of(folded: Iterable[str]) -> set[int]:
    """The hashes of the pairs of neighbouring words, with those between them that only join."""
    found = set[int]()
    pair: int | None = None
    for hashed in map(word_hash, folded):
        if pair is not None:
            pair = (pair * FACTOR & _64_BITS) ^ hashed
        if tells(hashed):
            if pair is not None:
                found.add(mixed(pair))
            pair = hashed
    return found


def mixed(pair: int) -> int:
    """The bits that are kept of a pair, of which all depend on all."""
    return ((pair ^ pair >> 32) * FACTOR & _64_BITS) >> 64 - PAIR_BITS


def pair_terms(paper: Paper) -> set[bytes]:
    """The terms of words that follow one another in an author's name."""
    return {term for name in paper.authors for term in _paired(unstemmed(name))}


def names_of(paper: Paper) -> list[str]:
    """The words of the authors' names; folding does not reach across the blanks between them."""
    return unstemmed(" ".join(paper.authors))


def labels_of(paper: Paper) -> list[str]:
    """The terms of a paper that are no words."""
    announced = announce_label(paper)
    return [
        *_shared_labels(paper.categories, paper.sources),
        *[f"f{flag}" for flag in flags(paper)],
        *([f"y{announced}"] if announced != "new" else []),
        day_term(paper.id.month, day_of(paper)).decode(),
    ]


@lru_cache(maxsize=_REMEMBERED)
def _shared_labels(categories: tuple[str, ...], sources: tuple[str, ...]) -> tuple[str, ...]:
    """The labels that many papers have together."""
    labels = [
        *[f"c{category}" for category in categories],
        *[f"g{archive_of(category)}" for category in categories],
        *[f"s{source.casefold()}" for source in sources],
    ]
    return tuple([" ".join(label.split()) for label in labels])


@lru_cache(maxsize=_REMEMBERED)
def text_terms(text: Text) -> tuple[bytes, ...]:
    """The terms that a paper must have for the text to stand in it."""
    if text.field is Field.AUTHOR and text.is_phrase:
        return _paired(text.words)
    return word_terms(text)


def word_terms(text: Text) -> tuple[bytes, ...]:
    """The terms of a text's words, each by itself."""
    return _worded(_PREFIXES[text.field], text.words)


@lru_cache(maxsize=_REMEMBERED)
def title_terms(text: Text) -> tuple[bytes, ...]:
    """The same, asked of the title alone."""
    return _worded("t", text.words)


@lru_cache(maxsize=_REMEMBERED)
def text_pairs(text: Text) -> tuple[int, ...]:
    """The pairs a paper must have; names, comments and organizations have none."""
    in_text = text.field in (Field.ANY, Field.TITLE, Field.ABSTRACT)
    return tuple(sorted(pairs_of(text.words))) if in_text else ()


@lru_cache(maxsize=_REMEMBERED)
def is_pair(text: Text) -> bool:
    """Whether a phrase, wherever in a text it stands, is one pair and no word more."""
    telling = [tells(word_hash(word)) for word in text.words]
    ends = text.is_phrase and telling[0] and telling[-1]
    return ends and sum(telling) == _A_PAIR and text.field is Field.ANY


@lru_cache(maxsize=_REMEMBERED)
def label_term(label: Label) -> bytes:
    """The term of a label."""
    return f"{_KINDS[label.kind]}{' '.join(label.value.split())}".encode()


def day_term(month: int, day: date) -> bytes:
    """The term of a day that papers of a month (YYYYMM) count under."""
    return b"d%d" % (day - month_days(month)[0]).days


def _paired(folded: Sequence[str]) -> tuple[bytes, ...]:
    return tuple(f"n{first} {then}".encode() for first, then in pairwise(folded))


def _worded(kind: str, folded: Sequence[str]) -> tuple[bytes, ...]:
    return tuple(f"{kind}{word}".encode() for word in folded)
