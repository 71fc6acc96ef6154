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

from papers.index.layout import SHINGLE_BITS
from papers.model.categories import archive_of
from papers.model.labels import (
    MAX_MONTH_SPAN,
    announce_type_name,
    indexed_day,
    month_day_range,
    paper_flags,
)
from papers.model.paper import Paper
from papers.query.ast import Field, Label, LabelKind, Text
from papers.text.folding import tokenize_unstemmed

_CACHE_SIZE: Final = 1024
"""Leaves of questions under way: a walk asks for their terms in each month."""
WORD_KIND: Final = b"w"
AUTHOR_KIND: Final = b"a"
_FIELD_KINDS: Final = {
    Field.ANY: "w",
    Field.ABSTRACT: "w",
    Field.TITLE: "t",
    Field.AUTHOR: "a",
    Field.COMMENT: "m",
    Field.ORGANIZATION: "o",
}
_LABEL_KINDS: Final = {
    LabelKind.CATEGORY: "c",
    LabelKind.ARCHIVE: "g",
    LabelKind.SOURCE: "s",
    LabelKind.TYPE: "y",
    LabelKind.FLAG: "f",
}
_STOP_WORDS: Final = frozenset(
    "a an and are as at be but by can for from has have in into is it its not of on or our such"
    " that the their these this to under using via was we were which while with".split()
)
ALL_DAY_TERMS: Final = tuple(b"d%d" % n for n in range(MAX_MONTH_SPAN.days + 1))
"""Every paper that has terms has one of these."""


HASH_MULTIPLIER: Final = 0x9E37_79B9_7F4A_7C15
"""Spreads what words bring to a pair over all bits (Knuth's multiplicative hashing)."""
_MASK_64: Final = (1 << 64) - 1
_SHINGLE_WORDS: Final = 2
"""So many of its words tell."""


def word_hash(word: str) -> int:
    """What a folded word brings to the pairs of a text: 64 bits, odd unless it only joins."""
    hashed = int.from_bytes(blake2b(word.encode(), digest_size=8).digest(), "little")
    return hashed & ~1 if word in _STOP_WORDS else hashed | 1


def is_content_word(hashed: int) -> bool:
    """Whether the word of a hash does more than join others."""
    return bool(hashed & 1)


def shingle_hashes(words: Iterable[str]) -> set[int]:
    """The hashes of the pairs of neighbouring words, with those between them that only join."""
    found = set[int]()
    pair: int | None = None
    for hashed in map(word_hash, words):
        if pair is not None:
            pair = (pair * HASH_MULTIPLIER & _MASK_64) ^ hashed
        if is_content_word(hashed):
            if pair is not None:
                found.add(finalize_hash(pair))
            pair = hashed
    return found


def finalize_hash(rolling_hash: int) -> int:
    """The bits that are kept of a pair, of which all depend on all."""
    return ((rolling_hash ^ rolling_hash >> 32) * HASH_MULTIPLIER & _MASK_64) >> 64 - SHINGLE_BITS


def author_bigram_terms(paper: Paper) -> set[bytes]:
    """The terms of words that follow one another in an author's name."""
    return {term for name in paper.authors for term in _bigram_terms(tokenize_unstemmed(name))}


def author_words(paper: Paper) -> list[str]:
    """The words of the authors' names; folding does not reach across the blanks between them."""
    return tokenize_unstemmed(" ".join(paper.authors))


def paper_label_terms(paper: Paper) -> list[str]:
    """The terms of a paper that are no words."""
    announced = announce_type_name(paper)
    return [
        *_category_and_source_labels(paper.categories, paper.sources),
        *[f"f{flag}" for flag in paper_flags(paper)],
        *([f"y{announced}"] if announced != "new" else []),
        day_term(paper.id.month, indexed_day(paper)).decode(),
    ]


@lru_cache(maxsize=_CACHE_SIZE)
def _category_and_source_labels(
    categories: tuple[str, ...], sources: tuple[str, ...]
) -> tuple[str, ...]:
    """The labels that many papers have together."""
    labels = [
        *[f"c{category}" for category in categories],
        *[f"g{archive_of(category)}" for category in categories],
        *[f"s{source.casefold()}" for source in sources],
    ]
    return tuple([" ".join(label.split()) for label in labels])


@lru_cache(maxsize=_CACHE_SIZE)
def text_terms(text: Text) -> tuple[bytes, ...]:
    """The terms that a paper must have for the text to stand in it."""
    if text.field is Field.AUTHOR and text.is_phrase:
        return _bigram_terms(text.words)
    return word_terms(text)


def word_terms(text: Text) -> tuple[bytes, ...]:
    """The terms of a text's words, each by itself."""
    return _prefixed_terms(_FIELD_KINDS[text.field], text.words)


@lru_cache(maxsize=_CACHE_SIZE)
def title_terms(text: Text) -> tuple[bytes, ...]:
    """The same, asked of the title alone."""
    return _prefixed_terms("t", text.words)


@lru_cache(maxsize=_CACHE_SIZE)
def text_shingles(text: Text) -> tuple[int, ...]:
    """The pairs a paper must have; names, comments and organizations have none."""
    in_text = text.field in (Field.ANY, Field.TITLE, Field.ABSTRACT)
    return tuple(sorted(shingle_hashes(text.words))) if in_text else ()


@lru_cache(maxsize=_CACHE_SIZE)
def is_single_shingle(text: Text) -> bool:
    """Whether a phrase, wherever in a text it stands, is one pair and no word more."""
    telling = [is_content_word(word_hash(word)) for word in text.words]
    ends = text.is_phrase and telling[0] and telling[-1]
    return ends and sum(telling) == _SHINGLE_WORDS and text.field is Field.ANY


@lru_cache(maxsize=_CACHE_SIZE)
def label_term(label: Label) -> bytes:
    """The term of a label."""
    return f"{_LABEL_KINDS[label.kind]}{' '.join(label.value.split())}".encode()


def day_term(month: int, day: date) -> bytes:
    """The term of a day that papers of a month (YYYYMM) count under."""
    return b"d%d" % (day - month_day_range(month)[0]).days


def _bigram_terms(words: Sequence[str]) -> tuple[bytes, ...]:
    return tuple(f"n{first} {then}".encode() for first, then in pairwise(words))


def _prefixed_terms(kind: str, words: Sequence[str]) -> tuple[bytes, ...]:
    return tuple(f"{kind}{word}".encode() for word in words)
