"""A month's pairs under change: the fields of its slots as sorted keys, and back; its filter.

A key is a slot and a paper: `slot << 16 | paper`. How slots lie in fields: see `papers.postings`;
what the filter is for: see `papers.pair_filter`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from pyroaring import BitMap

from papers.columns import PAPER_BITS, Keys, Pairs, groups, keyed, places_of, together, without
from papers.postings import (
    LARGEST_SMALL,
    bitmap,
    slot_field,
    slots_field,
)

FEW: Final = 2_000
_NONE: Final = np.array([], np.uint32)


class SlotsEdit:
    """What papers that gain and lose pairs do to the fields of slots."""

    def __init__(self, gained: Keys, lost: Keys, slots_a_bucket: int) -> None:
        self._gained, self._lost, self._size = gained, lost, slots_a_bucket
        self._touched = _slots_of(gained) | _slots_of(lost)
        self._buckets = sorted({slot // slots_a_bucket for slot in self._touched})

    def fields(self) -> list[bytes]:
        """The fields that `apply` needs the values of."""
        return [*map(slot_field, self._touched), *map(slots_field, self._buckets)]

    def apply(self, current: Mapping[bytes, bytes | None]) -> dict[bytes, bytes | None]:
        """The new values of all these fields; None where one is not, or goes."""
        known = together(self._small(current), self._large(current)) if current else _NONE
        keys = together(without(known, self._lost), self._gained)
        emptied = filter(current.get, self.fields() if current else ())
        return {**dict.fromkeys(emptied), **_packed(keys, self._buckets, self._size)}

    def _small(self, current: Mapping[bytes, bytes | None]) -> Keys:
        """The keys of the buckets: sizes of all, one after another, then numbers of all."""
        size, blank = self._size, bytes(self._size)
        packed = [current.get(slots_field(bucket)) or blank for bucket in self._buckets]
        sizes = np.frombuffer(b"".join(value[:size] for value in packed), np.uint8)
        numbers = np.frombuffer(b"".join(value[size:] for value in packed), "<u2")
        firsts = np.array(self._buckets, np.uint32) * np.uint32(size)
        slots = np.add.outer(firsts, np.arange(size, dtype=np.uint32)).ravel()
        return keyed(np.repeat(slots, sizes), numbers)

    def _large(self, current: Mapping[bytes, bytes | None]) -> Keys:
        """The keys of the slots that have fields of their own."""
        found: Any = [_NONE]
        for slot in self._touched:
            if own := current.get(slot_field(slot)):
                numbers = np.array(BitMap.deserialize(own).to_array(), np.uint32)
                found.append(keyed(np.uint32(slot), numbers))
        large: Keys = np.concatenate(found)
        return large


class FilterEdit:
    """What pairs of papers do to a filter of 2^bits bits."""

    def __init__(self, pairs: Pairs, bits: int) -> None:
        self._bits = bits
        self._places = places_of(pairs, bits)

    @property
    def is_small(self) -> bool:
        """Whether to set its bits one by one; else the filter is read and written whole."""
        return len(self._places) <= FEW

    @property
    def places(self) -> list[int]:
        """The bits that become 0."""
        return [int(place) for place in self._places]

    def apply(self, current: bytes | None) -> bytes:
        """The filter with these bits 0; one that is not there yet has all others 1."""
        if current is None:
            bits = np.ones(1 << self._bits, np.uint8)
        else:
            bits = np.unpackbits(np.frombuffer(current, np.uint8), count=1 << self._bits)
        bits[self._places] = 0
        return np.packbits(bits).tobytes()


def _slots_of(keys: Keys) -> set[int]:
    return set(np.flatnonzero(np.bincount((keys >> PAPER_BITS).astype(np.int64))).tolist())


def _packed(keys: Keys, buckets: Sequence[int], size: int) -> dict[bytes, bytes]:
    """The fields that hold sorted keys, all of these buckets, of so many slots."""
    slots = (keys >> PAPER_BITS).astype(np.int64)
    counts = np.bincount(slots, minlength=(buckets[-1] + 1) * size if buckets else 0)
    small = counts[slots] <= LARGEST_SMALL
    fields = {
        slot_field(slot): bitmap(numbers).serialize() for slot, numbers in groups(keys[~small])
    }
    counts[counts > LARGEST_SMALL] = 0
    ends = [0, *np.cumsum(counts).tolist()]
    sizes, numbers = counts.astype(np.uint8).tobytes(), keys[small].astype("<u2").tobytes()
    for bucket in buckets:
        first, last = bucket * size, (bucket + 1) * size
        if ends[first] < ends[last]:
            held = numbers[2 * ends[first] : 2 * ends[last]]
            fields[slots_field(bucket)] = sizes[first:last] + held
    return fields
