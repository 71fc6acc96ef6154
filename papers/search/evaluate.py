"""A keyword over months' postings: which papers surely match, which may.

Every node is worth two bitmaps, `sure` inside `maybe`. Words and labels are known exactly, names of
two words too, and phrases of two words where their pair has a posting. Of others the index knows
only that their pairs are there, or, where slots tell of these, that they may be: then the words
tell more. What may match and does not surely is verified on the paper's text
(`papers.query.match`). Pure: postings in, bitmaps out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, NamedTuple, Protocol

from pyroaring import BitMap

from papers.index.postings import places_of_months
from papers.index.terms import (
    ALL_DAY_TERMS,
    WORD_KIND,
    day_term,
    is_single_shingle,
    label_term,
    text_shingles,
    text_terms,
    title_terms,
)
from papers.model.labels import month_day_range
from papers.query.ast import (
    And,
    DateRange,
    Field,
    IdFilter,
    Label,
    LabelKind,
    MinVotes,
    Node,
    Or,
    Text,
)

PrefixExpansions = Mapping[str, Sequence[str] | None]
"""The words that a prefix stands for; None where they are too many to ask for."""


PostingKey = bytes | int
"""What a posting is of: a term; a pair by its hash; or a slot (see `in_slot`)."""

ProbeTerms = Mapping[Text, Sequence[bytes]]
"""Phrases and the words asked for of each, where slots tell of its pairs."""

_WORDS_IN_NAME_TERM: Final = 2
"""So many words of a name are one term."""


def shingle_slot_key(shingle: int) -> int:
    """What the posting of the slot of a pair is of, where the pair has none."""
    return ~shingle


class Postings(Protocol):
    """Postings of some months (YYYYMM), as bitmaps of places (`ArxivId.place`)."""

    months: Sequence[int]

    def bitmap_of(self, key: PostingKey, months: Iterable[int] | None = None) -> BitMap:
        """The papers of these months, or of some of them, that have it."""

    def bitmap_among(self, key: PostingKey, places: BitMap) -> BitMap:
        """Those of some papers of these months that have it."""


class _RestrictedPostings:
    """Postings of some of the papers: of few of them less is put together."""

    def __init__(self, postings: Postings, places: BitMap) -> None:
        self._postings, self._places = postings, places
        self.months = postings.months

    def bitmap_of(self, key: PostingKey, months: Iterable[int] | None = None) -> BitMap:
        """See `Postings`."""
        found = self._postings.bitmap_among(key, self._places)
        return found if months is None else found & places_of_months(months)

    def bitmap_among(self, key: PostingKey, places: BitMap) -> BitMap:
        """See `Postings`."""
        return self._postings.bitmap_among(key, places & self._places)


class Candidates(NamedTuple):
    """The places of papers that surely match, and of those that may: one bitmap where all do."""

    exact: BitMap
    possible: BitMap

    def __and__(self, other: Candidates) -> Candidates:
        maybe = self.possible & other.possible
        exact = self.exact is self.possible and other.exact is other.possible
        return Candidates(maybe if exact else self.exact & other.exact, maybe)

    @property
    def unverified(self) -> BitMap:
        """Those that may match and not surely do."""
        return BitMap() if self.exact is self.possible else self.possible - self.exact

    def __sub__(self, excluded: Candidates) -> Candidates:
        return Candidates(self.exact - excluded.possible, self.possible - excluded.exact)


def residual_query(root: Node) -> Node:
    """What is left to verify of a candidate: the tree without what postings tell exactly.

    A candidate of "these and those" has all of it that is exact, and nothing barred that is exact.
    """
    if not isinstance(root, And):
        return root
    wanted = tuple(node for node in root.required if not is_exact(node))
    barred = tuple(node for node in root.excluded if not is_exact(node))
    return And(tuple(map(residual_query, wanted)), barred)


def is_exact(node: Node) -> bool:
    """Whether postings alone tell who matches."""
    if isinstance(node, Text):
        if node.is_phrase:
            return node.field is Field.AUTHOR and len(node.words) == _WORDS_IN_NAME_TERM
        return node.field is not Field.ABSTRACT and not node.is_prefix
    if isinstance(node, And):
        return all(map(is_exact, (*node.required, *node.excluded)))
    if isinstance(node, Or):
        return all(map(is_exact, node.alternatives))
    return isinstance(node, Label | DateRange)


PICKED_TERM: Final = label_term(Label(LabelKind.FLAG, "picked"))
_NO_CANDIDATES: Final = Candidates(BitMap(), BitMap())


class Evaluator:
    """The tree's nodes over the months that were read. A posting is put together when needed."""

    def __init__(
        self, postings: Postings, expansions: PrefixExpansions, probe_terms: ProbeTerms
    ) -> None:
        self.postings, self.expansions, self.probe_terms = postings, expansions, probe_terms

    def intersection(self, keys: Iterable[PostingKey]) -> BitMap:
        """The papers that have all of these; stops at the first that leaves none."""
        found: BitMap | None = None
        for key in keys:
            found = (
                self.postings.bitmap_of(key)
                if found is None
                else found & self.postings.bitmap_of(key)
            )
            if not found:
                break
        return BitMap() if found is None else found

    def evaluate(self, node: Node) -> Candidates:
        """The candidates of a subtree."""
        return EVALUATORS[type(node)](self, node)

    def evaluate_and(self, node: And) -> Candidates:
        """All of these and none of those; a span of days around all of the months asks nothing."""
        met: Candidates | None = None
        for child in sorted(node.required, key=_selectivity_rank):
            if isinstance(child, DateRange) and all(
                _covers_month(child, m) for m in self.postings.months
            ):
                continue
            met = (
                self.evaluate(child)
                if met is None
                else met & self.restricted_to(met.possible).evaluate(child)
            )
            if not met.possible:
                return _NO_CANDIDATES
        assert met is not None  # a keyword always stands beside its filters
        if node.excluded:
            here = self.restricted_to(met.possible)
            for child in node.excluded:
                met = met - here.evaluate(child)
        return met

    def restricted_to(self, places: BitMap) -> Evaluator:
        """The same over some of the papers."""
        return Evaluator(
            _RestrictedPostings(self.postings, places), self.expansions, self.probe_terms
        )

    def evaluate_or(self, node: Or) -> Candidates:
        """Any of these."""
        children = [self.evaluate(child) for child in node.alternatives]
        return Candidates(
            BitMap.union(*[child.exact for child in children]),
            BitMap.union(*[child.possible for child in children]),
        )

    def evaluate_text(self, text: Text) -> Candidates:
        """Words are exact; phrases, and words that must stand in the abstract alone, are not."""
        if text.is_prefix:
            return self.evaluate_prefix(text)
        if text.is_phrase:
            return self.evaluate_phrase(text)
        maybe = self.postings.bitmap_of(text_terms(text)[0])
        if text.field is Field.ABSTRACT:
            return Candidates(maybe - self.postings.bitmap_of(title_terms(text)[0]), maybe)
        return Candidates(maybe, maybe)

    def evaluate_phrase(self, text: Text) -> Candidates:
        """Who has its pairs; where only slots say so, who has its words besides."""
        if not text_shingles(text):
            found = self.intersection(text_terms(text))
            return Candidates(found if is_exact(text) else BitMap(), found)
        named, maybe = shingle_candidates(text, self.postings)
        if len(named) < len(maybe):
            maybe = named | (maybe - named) & self.intersection(self.probe_terms[text])
        return Candidates(named if is_single_shingle(text) else BitMap(), maybe)

    def evaluate_prefix(self, text: Text) -> Candidates:
        """Any of the words that the prefix stands for; of too many words any paper may have one."""
        maybe = self.union(prefix_terms(text, self.expansions))
        exact = text.field is not Field.ABSTRACT and self.expansions[text.words[0]] is not None
        return Candidates(maybe if exact else BitMap(), maybe)

    def union(self, terms: Sequence[bytes]) -> BitMap:
        """The papers that have any of these."""
        return BitMap.union(BitMap(), *[self.postings.bitmap_of(term) for term in terms])

    def evaluate_label(self, label: Label) -> Candidates:
        """The papers that bear a label."""
        found = self.postings.bitmap_of(label_term(label))
        return Candidates(found, found)

    def evaluate_named(self, named: IdFilter) -> Candidates:
        """One paper, whose existence its record will tell."""
        here = [named.id.doc_id] if named.id.month in self.postings.months else []
        return Candidates(BitMap(), BitMap(here))

    def evaluate_voted(self, voted: MinVotes) -> Candidates:
        """Votes move too often for the index: it knows only who was picked."""
        return Candidates(BitMap(), self.postings.bitmap_of(PICKED_TERM))

    def evaluate_between(self, days: DateRange) -> Candidates:
        """The days of each month's window that lie in the span, or all of the month."""
        asked: dict[bytes, list[int]] = defaultdict(list)
        for month in self.postings.months:
            for term in day_terms(days, month):
                asked[term].append(month)
        found = [self.postings.bitmap_of(term, months) for term, months in asked.items()]
        whole = places_of_months(
            month for month in self.postings.months if _covers_month(days, month)
        )
        met = BitMap.union(whole, *found)
        return Candidates(met, met)


