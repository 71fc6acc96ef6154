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
from papers.index.terms import day_terms, text_shingles, text_terms
from papers.query.ast import And, DateRange, Leaf, Node, Or, Text, leaves, map_children
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

_TEXT_READ_COST: Final = 3.0
"""The cost of reading a text in vain, as a number of short postings."""
_DOC_IDS_PER_POSTING_COST: Final = 2_000
"""The number of doc ids that double a posting's cost."""


class SizedPostings(Postings, Protocol):
    """Postings of months whose number of papers is known."""

    def estimated_papers(self, month: int) -> int:
        """Return about how many papers a month (YYYYMM) has."""


@dataclass(frozen=True, eq=False)
class QueryPlan:
    """The postings a query needs; immutable, refined by what was read.

    `dictionary_terms` are the terms whose months the term dictionary knows. `is_exact`: postings
    alone decide which papers match. While `is_survey` is set, `probe_terms` are all words of the
    phrases: they are read once, to choose the probe terms by what they have in the first month.
    """

    root: Node
    leaves: Sequence[Leaf]
    prefixes: Sequence[Text]
    phrases: Sequence[Text]
    """The phrases that have shingles."""
    day_ranges: Sequence[DateRange]
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
    is_survey: bool = False

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
            dictionary_terms=tuple(terms),
            is_exact=is_exact(root),
            expansions=None if prefixes else {},
            base_keys=() if prefixes else _base_keys(unique, {}),
        )

    def without_absent_spellings(self, term_months: TermMonthValues) -> QueryPlan:
        """Return the plan without the spellings that have a word which no month has.

        `term_months` are values of the term dictionary, as far as they are known.
        """
        root = _drop_absent_spellings(self.root, term_months)
        if root == self.root:
            return self
        return replace(QueryPlan._of_literals(root), expansions=None if self.prefixes else {})

    def with_expansions(self, expansions: PrefixExpansions) -> QueryPlan:
        """Return the plan with the words its prefixes stand for."""
        if self.expansions == expansions:
            return self
        keys = _base_keys(self.leaves, expansions)
        return replace(self, expansions=expansions, base_keys=keys)

    def for_next_batch(self) -> QueryPlan:
        """Return the plan for other months: probe terms, once chosen, are read of all of them."""
        if not self.probe_terms or self.probes_everywhere:
            return self
        return replace(self, probed_months=(), probes_everywhere=True)

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

    @property
    def all_words(self) -> ProbeTerms:
        """Every word of every phrase, as probe terms."""
        return {phrase: text_terms(phrase) for phrase in self.phrases}

    def evaluate(self, postings: Postings) -> Candidates:
        """Return the candidates among the months that were read."""
        assert self.expansions is not None, "prefixes are expanded before postings are read"
        return Evaluator(postings, self.expansions, self.probe_terms).evaluate(self.root)

    def refine(self, read: SizedPostings, known: ProbeTerms) -> QueryPlan | None:
        """Return the plan to read next, or None if this one is final for the months read.

        `known` are the probe terms that an earlier execution of the query has chosen, if any. Any
        month may be compacted into a segment with slots meanwhile, so every read is examined.
        """
        if self.is_survey:
            chosen = self._choose_probe_terms(read, self.probed_months[0])
            return replace(self, probe_terms=chosen, is_survey=False)
        fresh = self._unprobed_ambiguous_months(read)
        if not fresh:
            return None
        probed = self.probed_months + fresh
        if terms := self.probe_terms or known:
            return replace(self, probe_terms=terms, probed_months=probed)
        return replace(self, probe_terms=self.all_words, probed_months=probed, is_survey=True)

    def _unprobed_ambiguous_months(self, read: Postings) -> Months:
        if not self.phrases or self.probes_everywhere:
            return ()
        probed = frozenset(self.probed_months)
        return tuple(month for month in self.ambiguous_months(read) if month not in probed)

    def ambiguous_months(self, read: Postings) -> Months:
        """Return the months (YYYYMM) that have papers of a phrase by its slots only."""
        found = [shingle_candidates(phrase, read) for phrase in self.phrases]
        ambiguous = BitMap.union(BitMap(), *[possible - exact for exact, possible in found])
        if not ambiguous:
            return ()
        return tuple(month for month in read.months if ambiguous & doc_ids_of_months([month]))

    def _choose_probe_terms(self, read: SizedPostings, month: int) -> ProbeTerms:
        """Choose the probe terms of each phrase by the postings of one month.

        A paper that has a phrase's shingles and its rarest word hardly ever lacks the other words:
        these are read only where that costs less than the texts that would be read in vain.
        """
        papers, doc_ids = read.estimated_papers(month), doc_ids_of_months([month])

        def share(key: PostingKey) -> float:
            found = read.bitmap_among(key, doc_ids)
            if isinstance(key, int):
                found = found | read.bitmap_among(shingle_slot_key(key), doc_ids)
            return len(found) / papers

        return {phrase: _choose_terms(phrase, share, papers) for phrase in self.phrases}


def _base_keys(
    unique_leaves: Sequence[Leaf], expansions: PrefixExpansions
) -> tuple[PostingKey, ...]:
    keys = (key for leaf in unique_leaves for key in posting_keys(leaf, expansions))
    return tuple(dict.fromkeys(keys))


def _choose_terms(
    phrase: Text, share: Callable[[PostingKey], float], papers: int
) -> Sequence[bytes]:
    """Return the terms of a phrase that are worth reading in a month, rarest first."""
    rarest, *others = sorted(dict.fromkeys(text_terms(phrase)), key=share)
    chosen = [rarest]
    by_chance = papers * share(rarest) * prod(map(share, text_shingles(phrase)))
    for term in others:
        saved = by_chance * (1 - share(term)) * _TEXT_READ_COST
        if saved > 1 + papers * share(term) / _DOC_IDS_PER_POSTING_COST:
            chosen.append(term)
            by_chance *= share(term)
    return tuple(chosen)


def _drop_absent_spellings(node: Node, term_months: TermMonthValues) -> Node:
    if isinstance(node, Or) and all(_is_spelling(child) for child in node.alternatives):
        present = [child for child in node.alternatives if not _is_absent(child, term_months)]
        return Or(tuple(present)) if len(present) > 1 else (present or node.alternatives)[0]
    return map_children(node, lambda child: _drop_absent_spellings(child, term_months))


def _is_spelling(node: Node) -> bool:
    return isinstance(node, Text) and node.is_literal


def _is_absent(leaf: Node, term_months: TermMonthValues) -> bool:
    assert isinstance(leaf, Text), "only texts have spellings"
    return any(term_months.get(term, b"?") is None for term in dictionary_terms(leaf))


def residual_query(root: Node) -> Node:
    """Return what is left to verify of a candidate: the tree without its exact parts.

    A candidate of a conjunction matches all of its exact nodes, and none that excludes it exactly.
    """
    if not isinstance(root, And):
        return root
    required = tuple(residual_query(node) for node in root.required if not is_exact(node))
    return And(required, tuple(node for node in root.excluded if not is_exact(node)))
