"""The slots of pairs under change: their fields as sorted keys, and back.

A key is a slot and a paper in its year: `slot << 20 | month << 16 | number`. How slots lie in
fields: see `papers.index.postings`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast

import numpy as np

from papers.index.bitmaps import deserialize_bitmap, serialize_bitmap
from papers.index.layout import (
    MONTH_PAPER_BITS,
    MONTHS_PER_YEAR,
    SHINGLE_BITS,
    YEAR_PAPER_BITS,
    SegmentLayout,
)
from papers.index.postings import (
    MAX_INLINE_PER_MONTH,
    decode_doc_ids,
    slot_bucket_field,
    slot_field,
)
from papers.index.writing.term_batch import PostingKeys, merge_keys, sort_unique, subtract_keys

_HashFields = Mapping[bytes, bytes | None]
_PAPER_MASK: Final = np.uint64((1 << YEAR_PAPER_BITS) - 1)
_SLOT_SHIFT: Final = np.uint64(YEAR_PAPER_BITS)


class SlotCodec:
    """How slots lie in a year of a given shape that begins at a place."""

    def __init__(self, layout: SegmentLayout, first_doc_id: int) -> None:
        self.layout, self._first_doc_id = layout, first_doc_id

    def slot_keys(self, shingle_keys: PostingKeys) -> PostingKeys:
        """The keys of slots, sorted, by those of pairs."""
        above = np.uint64(SHINGLE_BITS + YEAR_PAPER_BITS - self.layout.slot_bits)
        return sort_unique(shingle_keys >> above << _SLOT_SHIFT | shingle_keys & _PAPER_MASK)

    def distinct_slots(self, keys: PostingKeys) -> PostingKeys:
        """The slots of keys, each once."""
        numbers = (keys >> _SLOT_SHIFT).astype(np.int64)
        return cast("PostingKeys", np.flatnonzero(np.bincount(numbers)))

    def decode(
        self, buckets: Sequence[int], slots: Iterable[int], fields: _HashFields
    ) -> PostingKeys:
        """The keys, sorted, of some buckets, and of slots that may have fields of their own."""
        return merge_keys(
            self._decode_buckets(buckets, fields), self._decode_own_fields(slots, fields)
        )

    def _decode_buckets(self, buckets: Sequence[int], fields: _HashFields) -> PostingKeys:
        """The keys of buckets: sizes of all, one after another, then numbers of all."""
        width = self.layout.slots_per_bucket * MONTHS_PER_YEAR
        blank = bytes(width)
        packed = [fields.get(slot_bucket_field(bucket)) or blank for bucket in buckets]
        sizes = np.frombuffer(b"".join([value[:width] for value in packed]), np.uint8)
        numbers = np.frombuffer(b"".join([value[width:] for value in packed]), "<u2")
        rows = np.add.outer(np.array(buckets, np.int64) * width, np.arange(width)).ravel()
        slots, months = np.divmod(rows, MONTHS_PER_YEAR)
        heads = _make_slot_keys(slots, months << MONTH_PAPER_BITS)
        return cast("PostingKeys", np.repeat(heads, sizes) | numbers)

    def _decode_own_fields(self, slots: Iterable[int], fields: _HashFields) -> PostingKeys:
        """The keys of the slots that have fields of their own."""
        found: list[Any] = [np.array([], np.uint64)]
        for slot in slots:
            if own := fields.get(slot_field(slot)):
                places = np.array(deserialize_bitmap(own).to_array(), np.int64)
                found.append(
                    _make_slot_keys(np.full(len(places), slot), places - self._first_doc_id)
                )
        return cast("PostingKeys", np.concatenate(found))

    def encode(self, keys: PostingKeys, buckets: Sequence[int]) -> dict[bytes, bytes]:
        """The fields that hold sorted keys, all of these buckets, which are sorted too."""
        if not buckets:
            return {}
        width = self.layout.slots_per_bucket * MONTHS_PER_YEAR
        slots = self._dense_slots((keys >> _SLOT_SHIFT).astype(np.int64), buckets)
        rows = slots * MONTHS_PER_YEAR + (
            (keys & _PAPER_MASK) >> np.uint64(MONTH_PAPER_BITS)
        ).astype(np.int64)
        counts = np.bincount(rows, minlength=len(buckets) * width).reshape(-1, MONTHS_PER_YEAR)
        large = counts.max(axis=1) > MAX_INLINE_PER_MONTH
        fields = self._encode_own_fields(keys[large[slots]])
        counts[large] = 0
        ends = [0, *np.cumsum(counts.reshape(-1, width).sum(axis=1)).tolist()]
        sizes, numbers = counts.astype(np.uint8).tobytes(), keys[~large[slots]].astype("<u2")
        bodies = numbers.tobytes()
        for at, bucket in enumerate(buckets):
            if body := bodies[2 * ends[at] : 2 * ends[at + 1]]:
                fields[slot_bucket_field(bucket)] = sizes[at * width : (at + 1) * width] + body
        return fields

    def _encode_own_fields(self, keys: PostingKeys) -> dict[bytes, bytes]:
        """The fields of slots that share none; of sorted keys."""
        slots = keys >> _SLOT_SHIFT
        places = ((keys & _PAPER_MASK).astype(np.int64) + self._first_doc_id).astype("<u4")
        fields = {}
        for slot in self.distinct_slots(keys).tolist():
            first, last = np.searchsorted(slots, np.array([slot, slot + 1], np.uint64))
            fields[slot_field(slot)] = serialize_bitmap(
                decode_doc_ids(places[first:last].tobytes())
            )
        return fields

    def _dense_slots(self, slots: Any, buckets: Sequence[int]) -> Any:
        """Slots counted through those of some buckets alone."""
        a_bucket, first = self.layout.slots_per_bucket, buckets[0]
        if buckets[-1] - first + 1 == len(buckets):
            return slots - first * a_bucket
        at = np.searchsorted(np.array(buckets), slots // a_bucket)
        return at * a_bucket + slots % a_bucket


def _make_slot_keys(slots: Any, papers: Any) -> PostingKeys:
    keys: PostingKeys = slots.astype(np.uint64) << _SLOT_SHIFT | papers.astype(np.uint64)
    return keys


class SlotEdit:
    """What papers that gain and lose slots do to their fields."""

    def __init__(self, slots: SlotCodec, gained: PostingKeys, lost: PostingKeys) -> None:
        """`gained` and `lost` have all that `apply` may be given."""
        self._codec = slots
        self._changed_slots = sorted(
            {*slots.distinct_slots(gained).tolist(), *slots.distinct_slots(lost).tolist()}
        )
        self._buckets = sorted(
            {slot // slots.layout.slots_per_bucket for slot in self._changed_slots}
        )

    def field_names(self) -> list[bytes]:
        """The fields that `apply` needs the values of."""
        return [*map(slot_field, self._changed_slots), *map(slot_bucket_field, self._buckets)]

    def apply(
        self, current: _HashFields, gained: PostingKeys, lost: PostingKeys
    ) -> dict[bytes, bytes | None]:
        """The new values of all these fields; None where one is not, or goes."""
        known = self._codec.decode(self._buckets, self._changed_slots, current)
        keys = merge_keys(subtract_keys(known, lost), gained)
        emptied = filter(current.get, self.field_names())
        return {**dict.fromkeys(emptied), **self._codec.encode(keys, self._buckets)}
