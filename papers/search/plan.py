"""Query plan: the postings a query needs of every month, computed once per query.

Phrases are looked up by their shingles. In months where a shingle shares a hashed slot with others
the plan is refined: there the phrase's *probe terms*, the words that spare most texts, are read
as well.

    plan ─▶ read postings ─▶ refine ─┬▶ None: the plan is final, evaluate it
      ▲                              └▶ a plan that reads more of some months
      └────────────────────────────────────────┘
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from math import prod
from typing import Final, Protocol

from pyroaring import BitMap

from papers.index.postings import doc_ids_of_months
from papers.index.probe_terms import (
    TEXT_READ_COST,
    long_terms,
    probe_terms,
    rare_terms,
    slot_probe_terms,
)
from papers.index.terms import day_terms, text_shingles, text_terms
from papers.index.word_shares import RARE_SHARE
from papers.query.ast import DateRange, Leaf, Node, Or, Text, leaves, map_children
from papers.search.evaluate import (
    Candidates,
    Evaluator,
    PostingKey,
    Postings,
    PrefixExpansions,
    ProbeTerms,
    is_exact,
    shingle_candidates,
    shingle_slot_key,
)
from papers.search.node_plans import dictionary_terms, expand_spellings, posting_keys
from papers.search.segments import Months

TermMonthValues = Mapping[bytes, bytes | None]
"""Terms and the stored months in which each occurs; None for a term that no paper has."""

RequiredPostings = Sequence[tuple[Months, Sequence[PostingKey]]]
"""Months and the postings to read of each."""

_ROUND_TRIP_COST: Final = 20.0
"""The cost of a round trip, as a number of short postings."""
_PAPERS_PER_POSTING_COST: Final = 100_000
"""The number of papers of which a word's postings cost as much as a short posting."""


class SizedPostings(Postings, Protocol):
    """Postings of months whose number of papers is known."""

    def estimated_papers(self) -> int:
        """Return about how many papers the months have."""


