"""The slots of pairs under change: their fields as sorted keys, and back.

A key is a slot and a paper in its year: `slot << 20 | month << 16 | number`. How slots lie in
fields: see `papers.index.postings`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast

import numpy as np

from papers.index.bitmaps import deserialized, serialized
from papers.index.layout import PAIR_BITS, PAPER_BITS, YEAR, YEAR_BITS, Shape
from papers.index.postings import LARGEST_OF_MONTH, bitmap, slot_field, slots_field
from papers.index.term_batch import Keys, once, together, without

Fields = Mapping[bytes, bytes | None]
_PAPER: Final = np.uint64((1 << YEAR_BITS) - 1)
_BELOW: Final = np.uint64(YEAR_BITS)


class Slots:
    """How slots lie in a year of a given shape that begins at a place."""

    def __init__(self, shape: Shape, first: int) -> None:
        self.shape, self._first = shape, first

    def of(self, pairs: Keys) -> Keys:
        """The keys of slots, sorted, by those of pairs."""
        above = np.uint64(PAIR_BITS + YEAR_BITS - self.shape.slot_bits)
        return once(pairs >> above << _BELOW | pairs & _PAPER)

    def numbers(self, keys: Keys) -> Keys:
        """The slots of keys, each once."""
        numbers = (keys >> _BELOW).astype(np.int64)
        return cast("Keys", np.flatnonzero(np.bincount(numbers)))

    def unpacked(self, buckets: Sequence[int], slots: Iterable[int], fields: Fields) -> Keys:
        """The keys, sorted, of some buckets, and of slots that may have fields of their own."""
        return together(self._small(buckets, fields), self._large(slots, fields))

    def _small(self, buckets: Sequence[int], fields: Fields) -> Keys:
        """The keys of buckets: sizes of all, one after another, then numbers of all."""
        width = self.shape.slots_a_bucket * YEAR
        blank = bytes(width)
        packed = [fields.get(slots_field(bucket)) or blank for bucket in buckets]
        sizes = np.frombuffer(b"".join([value[:width] for value in packed]), np.uint8)
        numbers = np.frombuffer(b"".join([value[width:] for value in packed]), "<u2")
        rows = np.add.outer(np.array(buckets, np.int64) * width, np.arange(width)).ravel()
        slots, months = np.divmod(rows, YEAR)
        heads = _keyed(slots, months << PAPER_BITS)
        return cast("Keys", np.repeat(heads, sizes) | numbers)

    def _large(self, slots: Iterable[int], fields: Fields) -> Keys:
        """The keys of the slots that have fields of their own."""
        found: list[Any] = [np.array([], np.uint64)]
        for slot in slots:
            if own := fields.get(slot_field(slot)):
                places = np.array(deserialized(own).to_array(), np.int64)
                found.append(_keyed(np.full(len(places), slot), places - self._first))
        return cast("Keys", np.concatenate(found))

    def packed(self, keys: Keys, buckets: Sequence[int]) -> dict[bytes, bytes]:
        """The fields that hold sorted keys, all of these buckets, which are sorted too."""
        if not buckets:
            return {}
        width = self.shape.slots_a_bucket * YEAR
        slots = self._numbered((keys >> _BELOW).astype(np.int64), buckets)
        rows = slots * YEAR + ((keys & _PAPER) >> np.uint64(PAPER_BITS)).astype(np.int64)
        counts = np.bincount(rows, minlength=len(buckets) * width).reshape(-1, YEAR)
        large = counts.max(axis=1) > LARGEST_OF_MONTH
        fields = self._of_their_own(keys[large[slots]])
        counts[large] = 0
        ends = [0, *np.cumsum(counts.reshape(-1, width).sum(axis=1)).tolist()]
        sizes, numbers = counts.astype(np.uint8).tobytes(), keys[~large[slots]].astype("<u2")
        bodies = numbers.tobytes()
        for at, bucket in enumerate(buckets):
            if body := bodies[2 * ends[at] : 2 * ends[at + 1]]:
                fields[slots_field(bucket)] = sizes[at * width : (at + 1) * width] + body
        return fields

    def _of_their_own(self, keys: Keys) -> dict[bytes, bytes]:
        """The fields of slots that share none; of sorted keys."""
        slots = keys >> _BELOW
        places = ((keys & _PAPER).astype(np.int64) + self._first).astype("<u4")
        fields = {}
        for slot in self.numbers(keys).tolist():
            first, last = np.searchsorted(slots, np.array([slot, slot + 1], np.uint64))
            fields[slot_field(slot)] = serialized(bitmap(places[first:last].tobytes()))
        return fields

    def _numbered(self, slots: Any, buckets: Sequence[int]) -> Any:
        """Slots counted through those of some buckets alone."""
        a_bucket, first = self.shape.slots_a_bucket, buckets[0]
        if buckets[-1] - first + 1 == len(buckets):
            return slots - first * a_bucket
        at = np.searchsorted(np.array(buckets), slots // a_bucket)
        return at * a_bucket + slots % a_bucket


def _keyed(slots: Any, papers: Any) -> Keys:
    keys: Keys = slots.astype(np.uint64) << _BELOW | papers.astype(np.uint64)
    return keys


class SlotsEdit:
    """What papers that gain and lose slots do to their fields."""

    def __init__(self, slots: Slots, gained: Keys, lost: Keys) -> None:
        """`gained` and `lost` have all that `apply` may be given."""
        self._slots = slots
        self._touched = sorted({*slots.numbers(gained).tolist(), *slots.numbers(lost).tolist()})
        self._buckets = sorted({slot // slots.shape.slots_a_bucket for slot in self._touched})

    def fields(self) -> list[bytes]:
        """The fields that `apply` needs the values of."""
        return [*map(slot_field, self._touched), *map(slots_field, self._buckets)]

    def apply(self, current: Fields, gained: Keys, lost: Keys) -> dict[bytes, bytes | None]:
        """The new values of all these fields; None where one is not, or goes."""
        known = self._slots.unpacked(self._buckets, self._touched, current)
        keys = together(without(known, lost), gained)
        emptied = filter(current.get, self.fields())
        return {**dict.fromkeys(emptied), **self._slots.packed(keys, self._buckets)}
