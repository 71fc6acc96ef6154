"""The slots of pairs under change: their fields as sorted keys, and back.

A key is a slot and a paper of the volume: `slot << bits | paper`; of a month 16 bits, which make 32
with those of the slot, of a year 20. How slots lie in fields: see `papers.postings`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast

import numpy as np
from pyroaring import BitMap

from papers.columns import PAPER_BITS, Keys, together, without
from papers.postings import LARGEST_IN_SLOT, Shape, bitmap, slot_field, slots_field

Fields = Mapping[bytes, bytes | None]
_MONTH_BITS: Final = 4


class Slots:
    """How slots lie in a volume of a given shape that has a month (its place)."""

    def __init__(self, shape: Shape, month: int) -> None:
        self.shape = shape
        self._first = month - month % shape.months << PAPER_BITS
        self._bits = PAPER_BITS if shape.months == 1 else PAPER_BITS + _MONTH_BITS
        self._type: Any = np.uint32 if shape.slot_bits + self._bits <= 32 else np.uint64
        self._mask = self._type((1 << self._bits) - 1)

    def taken(self, keys: Keys, others: Slots) -> Keys:
        """Keys of another volume, inside this one and of as many slots or more; not sorted then."""
        if others.shape.slot_bits == self.shape.slot_bits and others._bits == self._bits:
            return keys
        slots = keys >> others._type(others._bits + others.shape.slot_bits - self.shape.slot_bits)
        papers = (keys & others._mask).astype(np.int64) + others._first - self._first
        return self._keyed(slots, papers)

    def part(self, keys: Keys, part: int, bits: int) -> Keys:
        """The keys of the slots whose upper bits are these."""
        here: Keys = keys[keys >> self._type(self._bits + self.shape.slot_bits - bits) == part]
        return here

    def of_months(self, keys: Keys, months: Iterable[int]) -> Keys:
        """The keys of the papers of some months (their places)."""
        offsets = [month - (self._first >> PAPER_BITS) for month in months]
        here: Keys = keys[np.isin((keys & self._mask) >> self._type(PAPER_BITS), offsets)]
        return here

    def of(self, keys: Keys) -> Keys:
        """The slots of keys, each once."""
        numbers = (keys >> self._bits).astype(np.int64)
        return cast("Keys", np.flatnonzero(np.bincount(numbers)))

    def unpacked(self, buckets: Sequence[int], slots: Iterable[int], fields: Fields) -> Keys:
        """The keys, sorted, of some buckets, and of slots that may have fields of their own."""
        return together(self._small(buckets, fields), self._large(slots, fields))

    def _small(self, buckets: Sequence[int], fields: Fields) -> Keys:
        """The keys of buckets: sizes of all, one after another, then numbers of all."""
        width = self.shape.slots_a_bucket * self.shape.months
        blank = bytes(width)
        packed = [fields.get(slots_field(bucket)) or blank for bucket in buckets]
        sizes = np.frombuffer(b"".join([value[:width] for value in packed]), np.uint8)
        numbers = np.frombuffer(b"".join([value[width:] for value in packed]), "<u2")
        rows = np.add.outer(np.array(buckets, np.int64) * width, np.arange(width)).ravel()
        slots, months = np.divmod(rows, self.shape.months)
        heads = self._keyed(slots, months << PAPER_BITS)
        return cast("Keys", np.repeat(heads, sizes) | numbers)

    def _large(self, slots: Iterable[int], fields: Fields) -> Keys:
        """The keys of the slots that have fields of their own."""
        found: list[Any] = [np.array([], self._type)]
        for slot in slots:
            if own := fields.get(slot_field(slot)):
                places = np.array(BitMap.deserialize(own).to_array(), np.int64)
                found.append(self._keyed(np.full(len(places), slot), places - self._first))
        return cast("Keys", np.concatenate(found))

    def packed(self, keys: Keys, buckets: Sequence[int]) -> dict[bytes, bytes]:
        """The fields that hold sorted keys, all of these buckets, which are sorted too."""
        if not buckets:
            return {}
        months, width = self.shape.months, self.shape.slots_a_bucket * self.shape.months
        slots = self._numbered((keys >> self._bits).astype(np.int64), buckets)
        rows = slots * months + ((keys & self._mask) >> PAPER_BITS).astype(np.int64)
        counts = np.bincount(rows, minlength=len(buckets) * width).reshape(-1, months)
        large = counts.max(axis=1) > LARGEST_IN_SLOT
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
        slots = keys >> self._bits
        places = ((keys & self._mask).astype(np.int64) + self._first).astype("<u4")
        fields = {}
        for slot in self.of(keys).tolist():
            first, last = np.searchsorted(slots, [slot, slot + 1])
            fields[slot_field(slot)] = bitmap(places[first:last].tobytes()).serialize()
        return fields

    def _numbered(self, slots: Any, buckets: Sequence[int]) -> Any:
        """Slots counted through those of some buckets alone."""
        a_bucket, first = self.shape.slots_a_bucket, buckets[0]
        if buckets[-1] - first + 1 == len(buckets):
            return slots - first * a_bucket
        at = np.searchsorted(np.array(buckets), slots // a_bucket)
        return at * a_bucket + slots % a_bucket

    def _keyed(self, slots: Any, papers: Any) -> Keys:
        keys: Keys = slots.astype(self._type) << self._type(self._bits) | papers.astype(self._type)
        return keys


class SlotsEdit:
    """What papers that gain and lose pairs do to the fields of slots."""

    def __init__(self, slots: Slots, gained: Keys, lost: Keys) -> None:
        self._slots, self._gained, self._lost = slots, gained, lost
        self._touched = sorted({*slots.of(gained).tolist(), *slots.of(lost).tolist()})
        self._buckets = sorted({slot // slots.shape.slots_a_bucket for slot in self._touched})

    def fields(self) -> list[bytes]:
        """The fields that `apply` needs the values of."""
        return [*map(slot_field, self._touched), *map(slots_field, self._buckets)]

    def apply(self, current: Fields) -> dict[bytes, bytes | None]:
        """The new values of all these fields; None where one is not, or goes."""
        if not current:
            return dict(self._slots.packed(self._gained, self._buckets))
        known = self._slots.unpacked(self._buckets, self._touched, current)
        keys = together(without(known, self._lost), self._gained)
        emptied = filter(current.get, self.fields())
        return {**dict.fromkeys(emptied), **self._slots.packed(keys, self._buckets)}