@dataclass(frozen=True, eq=False)
class QueryPlan:
    """The postings a query needs; immutable, refined by what was read.

    `dictionary_terms` are the terms whose months the term dictionary knows. `is_exact`: postings
    alone decide which papers match. `for_count`: no text will be read, so ambiguous phrases are
    probed by all of their words.
    """

    root: Node
    leaves: Sequence[Leaf]
    prefixes: Sequence[Text]
    phrases: Sequence[Text]
    """The phrases that have shingles."""
    day_ranges: Sequence[DateRange]
    has_spellings: bool
    """Whether a text was expanded to its spellings: some may not occur."""
    dictionary_terms: Sequence[bytes]
    is_exact: bool
    expansions: PrefixExpansions | None = None
    """None until the vocabulary was read; empty if there are no prefixes."""
    base_keys: tuple[PostingKey, ...] = ()
    """The postings to read of every month, once prefixes are expanded."""
    probe_terms: ProbeTerms = field(default_factory=dict)
    probed_months: Months = ()
    """The months whose probe terms are read, in the order in which they turned out ambiguous."""
    probes_everywhere: bool = False
    for_count: bool = False

    @classmethod
    def of(cls, root: Node) -> QueryPlan:
        """Return the plan of a tree, before anything was read; spellings are expanded."""
        return cls._of_literals(expand_spellings(root))

    @classmethod
    def _of_literals(cls, root: Node) -> QueryPlan:
        unique = tuple(dict.fromkeys(leaves(root)))
        texts = [leaf for leaf in unique if isinstance(leaf, Text)]
        prefixes = [text for text in texts if text.is_prefix]
        terms = dict.fromkeys(term for leaf in unique for term in dictionary_terms(leaf))
        return cls(
            root=root,
            leaves=unique,
            prefixes=prefixes,
            phrases=[text for text in texts if text.is_phrase and text_shingles(text)],
            day_ranges=[leaf for leaf in unique if isinstance(leaf, DateRange)],
            has_spellings=any(map(_is_spelling, texts)),
            dictionary_terms=tuple(terms),
            is_exact=all(map(is_exact, unique)),
            expansions=None if prefixes else {},
            base_keys=() if prefixes else _base_keys(unique, {}),
        )

    def without_absent_spellings(self, term_months: TermMonthValues) -> QueryPlan:
        """Return the plan without the spellings that have a word which no month has.

        `term_months` are values of the term dictionary, as far as they are known.
        """
        return self._of_spellings(lambda text, _: not _is_absent(text, term_months))

    def to_prefetch(self, term_months: TermMonthValues) -> QueryPlan:
        """Return the plan of the postings to read together with the terms' months.

        Longer phrases have several joined spellings, of which hardly any occurs: none is read that
        is not known to.
        """
        return self._of_spellings(
            lambda text, written: (
                not 2 < len(written.words) > len(text.words) or _is_known(text, term_months)
            )
        )

    def _of_spellings(self, is_kept: Callable[[Text, Text], bool]) -> QueryPlan:
        """Return the plan with the spellings that are kept, judged beside the written one."""
        if not self.has_spellings:
            return self
        root = _select_spellings(self.root, is_kept)
        if root == self.root:
            return self
        return replace(QueryPlan._of_literals(root), expansions=None if self.prefixes else {})

    def with_expansions(self, expansions: PrefixExpansions) -> QueryPlan:
        """Return the plan with the words its prefixes stand for."""
        if self.expansions == expansions:
            return self
        keys = _base_keys(self.leaves, expansions)
        return replace(self, expansions=expansions, base_keys=keys)

    def to_count(self) -> QueryPlan:
        """Return the plan for a count, of which no text will be read."""
        return replace(self, for_count=True)

    def for_next_batch(self, *, is_rare: bool) -> QueryPlan:
        """Return the plan for other months: probe terms, once chosen, are read of all of them.

        Of a query that `is_rare`, phrases of one shingle will be in slots: they are probed at once.
        """
        lone = [phrase for phrase in self.phrases if is_rare and len(text_shingles(phrase)) == 1]
        chosen = {phrase: slot_probe_terms(phrase) for phrase in lone}
        if not chosen and (not self.probe_terms or self.probes_everywhere):
            return self
        probe_terms = {**chosen, **self.probe_terms}
        return replace(self, probe_terms=probe_terms, probed_months=(), probes_everywhere=True)

    def required_postings(self, months: Months) -> RequiredPostings:
        """Return the postings to read, by month."""
        if self.probes_everywhere:
            return self._by_day_keys(months, self._probed_keys)
        if not self.probed_months:
            return self._by_day_keys(months, self.base_keys)
        probed = frozenset(self.probed_months)
        others = tuple(month for month in months if month not in probed)
        return [
            *self._by_day_keys(others, self.base_keys),
            *self._by_day_keys(self.probed_months, self._probed_keys),
        ]

    def _by_day_keys(self, months: Months, keys: tuple[PostingKey, ...]) -> RequiredPostings:
        """Group months that need the same day postings: all, unless the query has a date range."""
        if not self.day_ranges:
            return [(months, keys)] if months else []
        groups = groupby(months, self._day_keys)
        return [(tuple(group), (*keys, *day_keys)) for day_keys, group in groups]

    def _day_keys(self, month: int) -> tuple[bytes, ...]:
        terms = (term for leaf in self.day_ranges for term in day_terms(leaf, month))
        return tuple(dict.fromkeys(terms))

    @property
    def _probed_keys(self) -> tuple[PostingKey, ...]:
        """The postings to read of ambiguous months: the base keys and the probe terms."""
        terms = (term for terms in self.probe_terms.values() for term in terms)
        return tuple(dict.fromkeys((*self.base_keys, *terms)))

    def evaluate(self, postings: Postings) -> Candidates:
        """Return the candidates among the months that were read."""
        assert self.expansions is not None, "prefixes are expanded before postings are read"
        return Evaluator(postings, self.expansions, self.probe_terms).evaluate(self.root)

    def refine(self, read: SizedPostings) -> QueryPlan | None:
        """Return the plan to read next, or None if this one is final for the months read.

        Any month may be compacted into a segment with slots meanwhile, so every read is examined.
        """
        if not self.phrases:
            return None
        found = {phrase: shingle_candidates(phrase, read) for phrase in self.phrases}
        ambiguous = {phrase: possible - exact for phrase, (exact, possible) in found.items()}
        new = {
            phrase: terms
            for phrase, doc_ids in ambiguous.items()
            if doc_ids and phrase not in self.probe_terms
            if (terms := self._worthwhile_terms(phrase, read))
        }
        probed = [doc_ids for phrase, doc_ids in ambiguous.items() if phrase in new]
        known = [doc_ids for phrase, doc_ids in ambiguous.items() if phrase in self.probe_terms]
        fresh = self._unprobed_months(read, BitMap.union(BitMap(), *probed, *known))
        if not new and not fresh:
            return None
        probe_terms = {**self.probe_terms, **new}
        return replace(self, probe_terms=probe_terms, probed_months=self.probed_months + fresh)

    def _unprobed_months(self, read: Postings, doc_ids: BitMap) -> Months:
        if not doc_ids or self.probes_everywhere:
            return ()
        probed = frozenset(self.probed_months)
        months = (month for month in read.months if month not in probed)
        return tuple(month for month in months if doc_ids & doc_ids_of_months([month]))

    def _worthwhile_terms(self, phrase: Text, read: SizedPostings) -> Sequence[bytes]:
        """Return the terms of a phrase that rule out more texts than they cost to read.

        How many papers have all shingles of the phrase and its rare words by chance is estimated;
        two shingles, known by their slots alone, hardly ever meet so.
        """
        if self.for_count:
            return text_terms(phrase)
        papers = max(read.estimated_papers(), 1)
        slots = (shingle_slot_key(shingle) for shingle in text_shingles(phrase))
        sizes = [
            len(read.bitmap_of(shingle)) + len(read.bitmap_of(slot))
            for shingle, slot in zip(text_shingles(phrase), slots, strict=True)
        ]
        rare = len(rare_terms(phrase))
        by_chance = papers * prod(size / papers for size in sizes) * RARE_SHARE**rare
        terms = probe_terms(phrase)
        cost = _ROUND_TRIP_COST + papers * len(terms) / _PAPERS_PER_POSTING_COST
        if by_chance * TEXT_READ_COST <= cost:
            return ()
        return (*terms, *long_terms(phrase, terms, by_chance, papers))


def _base_keys(
    unique_leaves: Sequence[Leaf], expansions: PrefixExpansions
) -> tuple[PostingKey, ...]:
    keys = (key for leaf in unique_leaves for key in posting_keys(leaf, expansions))
    return tuple(dict.fromkeys(keys))


def _select_spellings(node: Node, is_kept: Callable[[Text, Text], bool]) -> Node:
    if isinstance(node, Or) and all(map(_is_spelling, node.alternatives)):
        texts = [child for child in node.alternatives if isinstance(child, Text)]
        kept = tuple(text for text in texts if is_kept(text, texts[0])) or (texts[0],)
        return Or(kept) if len(kept) > 1 else kept[0]
    return map_children(node, lambda child: _select_spellings(child, is_kept))


def _is_spelling(node: Node) -> bool:
    return isinstance(node, Text) and node.is_literal


def _is_absent(text: Text, term_months: TermMonthValues) -> bool:
    return any(term_months.get(term, b"?") is None for term in dictionary_terms(text))


def _is_known(text: Text, term_months: TermMonthValues) -> bool:
    return all(term_months.get(term) is not None for term in dictionary_terms(text))
