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
from papers.index.terms import label_term, text_shingles, text_terms, title_terms
from papers.query.ast import DateRange, Field, Label, Leaf, MinVotes, Text
from papers.search.asked import QueryLeaves
from papers.search.evaluate import (
    PICKED_TERM,
    Candidates,
    Evaluator,
    PostingKey,
    Postings,
    PrefixExpansions,
    ProbeTerms,
    day_terms,
    prefix_terms,
    shingle_candidates,
    shingle_slot_key,
)
from papers.search.segments import Months

_TEXT_READ_COST: Final = 3.0
"""What it costs to read a text in vain: three times what a short posting does."""
_DOC_IDS_PER_POSTING_COST: Final = 2_000
"""A posting of so many numbers costs twice as much to read as a short one."""


class QueryPlan:
    """What a keyword asks of every month: made once, used for each.

    `told`: the words that are asked for beside the pairs of phrases; none where that is not known.
    """

    def __init__(
        self,
        query_leaves: QueryLeaves,
        expansions: PrefixExpansions,
        probe_terms: ProbeTerms | None = None,
    ) -> None:
        self._query_leaves, self.expansions, self._probe_terms = (
            query_leaves,
            expansions,
            probe_terms or {},
        )
        self._day_ranges = [leaf for leaf in query_leaves.leaves if isinstance(leaf, DateRange)]
        self.phrases = [
            text for text in query_leaves.texts if text.is_phrase and text_shingles(text)
        ]
        """Those that have pairs."""
        keys = dict.fromkeys(key for leaf in query_leaves.leaves for key in self._leaf_keys(leaf))
        self._base_keys = tuple(keys)

    @property
    def has_probe_terms(self) -> bool:
        """Whether it asks for words of phrases too."""
        return bool(self._probe_terms)

    def with_probe_terms(self, probe_terms: ProbeTerms | None = None) -> QueryPlan:
        """The same that asks for words of phrases too: for those that are told, or for all."""
        every = {phrase: text_terms(phrase) for phrase in self.phrases}
        return QueryPlan(self._query_leaves, self.expansions, probe_terms or every)

    def wanted_postings(self, months: Months) -> list[tuple[Months, tuple[PostingKey, ...]]]:
        """The postings to read of each month."""
        if not self._day_ranges:
            return [(months, self._base_keys)] if months else []
        asked = groupby(months, self._day_keys)
        return [(tuple(group), (*self._base_keys, *of_days)) for of_days, group in asked]

    def _day_keys(self, month: int) -> tuple[bytes, ...]:
        terms = (term for leaf in self._day_ranges for term in day_terms(leaf, month))
        return tuple(dict.fromkeys(terms))

    def evaluate(self, postings: Postings) -> Candidates:
        """The candidates among the months that were read, as places."""
        return Evaluator(postings, self.expansions, self._probe_terms).evaluate(
            self._query_leaves.tree
        )

    def ambiguous_months(self, postings: Postings) -> list[int]:
        """The months (YYYYMM) of those read of which slots tell of a phrase: words tell more."""
        if not self.phrases:
            return []
        met = [shingle_candidates(phrase, postings) for phrase in self.phrases]
        left = BitMap.union(BitMap(), *[maybe - named for named, maybe in met])
        return [month for month in postings.months if left and left & places_of_months([month])]

    def choose_probe_terms(self, postings: Postings, paper_count: int) -> ProbeTerms:
        """What a month of so many papers, of which all was `read`, tells of each phrase.

        Who has the pairs of a phrase and its rarest word hardly ever lacks the others: these are
        asked for only where that costs less than the texts that would be read in vain.
        """
        return {phrase: _choose_terms(phrase, postings, paper_count) for phrase in self.phrases}

    def _leaf_keys(self, leaf: Leaf) -> Sequence[PostingKey]:
        if isinstance(leaf, Text):
            if leaf.is_prefix:
                return prefix_terms(leaf, self.expansions)
            if leaf.is_phrase and (pairs := text_shingles(leaf)):
                return (*self._probe_terms.get(leaf, ()), *pairs)
            abstract = leaf.field is Field.ABSTRACT
            return text_terms(leaf) + (title_terms(leaf) if abstract else ())
        if isinstance(leaf, Label):
            return [label_term(leaf)]
        return [PICKED_TERM] if isinstance(leaf, MinVotes) else []


def _choose_terms(phrase: Text, postings: Postings, paper_count: int) -> Sequence[bytes]:
    """The words of a phrase worth asking for in a month of so many papers, the rarest first."""

    def share(key: PostingKey) -> float:
        found = postings.bitmap_of(key)
        return (
            len(
                found | postings.bitmap_of(shingle_slot_key(key)) if isinstance(key, int) else found
            )
            / paper_count
        )

    rarest, *others = sorted(dict.fromkeys(text_terms(phrase)), key=share)
    kept = [rarest]
    by_chance = paper_count * share(rarest) * prod(map(share, text_shingles(phrase)))
    for term in others:
        spared = by_chance * (1 - share(term)) * _TEXT_READ_COST
        if spared > 1 + paper_count * share(term) / _DOC_IDS_PER_POSTING_COST:
            kept.append(term)
            by_chance *= share(term)
    return tuple(kept)
