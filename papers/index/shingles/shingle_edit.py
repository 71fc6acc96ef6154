"""The pairs of papers under change: which fields an edit reads, and what they become."""

from __future__ import annotations

from functools import cached_property
from typing import Final

import numpy as np

from papers.index.layout import YEAR_BITS, Shape
from papers.index.shingles.shingle_postings import Fields, Numbers, distinct, pairs_in
from papers.index.shingles.shingle_slots import Slots, SlotsEdit
from papers.index.term_batch import Keys, once, together, without

_KEY_BITS: Final = 64


class PairsEdit:
    """What papers that gain and lose pairs do to the fields of a volume that names every pair."""

    def __init__(self, shape: Shape, first: int, before: Keys, after: Keys) -> None:
        """`before` and `after` have all pairs of the papers; `first` is the year's first place."""
        self._pairs = pairs_in(shape, first)
        self.gained, self.lost = without(after, before), without(before, after)
        changed = together(self.gained, self.lost)
        self._buckets: list[int] = once(of_bucket(changed, shape)).tolist()
        self._asked: list[int] = distinct(changed)[0].tolist()

    def fields(self) -> list[bytes]:
        """The fields that `apply` needs the values of."""
        return self._fields

    @cached_property
    def _fields(self) -> list[bytes]:
        return self._pairs.fields(self._buckets, self._asked)

    def apply(self, current: Fields) -> dict[bytes, bytes | None]:
        """The new values of all these fields; None where one is not, or goes."""
        return self.moved(current, self.known(current), self.gained, self.lost)

    def known(self, current: Fields) -> Keys:
        """The keys of all pairs that may change, and of those beside them."""
        return self._pairs.unpacked(self._buckets, self._asked, current)

    def moved(
        self, current: Fields, known: Keys, gained: Keys, lost: Keys
    ) -> dict[bytes, bytes | None]:
        """The fields with some of what is gained and lost."""
        keys = together(without(known, lost), gained)
        emptied = filter(current.get, self._fields)
        return {**dict.fromkeys(emptied), **self._pairs.packed(keys, self._buckets)}

    def touched(self, keys: Keys, shape: Shape) -> Keys:
        """The keys in buckets of which any changes. Before `fields`, which names these too."""
        kept: Keys = keys[np.isin(of_bucket(keys, shape), self._buckets)]
        self._asked = sorted({*self._asked, *distinct(kept)[0].tolist()})
        return kept


class PairsOrSlotsEdit:
    """The same in a year that is over: a pair that it does not name stays in its slot.

    Of a paper's other pairs one may share a slot with a pair that goes, or comes: all of those in
    the same buckets are looked at. A bucket of pairs has whole slots.
    """

    def __init__(self, shape: Shape, first: int, before: Keys, after: Keys) -> None:
        """As above."""
        self._named, self._slots = PairsEdit(shape, first, before, after), Slots(shape, first)
        gained, lost = map(self._slots.of, (self._named.gained, self._named.lost))
        self._in_slots = SlotsEdit(self._slots, gained, lost)
        self._before, self._after = (self._named.touched(keys, shape) for keys in (before, after))

    def fields(self) -> list[bytes]:
        """The fields that `apply` needs the values of."""
        return [*self._named.fields(), *self._in_slots.fields()]

    def apply(self, current: Fields) -> dict[bytes, bytes | None]:
        """The new values of all these fields; None where one is not, or goes."""
        known = self._named.known(current)
        named = distinct(known)[0]
        before, after = (_others(keys, named) for keys in (self._before, self._after))
        gained, lost = without(self._named.gained, after), without(self._named.lost, before)
        left, met = map(self._slots.of, (before, after))
        in_slots = self._in_slots.apply(current, without(met, left), without(left, met))
        return {**in_slots, **self._named.moved(current, known, gained, lost)}


def edit_of(shape: Shape, first: int, before: Keys, after: Keys) -> PairsEdit | PairsOrSlotsEdit:
    """What papers do to the pairs of a volume of that shape; see `PairsEdit`."""
    return (PairsOrSlotsEdit if shape.slot_bits else PairsEdit)(shape, first, before, after)


def of_bucket(keys: Keys, shape: Shape) -> Numbers:
    """The bucket of each key."""
    bits = shape.pair_bucket_bits
    return keys >> np.uint64(_KEY_BITS - bits) if bits else np.zeros(len(keys), np.uint64)


def _others(keys: Keys, pairs: Numbers) -> Keys:
    """The keys that are of none of some sorted pairs."""
    if not len(pairs):
        return keys
    here = keys >> np.uint64(YEAR_BITS)
    at = np.minimum(np.searchsorted(pairs, here), len(pairs) - 1)
    left: Keys = keys[pairs[at] != here]
    return left
