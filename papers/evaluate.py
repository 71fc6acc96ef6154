"""A keyword over one month's postings: which papers surely match, which may.

Every node is worth two bitmaps, `sure` inside `maybe`. Words and labels are known exactly; of a
phrase the index knows only that its words and its pairs are there. What may match and does not
surely is verified on the paper's text (`papers.matching`). Pure: postings in, bitmaps out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, NamedTuple

from pyroaring import BitMap

from papers import postings
from papers.matching import month_days
from papers.postings import Shape
from papers.terms import (
    EVERY_DAY,
    WORD,
    day_term,
    label_term,
    text_pairs,
    text_terms,
    title_terms,
)
from papers.tree import And, Between, Field, Kind, Label, Leaf, Named, Node, Or, Text, Voted, leaves

Expansions = Mapping[str, Sequence[str] | None]
"""The words that a prefix stands for; None where they are too many to ask for."""


class Candidates(NamedTuple):
    """The numbers of papers that surely match, and of those that may: one bitmap where all do."""

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
        return node.field is not Field.ABSTRACT and not node.prefix and len(node.words) == 1
    if isinstance(node, And):
        return all(map(is_exact, (*node.all, *node.none)))
    if isinstance(node, Or):
        return all(map(is_exact, node.any))
    return isinstance(node, Label | Between)


class Plan:
    """What a keyword asks of every month: made once, used for each.

    `fields(month, shape)` names the fields of a month's hash to fetch, `evaluate` reads them.
    """

    def __init__(self, tree: Node, expansions: Expansions) -> None:
        self.tree = tree
        self.expansions = expansions
        self._days = [leaf for leaf in leaves(tree) if isinstance(leaf, Between)]
        self._terms = tuple(dict.fromkeys(t for leaf in leaves(tree) for t in self._asked(leaf)))
        texts = [leaf for leaf in leaves(tree) if isinstance(leaf, Text) and not leaf.prefix]
        self._pairs = tuple(dict.fromkeys(pair for text in texts for pair in text_pairs(text)))
        self._fields: dict[tuple[Shape, int], list[bytes]] = {}

    def fields(self, month: int, shape: Shape) -> list[bytes]:
        """The fields to fetch of a month (YYYYMM) of that shape: `shape` first."""
        key = (shape, month if self._days else 0)
        if key not in self._fields:
            names = [postings.SHAPE]
            for term in self._month_terms(month):
                names += [postings.term_field(term), postings.bucket_field(shape.bucket(term))]
            for pair in self._pairs:
                slot = shape.slot(pair)
                bucket = postings.bucket_of_slot(slot)
                names += [postings.slot_field(slot), postings.slots_field(bucket)]
            self._fields[key] = names
        return self._fields[key]

    def evaluate(self, month: int, shape: Shape, values: Sequence[bytes | None]) -> Candidates:
        """The candidates of a month, from the values of `fields(month, shape)`."""
        asked: tuple[bytes | int, ...] = (*self._month_terms(month), *self._pairs)
        pairs_of_values = zip(asked, values[1::2], values[2::2], strict=True)
        packed: _Packed = {
            key: (own, bucket) for key, own, bucket in pairs_of_values if own or bucket
        }
        return _Month(month, shape, packed, self.expansions).node(self.tree)

    def _asked(self, leaf: Leaf) -> Sequence[bytes]:
        if isinstance(leaf, Text):
            if leaf.prefix:
                return _expanded(leaf, self.expansions)
            abstract = leaf.field is Field.ABSTRACT
            return text_terms(leaf) + (title_terms(leaf) if abstract else ())
        if isinstance(leaf, Label):
            return [label_term(leaf)]
        return [_PICKED] if isinstance(leaf, Voted) else []

    def _month_terms(self, month: int) -> tuple[bytes, ...]:
        if not self._days:
            return self._terms
        days = dict.fromkeys(term for leaf in self._days for term in _day_terms(leaf, month))
        return (*self._terms, *days)


_PICKED: Final = label_term(Label(Kind.FLAG, "picked"))
_NOTHING: Final = Candidates(BitMap(), BitMap())
_Packed = Mapping[bytes | int, tuple[bytes | None, bytes | None]]


class _Month:
    """The tree's nodes over one month. A posting is read when a node first needs it."""

    def __init__(self, month: int, shape: Shape, packed: _Packed, expansions: Expansions) -> None:
        self.month, self.shape, self.expansions = month, shape, expansions
        self._packed = packed
        self._read: dict[bytes | int, BitMap] = {}

    def posting(self, key: bytes | int) -> BitMap:
        """The papers of a term, or of the slot of a pair."""
        if key not in self._read:
            own, bucket = self._packed.get(key, (None, None))
            if own:
                self._read[key] = BitMap.deserialize(own)
            elif isinstance(key, bytes):
                self._read[key] = postings.bitmap(postings.find(bucket, key))
            else:
                small = postings.find_slot(bucket, self.shape.slot(key))
                self._read[key] = postings.bitmap(small)
        return self._read[key]

    def all_of(self, keys: Iterable[bytes | int]) -> BitMap:
        """The papers that have all of these; stops at the first that leaves none."""
        found: BitMap | None = None
        for key in keys:
            found = self.posting(key) if found is None else found & self.posting(key)
            if not found:
                break
        return BitMap() if found is None else found

    def node(self, node: Node) -> Candidates:
        """The candidates of a subtree."""
        return _NODES[type(node)](self, node)

    def and_(self, node: And) -> Candidates:
        """All of these and none of those; a span of days around the whole month asks nothing."""
        met: Candidates | None = None
        for child in node.all:
            if _spans(child, self.month):
                continue
            found = self.node(child)
            met = found if met is None else met & found
            if not met.maybe:
                return _NOTHING
        assert met is not None  # a keyword always stands beside its filters
        for child in node.none:
            met = met - self.node(child)
        return met

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
        if len(text.words) > 1:
            return Candidates(BitMap(), self.all_of([*text_terms(text), *text_pairs(text)]))
        maybe = self.posting(text_terms(text)[0])
        if text.field is Field.ABSTRACT:
            return Candidates(maybe - self.posting(title_terms(text)[0]), maybe)
        return Candidates(maybe, maybe)

    def prefix(self, text: Text) -> Candidates:
        """Any of the words that the prefix stands for; of too many words any paper may have one."""
        maybe = self.any_of(_expanded(text, self.expansions))
        exact = text.field is not Field.ABSTRACT and self.expansions[text.words[0]] is not None
        return Candidates(maybe if exact else BitMap(), maybe)

    def any_of(self, terms: Sequence[bytes]) -> BitMap:
        """The papers that have any of these."""
        return BitMap.union(BitMap(), *[self.posting(term) for term in terms])

    def label(self, label: Label) -> Candidates:
        """The papers that bear a label."""
        found = self.posting(label_term(label))
        return Candidates(found, found)

    def named(self, named: Named) -> Candidates:
        """One paper, whose existence its record will tell."""
        here = BitMap([named.id.number]) if named.id.month == self.month else BitMap()
        return Candidates(BitMap(), here)

    def voted(self, voted: Voted) -> Candidates:
        """Votes move too often for the index: it knows only who was picked."""
        return Candidates(BitMap(), self.posting(_PICKED))

    def between(self, days: Between) -> Candidates:
        """The days of the month's window that lie in the span."""
        found = self.any_of(_day_terms(days, self.month))
        return Candidates(found, found)


def _expanded(text: Text, expansions: Expansions) -> Sequence[bytes]:
    kind = b"t" if text.field is Field.TITLE else WORD
    words = expansions[text.words[0]]
    return EVERY_DAY if words is None else [kind + word.encode() for word in words]


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
