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
    EVERY_DAY,
    WORD,
    day_term,
    is_pair,
    label_term,
    text_pairs,
    text_terms,
    title_terms,
)
from papers.query.ast import And, Between, Field, Kind, Label, Named, Node, Or, Text, Voted
from papers.query.match import month_days

Expansions = Mapping[str, Sequence[str] | None]
"""The words that a prefix stands for; None where they are too many to ask for."""


Key = bytes | int
"""What a posting is of: a term; a pair by its hash; or a slot (see `in_slot`)."""

Telling = Mapping[Text, Sequence[bytes]]
"""Phrases and the words asked for of each, where slots tell of its pairs."""

_A_TERM: Final = 2
"""So many words of a name are one term."""


def in_slot(pair: int) -> int:
    """What the posting of the slot of a pair is of, where the pair has none."""
    return ~pair


class Postings(Protocol):
    """Postings of some months (YYYYMM), as bitmaps of places (`ArxivId.place`)."""

    months: Sequence[int]

    def of(self, key: Key, months: Iterable[int] | None = None) -> BitMap:
        """The papers of these months, or of some of them, that have it."""

    def among(self, key: Key, places: BitMap) -> BitMap:
        """Those of some papers of these months that have it."""


class _Among:
    """Postings of some of the papers: of few of them less is put together."""

    def __init__(self, read: Postings, places: BitMap) -> None:
        self._read, self._places = read, places
        self.months = read.months

    def of(self, key: Key, months: Iterable[int] | None = None) -> BitMap:
        """See `Postings`."""
        found = self._read.among(key, self._places)
        return found if months is None else found & places_of_months(months)

    def among(self, key: Key, places: BitMap) -> BitMap:
        """See `Postings`."""
        return self._read.among(key, places & self._places)


class Candidates(NamedTuple):
    """The places of papers that surely match, and of those that may: one bitmap where all do."""

    sure: BitMap
    maybe: BitMap

    def __and__(self, other: Candidates) -> Candidates:
        maybe = self.maybe & other.maybe
        exact = self.sure is self.maybe and other.sure is other.maybe
        return Candidates(maybe if exact else self.sure & other.sure, maybe)

    @property
    def unsure(self) -> BitMap:
        """Those that may match and not surely do."""
        return BitMap() if self.sure is self.maybe else self.maybe - self.sure

    def __sub__(self, barred: Candidates) -> Candidates:
        return Candidates(self.sure - barred.maybe, self.maybe - barred.sure)


def doubts_of(tree: Node) -> Node:
    """What is left to verify of a candidate: the tree without what postings tell exactly.

    A candidate of "these and those" has all of it that is exact, and nothing barred that is exact.
    """
    if not isinstance(tree, And):
        return tree
    wanted = tuple(node for node in tree.all if not is_exact(node))
    barred = tuple(node for node in tree.none if not is_exact(node))
    return And(tuple(map(doubts_of, wanted)), barred)


def is_exact(node: Node) -> bool:
    """Whether postings alone tell who matches."""
    if isinstance(node, Text):
        if node.is_phrase:
            return node.field is Field.AUTHOR and len(node.words) == _A_TERM
        return node.field is not Field.ABSTRACT and not node.prefix
    if isinstance(node, And):
        return all(map(is_exact, (*node.all, *node.none)))
    if isinstance(node, Or):
        return all(map(is_exact, node.any))
    return isinstance(node, Label | Between)


PICKED: Final = label_term(Label(Kind.FLAG, "picked"))
_NOTHING: Final = Candidates(BitMap(), BitMap())


