"""A keyword over months' postings: which papers surely match, which may.

Every node is worth two bitmaps, `sure` inside `maybe`. Words and labels are known exactly, names of
two words too, and phrases of two words where their pair has a posting. Of others the index knows
only that their pairs are there, or, where slots tell of these, that they may be: then the words
tell more. What may match and does not surely is verified on the paper's text (`papers.matching`).
Pure: postings in, bitmaps out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from math import prod
from typing import Any, Final, NamedTuple, Protocol

from pyroaring import BitMap

from papers.asked import Asked
from papers.matching import month_days
from papers.postings import places_of_months
from papers.terms import (
    EVERY_DAY,
    WORD,
    day_term,
    is_pair,
    label_term,
    text_pairs,
    text_terms,
    title_terms,
)
from papers.tree import And, Between, Field, Kind, Label, Leaf, Named, Node, Or, Text, Voted

Expansions = Mapping[str, Sequence[str] | None]
"""The words that a prefix stands for; None where they are too many to ask for."""


Key = bytes | int
"""What a posting is of: a term; a pair by its hash; or a slot (see `in_slot`)."""

Telling = Mapping[Text, Sequence[bytes]]
"""Phrases and the words asked for of each, where slots tell of its pairs."""

_A_TERM: Final = 2
"""So many words of a name are one term."""
_A_TEXT: Final = 3.0
"""What it costs to read a text in vain: three times what a short posting does."""
_NUMBERS: Final = 2_000
"""A posting of so many numbers costs twice as much to read as a short one."""


def in_slot(pair: int) -> int:
    """What the posting of the slot of a pair is of, where the pair has none."""
    return ~pair


class Postings(Protocol):
    """Postings of some months (YYYYMM), as bitmaps of places (`papers.arxiv_id.ArxivId.place`)."""

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

    def with_words(self, told: Telling | None = None) -> Plan:
        """The same that asks for words of phrases too: for those that are told, or for all."""
        every = {phrase: text_terms(phrase) for phrase in self.phrases}
        return Plan(self._asks, self.expansions, told or every)

    def keys(self, month: int) -> tuple[Key, ...]:
        """The postings to read of a month (YYYYMM)."""
        if not self._days:
            return self._keys
        days = dict.fromkeys(term for leaf in self._days for term in _day_terms(leaf, month))
        return (*self._keys, *days)

    def evaluate(self, read: Postings) -> Candidates:
        """The candidates among the months that were read, as places."""
        return _Evaluation(read, self.expansions, self._told).node(self._asks.tree)

    def doubtful(self, read: Postings) -> list[int]:
        """The months (YYYYMM) of those read of which slots tell of a phrase: words tell more."""
        met = [_met(phrase, read) for phrase in self.phrases]
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
                return _expanded(leaf, self.expansions)
            if leaf.is_phrase and (pairs := text_pairs(leaf)):
                return (*self._told.get(leaf, ()), *pairs)
            abstract = leaf.field is Field.ABSTRACT
            return text_terms(leaf) + (title_terms(leaf) if abstract else ())
        if isinstance(leaf, Label):
            return [label_term(leaf)]
        return [_PICKED] if isinstance(leaf, Voted) else []


_PICKED: Final = label_term(Label(Kind.FLAG, "picked"))
_NOTHING: Final = Candidates(BitMap(), BitMap())


class _Evaluation:
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
        met, here = None, self
        for child in sorted(node.all, key=_few_first):
            if isinstance(child, Between) and all(_spans(child, m) for m in self.read.months):
                continue
            found = here.node(child)
            met = found if met is None else met & found
            if not met.maybe:
                return _NOTHING
            here = self.among(met.maybe)
        assert met is not None  # a keyword always stands beside its filters
        for child in node.none:
            met = met - here.node(child)
        return met

    def among(self, places: BitMap) -> _Evaluation:
        """The same over some of the papers."""
        return _Evaluation(_Among(self.read, places), self.expansions, self.telling)

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
        named, maybe = _met(text, self.read)
        if len(named) < len(maybe):
            maybe = named | (maybe - named) & self.all_of(self.telling[text])
        return Candidates(named if is_pair(text) else BitMap(), maybe)

    def prefix(self, text: Text) -> Candidates:
        """Any of the words that the prefix stands for; of too many words any paper may have one."""
        maybe = self.any_of(_expanded(text, self.expansions))
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
        return Candidates(BitMap(), self.read.of(_PICKED))

    def between(self, days: Between) -> Candidates:
        """The days of each month's window that lie in the span, or all of the month."""
        asked: dict[bytes, list[int]] = defaultdict(list)
        for month in self.read.months:
            for term in _day_terms(days, month):
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


def _met(phrase: Text, read: Postings) -> tuple[BitMap, BitMap]:
    """Who has the pairs of a phrase; and who may besides, as slots tell: the same where none do."""
    named, maybe = [], []
    for pair in text_pairs(phrase):
        posting, slot = read.of(pair), read.of(in_slot(pair))
        named.append(posting)
        maybe.append(posting | slot if slot else posting)
    found = BitMap.intersection(*named)
    return found, found if named == maybe else BitMap.intersection(*maybe)


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


def _expanded(text: Text, expansions: Expansions) -> Sequence[bytes]:
    kind = b"t" if text.field is Field.TITLE else WORD
    words = expansions[text.words[0]]
    return EVERY_DAY if words is None else [kind + word.encode() for word in words]


def _spans(days: Between, month: int) -> bool:
    return days.spans(*month_days(month))


def _day_terms(days: Between, month: int) -> list[bytes]:
    first, last = month_days(month)
    if days.spans(first, last):
        return []
    since = max(days.since or first, first)
    until = min(days.until or last, last)
    if since > until:
        return []
    return [day_term(month, since + timedelta(n)) for n in range((until - since).days + 1)]


_NODES: Final[dict[type, Callable[[_Evaluation, Any], Candidates]]] = {
    And: _Evaluation.and_,
    Or: _Evaluation.or_,
    Text: _Evaluation.text,
    Label: _Evaluation.label,
    Named: _Evaluation.named,
    Voted: _Evaluation.voted,
    Between: _Evaluation.between,
}
