"""Terms: what the index has of a paper, and what a leaf of a query looks up.

A term is a kind letter and a text: `wreward` a word of the title or abstract, `treward` of the
title, `ayann` and `nyann lecun` of an author (`papers.index.author_terms`), `mcvpr` of the comment,
`ogoogle` of the organization, `lgithub.com/a` a link, `ccs.CL` a category, `gcs` an archive, `shf`
a source, `yreplace` an announcement type other than new, `fpicked` a flag, `d07` the day of the
first announcement counted from the first of the month.

Hyphenated words are indexed as two words and as one (`papers.text.compounds`), and so are the
shingles around them.

Phrases are indexed as shingles, hashes of 44 bits (`papers.index.shingle_hashing`). Stop words
belong to the shingle around them: `mixture of experts` is one shingle, another than `mixture
experts`. A phrase of two content words is one shingle, a longer one the set of its shingles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from papers.index.shingle_hashing import is_content_word, shingle_hashes, word_hash
from papers.model.categories import aliased_categories, archive_of
from papers.model.labels import (
    MAX_MONTH_SPAN,
    announce_type_name,
    indexed_day,
    month_day_range,
    paper_flags,
    paper_links,
)
from papers.model.paper import Paper
from papers.query.ast import ARCHIVE_SUFFIX, DateRange, Field, Label, LabelKind, Text
from papers.text.folding import tokenize_unstemmed

_CACHE_SIZE: Final = 1024
"""Leaves of the queries in flight: a collector needs their terms in every segment."""
WORD_KIND: Final = b"w"
AUTHOR_KIND: Final = b"a"
_FIELD_KINDS: Final = {
    Field.ANY: "w",
    Field.ABSTRACT: "w",
    Field.TITLE: "t",
    Field.COMMENT: "m",
    Field.ORGANIZATION: "o",
}
_LABEL_KINDS: Final = {
    LabelKind.CATEGORY: "c",
    LabelKind.ARCHIVE: "g",
    LabelKind.SOURCE: "s",
    LabelKind.TYPE: "y",
    LabelKind.FLAG: "f",
    LabelKind.LINK: "l",
}
ALL_DAY_TERMS: Final = tuple(b"d%d" % n for n in range(MAX_MONTH_SPAN.days + 1))
"""Every indexed paper has exactly one of these."""

MAX_LINK_PARTS: Final = 2
"""Parts of a link's path that the index knows: a repository's owner and name."""
_SHINGLE_WORDS: Final = 2
"""Content words of a shingle."""


def author_words(paper: Paper) -> list[str]:
    """Return the words of all authors' names: folding never joins words across a blank."""
    return tokenize_unstemmed(" ".join(paper.authors))


def paper_label_terms(paper: Paper) -> list[str]:
    """Return the terms of categories, sources, flags, links, announcement type and day."""
    announce_type = announce_type_name(paper)
    return [
        *_category_and_source_labels(paper.categories, paper.sources),
        *[f"f{flag}" for flag in paper_flags(paper)],
        *[f"l{link}" for link in paper_links(paper, MAX_LINK_PARTS)],
        *([f"y{announce_type}"] if announce_type != "new" else []),
        day_term(paper.id.month, indexed_day(paper)).decode(),
    ]


@lru_cache(maxsize=_CACHE_SIZE)
def _category_and_source_labels(
    categories: tuple[str, ...], sources: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the labels that many papers of a batch have in common."""
    labels = [
        *[f"c{category}" for category in categories],
        *[f"g{archive_of(category)}" for category in categories],
        *[f"s{source.casefold()}" for source in sources],
    ]
    return tuple([" ".join(label.split()) for label in labels])


@lru_cache(maxsize=_CACHE_SIZE)
def text_terms(text: Text) -> tuple[bytes, ...]:
    """Return the terms that a paper must have to contain the text."""
    return _prefixed_terms(_FIELD_KINDS[text.field], text.words)


@lru_cache(maxsize=_CACHE_SIZE)
def title_terms(text: Text) -> tuple[bytes, ...]:
    """Return the terms of a text's words in the title, whatever its field."""
    return _prefixed_terms("t", text.words)


@lru_cache(maxsize=_CACHE_SIZE)
def text_shingles(text: Text) -> tuple[int, ...]:
    """Return the shingles that a paper must have, sorted; only titles and abstracts have any."""
    in_text = text.field in (Field.ANY, Field.TITLE, Field.ABSTRACT)
    return tuple(sorted(shingle_hashes(text.words))) if in_text else ()


@lru_cache(maxsize=_CACHE_SIZE)
def is_single_shingle(text: Text) -> bool:
    """Return whether one shingle is equivalent to the text, so that no text need be verified.

    True for a phrase in any field that begins and ends with its only two content words.
    """
    is_content = [is_content_word(word_hash(word)) for word in text.words]
    has_content_ends = text.is_phrase and is_content[0] and is_content[-1]
    return has_content_ends and sum(is_content) == _SHINGLE_WORDS and text.field is Field.ANY


def label_term(label: Label) -> bytes:
    """Return the term of a label, with runs of white space as one blank.

    What has the label has one of `label_terms`.
    """
    return f"{_LABEL_KINDS[label.kind]}{' '.join(label.value.split())}".encode()


@lru_cache(maxsize=_CACHE_SIZE)
def label_terms(label: Label) -> tuple[bytes, ...]:
    """Return the terms of which a paper with a label has at least one.

    An archive has the categories of other archives that are aliases of its own. The index does not
    know which of a paper's categories is the primary one, and it knows only the first parts of a
    link's path.
    """
    if label.kind is LabelKind.PRIMARY:
        archive = label.value.removesuffix(ARCHIVE_SUFFIX)
        kind = LabelKind.CATEGORY if archive == label.value else LabelKind.ARCHIVE
        return label_terms(Label(kind, archive))
    if label.kind is LabelKind.LINK:
        return (label_term(replace(label, value=_indexed_link(label.value))),)
    if label.kind is not LabelKind.ARCHIVE:
        return (label_term(label),)
    others = (Label(LabelKind.CATEGORY, name) for name in aliased_categories(label.value))
    return (label_term(label), *map(label_term, others))


def is_exact_label(label: Label) -> bool:
    """Return whether a paper has a label if it has one of its terms."""
    is_cut = label.kind is LabelKind.LINK and _indexed_link(label.value) != label.value
    return label.kind is not LabelKind.PRIMARY and not is_cut


def _indexed_link(link: str) -> str:
    return "/".join(link.split("/")[: MAX_LINK_PARTS + 1])


def day_term(month: int, day: date) -> bytes:
    """Return the term of a day of first announcement, of papers of a month (YYYYMM)."""
    return b"d%d" % (day - month_day_range(month)[0]).days


def covers_month(days: DateRange, month: int) -> bool:
    """Return whether a range has every day of a month (YYYYMM)."""
    return days.contains(*month_day_range(month))


def day_terms(days: DateRange, month: int) -> list[bytes]:
    """Return the terms of a month's (YYYYMM) days in a range; none if it covers the month."""
    first, last = month_day_range(month)
    if days.contains(first, last):
        return []
    since = max(days.since or first, first)
    until = min(days.until or last, last)
    return [day_term(month, since + timedelta(n)) for n in range((until - since).days + 1)]


def _prefixed_terms(kind: str, words: Sequence[str]) -> tuple[bytes, ...]:
    return tuple([f"{kind}{word}".encode() for word in words])