class Evaluation:
    """The tree's nodes over the months that were read. A posting is put together when needed."""

    def __init__(self, read: Postings, expansions: Expansions, telling: Telling) -> None:
        self.read, self.expansions, self.telling = read, expansions, telling

    def all_of(self, keys: Iterable[Key]) -> BitMap:
        """The papers that have all of these; stops at the first that leaves none."""
        found: BitMap | None = None
        for key in keys:
            found = self.read.of(key) if found is None else found & self.read.of(key)
            if not found:
                break
        return BitMap() if found is None else found

    def node(self, node: Node) -> Candidates:
        """The candidates of a subtree."""
        return _NODES[type(node)](self, node)

    def and_(self, node: And) -> Candidates:
        """All of these and none of those; a span of days around all of the months asks nothing."""
        met: Candidates | None = None
        for child in sorted(node.all, key=_few_first):
            if isinstance(child, Between) and all(_spans(child, m) for m in self.read.months):
                continue
            met = self.node(child) if met is None else met & self.among(met.maybe).node(child)
            if not met.maybe:
                return _NOTHING
        assert met is not None  # a keyword always stands beside its filters
        if node.none:
            here = self.among(met.maybe)
            for child in node.none:
                met = met - here.node(child)
        return met

    def among(self, places: BitMap) -> Evaluation:
        """The same over some of the papers."""
        return Evaluation(_Among(self.read, places), self.expansions, self.telling)

    def or_(self, node: Or) -> Candidates:
        """Any of these."""
        children = [self.node(child) for child in node.any]
        return Candidates(
            BitMap.union(*[child.sure for child in children]),
            BitMap.union(*[child.maybe for child in children]),
        )

    def text(self, text: Text) -> Candidates:
        """Words are exact; phrases, and words that must stand in the abstract alone, are not."""
        if text.prefix:
            return self.prefix(text)
        if text.is_phrase:
            return self.phrase(text)
        maybe = self.read.of(text_terms(text)[0])
        if text.field is Field.ABSTRACT:
            return Candidates(maybe - self.read.of(title_terms(text)[0]), maybe)
        return Candidates(maybe, maybe)

    def phrase(self, text: Text) -> Candidates:
        """Who has its pairs; where only slots say so, who has its words besides."""
        if not text_pairs(text):
            found = self.all_of(text_terms(text))
            return Candidates(found if is_exact(text) else BitMap(), found)
        named, maybe = holders(text, self.read)
        if len(named) < len(maybe):
            maybe = named | (maybe - named) & self.all_of(self.telling[text])
        return Candidates(named if is_pair(text) else BitMap(), maybe)

    def prefix(self, text: Text) -> Candidates:
        """Any of the words that the prefix stands for; of too many words any paper may have one."""
        maybe = self.any_of(expanded(text, self.expansions))
        exact = text.field is not Field.ABSTRACT and self.expansions[text.words[0]] is not None
        return Candidates(maybe if exact else BitMap(), maybe)

    def any_of(self, terms: Sequence[bytes]) -> BitMap:
        """The papers that have any of these."""
        return BitMap.union(BitMap(), *[self.read.of(term) for term in terms])

    def label(self, label: Label) -> Candidates:
        """The papers that bear a label."""
        found = self.read.of(label_term(label))
        return Candidates(found, found)

    def named(self, named: Named) -> Candidates:
        """One paper, whose existence its record will tell."""
        here = [named.id.place] if named.id.month in self.read.months else []
        return Candidates(BitMap(), BitMap(here))

    def voted(self, voted: Voted) -> Candidates:
        """Votes move too often for the index: it knows only who was picked."""
        return Candidates(BitMap(), self.read.of(PICKED))

    def between(self, days: Between) -> Candidates:
        """The days of each month's window that lie in the span, or all of the month."""
        asked: dict[bytes, list[int]] = defaultdict(list)
        for month in self.read.months:
            for term in day_terms(days, month):
                asked[term].append(month)
        found = [self.read.of(term, months) for term, months in asked.items()]
        whole = places_of_months(month for month in self.read.months if _spans(days, month))
        met = BitMap.union(whole, *found)
        return Candidates(met, met)


def _few_first(node: Node) -> int:
    """What of a tree's parts to look at first: what is likely to leave few for the others."""
    if isinstance(node, Text):
        return _OF_MANY if node.prefix else not node.is_phrase
    return _OF_SOME if isinstance(node, Label | Between) else _OF_MANY


_OF_SOME: Final = 2
_OF_MANY: Final = 3


def holders(phrase: Text, read: Postings) -> tuple[BitMap, BitMap]:
    """Who has the pairs of a phrase; and who may besides, as slots tell: the same where none do."""
    named, maybe = [], []
    for pair in text_pairs(phrase):
        posting, slot = read.of(pair), read.of(in_slot(pair))
        named.append(posting)
        maybe.append(posting | slot if slot else posting)
    found = BitMap.intersection(*named)
    return found, found if named == maybe else BitMap.intersection(*maybe)


def expanded(text: Text, expansions: Expansions) -> Sequence[bytes]:
    """The terms of the words that a prefix stands for; of too many, those one of which any has."""
    kind = b"t" if text.field is Field.TITLE else WORD
    words = expansions[text.words[0]]
    return EVERY_DAY if words is None else [kind + word.encode() for word in words]


def _spans(days: Between, month: int) -> bool:
    return days.spans(*month_days(month))


def day_terms(days: Between, month: int) -> list[bytes]:
    """The terms of the days of a month's (YYYYMM) window in a span; none where all of it is."""
    first, last = month_days(month)
    if days.spans(first, last):
        return []
    since = max(days.since or first, first)
    until = min(days.until or last, last)
    if since > until:
        return []
    return [day_term(month, since + timedelta(n)) for n in range((until - since).days + 1)]


_NODES: Final[dict[type, Callable[[Evaluation, Any], Candidates]]] = {
    And: Evaluation.and_,
    Or: Evaluation.or_,
    Text: Evaluation.text,
    Label: Evaluation.label,
    Named: Evaluation.named,
    Voted: Evaluation.voted,
    Between: Evaluation.between,
}
