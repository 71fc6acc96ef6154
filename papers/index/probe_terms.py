"""Probe terms: the words of a phrase that rule out papers which share a slot with it.

Which words are read decides how many texts are read in vain, and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Final

from papers.index.terms import text_shingles, text_terms
from papers.index.word_shares import is_rare_title_word, is_rare_word, word_share
from papers.query.ast import Field, Text

TEXT_READ_COST: Final = 3.0
"""The cost of reading a text in vain, as a number of short postings."""
_PAPERS_PER_LONG_POSTING_COST: Final = 30_000
"""The number of papers of which a long posting costs as much as a short one."""
_MAX_PROBE_SHARE: Final = 0.1
"""The share of papers up to which a word's postings are read if any are; others are long."""
_SLOT_SHARE: Final = 0.0003
"""About the share of papers that a slot has."""
_MAX_LONG_POSTINGS: Final = 2
"""How many words of a phrase are read that has only words with long postings."""


def rare_terms(phrase: Text) -> Sequence[bytes]:
    """Return the terms of a phrase's rare words: short postings, which are always read.

    Several shingles hardly ever meet by chance, and need no words. In titles nearly every word is
    rare, and shingles say little.
    """
    if phrase.field is not Field.TITLE and len(text_shingles(phrase)) > 1:
        return ()
    is_rare = is_rare_title_word if phrase.field is Field.TITLE else is_rare_word
    words = zip(phrase.words, text_terms(phrase), strict=True)
    return [term for word, term in words if is_rare(word)]


def probe_terms(phrase: Text) -> Sequence[bytes]:
    """Return the terms of a phrase to read where it is ambiguous, besides its rare ones.

    Words of many papers rule out little: they are read of phrases that have no other.
    """
    words = _terms_by_word(phrase)
    if phrase.field is Field.TITLE:
        return ()
    known = rare_terms(phrase)
    short = [term for word, term in words.items() if term not in known and not _is_long(word)]
    if short or known:
        return tuple(short)
    rarest = sorted(words, key=word_share)[:_MAX_LONG_POSTINGS]
    return tuple(words[word] for word in rarest)


def long_terms(
    phrase: Text, terms: Sequence[bytes], by_chance: float, papers: int
) -> Sequence[bytes]:
    """Return words of many papers that rule out more texts than they cost, beside other terms.

    Of so many papers, `by_chance` are expected to be candidates without any of these terms.
    """
    if phrase.field is Field.TITLE:
        return ()
    words = _terms_by_word(phrase)
    by_chance *= prod(word_share(word) for word, term in words.items() if term in terms)
    found = list[bytes]()
    for word in sorted(filter(_is_long, words), key=word_share):
        share = word_share(word)
        saved_cost = by_chance * (1 - share) * TEXT_READ_COST
        if words[word] not in terms and saved_cost > papers / _PAPERS_PER_LONG_POSTING_COST:
            found.append(words[word])
            by_chance *= share
    return found


def slot_probe_terms(phrase: Text) -> Sequence[bytes]:
    """Return the terms to read with the slot of a phrase that has one."""
    terms = probe_terms(phrase)
    return (*terms, *long_terms(phrase, terms, _SLOT_SHARE, papers=1))


def _terms_by_word(phrase: Text) -> dict[str, bytes]:
    return dict(zip(phrase.words, text_terms(phrase), strict=True))


def _is_long(word: str) -> bool:
    return word_share(word) > _MAX_PROBE_SHARE