def _selectivity_rank(node: Node) -> int:
    """What of a tree's parts to look at first: what is likely to leave few for the others."""
    if isinstance(node, Text):
        return _LAST_RANK if node.is_prefix else not node.is_phrase
    return _MEDIUM_RANK if isinstance(node, Label | DateRange) else _LAST_RANK


_MEDIUM_RANK: Final = 2
_LAST_RANK: Final = 3


def shingle_candidates(phrase: Text, postings: Postings) -> tuple[BitMap, BitMap]:
    """Who has the pairs of a phrase; and who may besides, as slots tell: the same where none do."""
    named, maybe = [], []
    for pair in text_shingles(phrase):
        posting, slot = postings.bitmap_of(pair), postings.bitmap_of(shingle_slot_key(pair))
        named.append(posting)
        maybe.append(posting | slot if slot else posting)
    found = BitMap.intersection(*named)
    return found, found if named == maybe else BitMap.intersection(*maybe)


def prefix_terms(text: Text, expansions: PrefixExpansions) -> Sequence[bytes]:
    """The terms of the words that a prefix stands for; of too many, those one of which any has."""
    kind = b"t" if text.field is Field.TITLE else WORD_KIND
    words = expansions[text.words[0]]
    return ALL_DAY_TERMS if words is None else [kind + word.encode() for word in words]


def _covers_month(days: DateRange, month: int) -> bool:
    return days.contains(*month_day_range(month))


def day_terms(days: DateRange, month: int) -> list[bytes]:
    """The terms of the days of a month's (YYYYMM) window in a span; none where all of it is."""
    first, last = month_day_range(month)
    if days.contains(first, last):
        return []
    since = max(days.since or first, first)
    until = min(days.until or last, last)
    if since > until:
        return []
    return [day_term(month, since + timedelta(n)) for n in range((until - since).days + 1)]


EVALUATORS: Final[dict[type, Callable[[Evaluator, Any], Candidates]]] = {
    And: Evaluator.evaluate_and,
    Or: Evaluator.evaluate_or,
    Text: Evaluator.evaluate_text,
    Label: Evaluator.evaluate_label,
    IdFilter: Evaluator.evaluate_named,
    MinVotes: Evaluator.evaluate_voted,
    DateRange: Evaluator.evaluate_between,
}
