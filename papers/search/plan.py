"""What a keyword asks of every month, and what comes of it.

Pairs of phrases are asked for alone; words besides where only slots tell of a pair.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from math import prod
from typing import Final

from pyroaring import BitMap

from papers.index.postings import places_of_months
from papers.index.terms import label_term, text_pairs, text_terms, title_terms
from papers.query.ast import Between, Field, Label, Leaf, Text, Voted
from papers.search.asked import Asked
from papers.search.evaluate import (
    PICKED,
    Candidates,
    Evaluation,
    Expansions,
    Key,
    Postings,
    Telling,
    day_terms,
    expanded,
    holders,
    in_slot,
)
from papers.search.segments import Months

_A_TEXT: Final = 3.0
"""What it costs to read a text in vain: three times what a short posting does."""
_NUMBERS: Final = 2_000
"""A posting of so many numbers costs twice as much to read as a short one."""


class Plan:
    """What a keyword asks of every month: made once, used for each.

    `told`: the words that are asked for beside the pairs of phrases; none where that is not known.
    """

    def __init__(self, asked: Asked, expansions: Expansions, told: Telling | None = None) -> None:
        self._asks, self.expansions, self._told = asked, expansions, told or {}
        self._days = [leaf for leaf in asked.leaves if isinstance(leaf, Between)]
        self.phrases = [text for text in asked.texts if text.is_phrase and text_pairs(text)]
        """Those that have pairs."""
        keys = dict.fromkeys(key for leaf in asked.leaves for key in self._asked(leaf))
        self._keys = tuple(keys)

    @property
    def asks_for_words(self) -> bool:
        """Whether it asks for words of phrases too."""
        return bool(self._told)

    def with_words(self, told: Telling | None = None) -> Plan:
        """The same that asks for words of phrases too: for those that are told, or for all."""
        every = {phrase: text_terms(phrase) for phrase in self.phrases}
        return Plan(self._asks, self.expansions, told or every)

    def wanted(self, months: Months) -> list[tuple[Months, tuple[Key, ...]]]:
        """The postings to read of each month."""
        if not self._days:
            return [(months, self._keys)] if months else []
        asked = groupby(months, self._of_days)
        return [(tuple(group), (*self._keys, *of_days)) for of_days, group in asked]

    def _of_days(self, month: int) -> tuple[bytes, ...]:
        terms = (term for leaf in self._days for term in day_terms(leaf, month))
        return tuple(dict.fromkeys(terms))

    def evaluate(self, read: Postings) -> Candidates:
        """The candidates among the months that were read, as places."""
        return Evaluation(read, self.expansions, self._told).node(self._asks.tree)

    def doubtful(self, read: Postings) -> list[int]:
        """The months (YYYYMM) of those read of which slots tell of a phrase: words tell more."""
        if not self.phrases:
            return []
        met = [holders(phrase, read) for phrase in self.phrases]
        left = BitMap.union(BitMap(), *[maybe - named for named, maybe in met])
        return [month for month in read.months if left and left & places_of_months([month])]

    def telling(self, read: Postings, papers: int) -> Telling:
        """What a month of so many papers, of which all was `read`, tells of each phrase.

        Who has the pairs of a phrase and its rarest word hardly ever lacks the others: these are
        asked for only where that costs less than the texts that would be read in vain.
        """
        return {phrase: _telling(phrase, read, papers) for phrase in self.phrases}

    def _asked(self, leaf: Leaf) -> Sequence[Key]:
        if isinstance(leaf, Text):
            if leaf.prefix:
                return expanded(leaf, self.expansions)
            if leaf.is_phrase and (pairs := text_pairs(leaf)):
                return (*self._told.get(leaf, ()), *pairs)
            abstract = leaf.field is Field.ABSTRACT
            return text_terms(leaf) + (title_terms(leaf) if abstract else ())
        if isinstance(leaf, Label):
            return [label_term(leaf)]
        return [PICKED] if isinstance(leaf, Voted) else []


def _telling(phrase: Text, read: Postings, papers: int) -> Sequence[bytes]:
    """The words of a phrase worth asking for in a month of so many papers, the rarest first."""

    def share(key: Key) -> float:
        found = read.of(key)
        return len(found | read.of(in_slot(key)) if isinstance(key, int) else found) / papers

    rarest, *others = sorted(dict.fromkeys(text_terms(phrase)), key=share)
    kept = [rarest]
    by_chance = papers * share(rarest) * prod(map(share, text_pairs(phrase)))
    for term in others:
        spared = by_chance * (1 - share(term)) * _A_TEXT
        if spared > 1 + papers * share(term) / _NUMBERS:
            kept.append(term)
            by_chance *= share(term)
    return tuple(kept)
