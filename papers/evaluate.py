"""A keyword over one month's postings: which papers surely match, which may.

Every node is worth two bitmaps, `sure` inside `maybe`. Words and labels are known exactly; of a
phrase the index knows only that its words and its pairs are there. What may match and does not
surely is verified on the paper's text (`papers.matching`). Pure: postings in, bitmaps out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import reduce
from operator import and_, or_
from typing import Any, Final, NamedTuple

from pyroaring import BitMap

from papers import postings
from papers.postings import Shape
from papers.terms import (
    WORD,
    day_term,
    label_term,
    month_days,
    text_pairs,
    text_terms,
    title_terms,
)
from papers.tree import And, Between, Field, Kind, Label, Named, Node, Or, Text, Voted, leaves

Expansions = Mapping[str, Sequence[str]]
"""The words that begin with a prefix, as far as they are followed."""


class Candidates(NamedTuple):
    """The numbers of papers that surely match, and of those that may."""

    sure: BitMap
    maybe: BitMap


class Plan:
    """What a keyword asks of every month: made once, used for each.

    `fields(shape)` names the fields of a month's hash to fetch, `evaluate` reads them.
    """

    def __init__(self, tree: Node, expansions: Expansions) -> None:
        self.tree = tree
        self.expansions = expansions
        terms: dict[bytes, None] = {}
        pairs: dict[int, None] = {}
        self._days = [leaf for leaf in leaves(tree) if isinstance(leaf, Between)]
        for leaf in leaves(tree):
            terms.update(dict.fromkeys(self._terms(leaf)))
            if isinstance(leaf, Text) and not leaf.prefix:
                pairs.update(dict.fromkeys(text_pairs(leaf)))
        self.terms = tuple(terms)
        self.pairs = tuple(pairs)
        self._fields: dict[tuple[Shape, int], list[bytes]] = {}

    def fields(self, month: int, shape: Shape) -> list[bytes]:
        """The fields to fetch of a month (YYYYMM) of that shape: `shape` first."""
        key = (shape, month if self._days else 0)
        if key not in self._fields:
            names = [postings.SHAPE]
            for term in self._month_terms(month):
                names += [postings.term_field(term), shape.bucket(term)]
            for pair in self.pairs:
                slot = shape.slot(pair)
                names += [postings.slot_field(slot), postings.slots_field(slot)]
            self._fields[key] = names
        return self._fields[key]

    def evaluate(self, month: int, shape: Shape, values: Sequence[bytes | None]) -> Candidates:
        """The candidates of a month, from the values of `fields(month, shape)`."""
        found: dict[bytes | int, BitMap] = {}
        at = 1
        for term in self._month_terms(month):
            large, bucket = values[at], values[at + 1]
            found[term] = _posting(large) if large else postings.bitmap(postings.find(bucket, term))
            at += 2
        for pair in self.pairs:
            large, bucket = values[at], values[at + 1]
            small = postings.find_slot(bucket, shape.slot(pair))
            found[pair] = _posting(large) if large else postings.bitmap(small)
            at += 2
        return _Month(month, found, self.expansions).node(self.tree)

    def _terms(self, leaf: Node) -> list[bytes]:
        if isinstance(leaf, Text):
            if leaf.prefix:
                return _expanded(leaf, self.expansions)
            both = leaf.field is Field.ABSTRACT
            return text_terms(leaf) + (title_terms(leaf) if both else [])
        if isinstance(leaf, Label):
            return [label_term(leaf)]
        return [_PICKED] if isinstance(leaf, Voted) else []

    def _month_terms(self, month: int) -> tuple[bytes, ...]:
        days = dict.fromkeys(term for leaf in self._days for term in _day_terms(leaf, month))
        return (*self.terms, *days)


_PICKED: Final = label_term(Label(Kind.FLAG, "picked"))


class _Month:
    """The tree's nodes, evaluated over one month's bitmaps."""

    def __init__(
        self, month: int, found: Mapping[bytes | int, BitMap], expansions: Expansions
    ) -> None:
        self.month, self.found, self.expansions = month, found, expansions

    def node(self, node: Node) -> Candidates:
        """The candidates of a subtree."""
        return _NODES[type(node)](self, node)

    def and_(self, node: And) -> Candidates:
        """All of these and none of those; a span of days around the whole month asks nothing."""
        wanted = [self.node(child) for child in node.all if not _spans(child, self.month)]
        sure = reduce(and_, [child.sure for child in wanted])
        maybe = reduce(and_, [child.maybe for child in wanted])
        for barred in [self.node(child) for child in node.none] if maybe else []:
            sure, maybe = sure - barred.maybe, maybe - barred.sure
        return Candidates(sure, maybe)

    def or_(self, node: Or) -> Candidates:
        """Any of these."""
        children = [self.node(child) for child in node.any]
        return Candidates(
            reduce(or_, [child.sure for child in children]),
            reduce(or_, [child.maybe for child in children]),
        )

    def text(self, text: Text) -> Candidates:
        """Words are exact; phrases, and words that must stand in the abstract alone, are not."""
        if text.prefix:
            return self.prefix(text)
        maybe = reduce(and_, [self.found[term] for term in text_terms(text)])
        if len(text.words) > 1:
            return Candidates(BitMap(), reduce(and_, self.pairs(text), maybe))
        if text.field is Field.ABSTRACT:
            return Candidates(maybe - self.found[title_terms(text)[0]], maybe)
        return Candidates(maybe, maybe)

    def pairs(self, text: Text) -> list[BitMap]:
        """The papers of each pair of neighbours in a phrase."""
        return [self.found[pair] for pair in text_pairs(text)]

    def prefix(self, text: Text) -> Candidates:
        """Any of the words that the prefix stands for."""
        found = [self.found[term] for term in _expanded(text, self.expansions)]
        maybe = reduce(or_, found, BitMap())
        return Candidates(BitMap() if text.field is Field.ABSTRACT else maybe, maybe)

    def label(self, label: Label) -> Candidates:
        """The papers that bear a label."""
        return Candidates(self.found[label_term(label)], self.found[label_term(label)])

    def named(self, named: Named) -> Candidates:
        """One paper, whose existence the text will tell."""
        here = BitMap([named.id.number]) if named.id.month == self.month else BitMap()
        return Candidates(BitMap(), here)

    def voted(self, voted: Voted) -> Candidates:
        """Votes move too often for the index: it knows only who was picked."""
        return Candidates(BitMap(), self.found[_PICKED])

    def between(self, days: Between) -> Candidates:
        """The days of the month's window that lie in the span."""
        terms = _day_terms(days, self.month)
        found = reduce(or_, [self.found[term] for term in terms], BitMap())
        return Candidates(found, found)


def _posting(large: bytes) -> BitMap:
    return BitMap.deserialize(large)


def _expanded(text: Text, expansions: Expansions) -> list[bytes]:
    kind = b"t" if text.field is Field.TITLE else WORD
    return [kind + word.encode() for word in expansions.get(text.words[0], ())]


def _spans(node: Node, month: int) -> bool:
    return isinstance(node, Between) and node.spans(*month_days(month))


def _day_terms(days: Between, month: int) -> list[bytes]:
    first, last = month_days(month)
    if days.spans(first, last):
        return []
    since = max(days.since or first, first)
    until = min(days.until or last, last)
    if since > until:
        return []
    return [day_term(month, since + timedelta(n)) for n in range((until - since).days + 1)]


_NODES: Final[dict[type, Callable[[_Month, Any], Candidates]]] = {
    And: _Month.and_,
    Or: _Month.or_,
    Text: _Month.text,
    Label: _Month.label,
    Named: _Month.named,
    Voted: _Month.voted,
    Between: _Month.between,
}
