"""Slots of rare shingles, in a year that has ended: hash fields to sorted keys, and back.

The keys are those of `papers.index.shingles.shingle_keys`, with a slot in place of a shingle. The
format of the fields is that of `papers.index.postings`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

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
    HashFields,
    decode_doc_ids,
    slot_bucket_field,
    slot_field,
)
from papers.index.shingles.shingle_keys import (
    NO_KEYS,
    SHINGLE_SHIFT,
    YEAR_PAPER_MASK,
    PostingKeys,
    make_keys,
    merge_keys,
    months_of_keys,
    sort_unique,
    subtract_keys,
)


class SlotCodec:
    """Encodes and decodes the slots of a year; `first_doc_id` is that of its January."""

    def __init__(self, layout: SegmentLayout, first_doc_id: int) -> None:
        self.layout, self._first_doc_id = layout, first_doc_id

    def slot_keys(self, shingle_keys: PostingKeys) -> PostingKeys:
        """Return the sorted slot keys of shingle keys."""
        slots = shingle_keys >> np.uint64(SHINGLE_BITS + YEAR_PAPER_BITS - self.layout.slot_bits)
        return sort_unique(make_keys(slots, shingle_keys & YEAR_PAPER_MASK, YEAR_PAPER_BITS))

    def distinct_slots(self, keys: PostingKeys) -> PostingKeys:
        """Return the slots of keys, sorted, each once."""
        numbers = (keys >> SHINGLE_SHIFT).astype(np.int64)
        return cast("PostingKeys", np.flatnonzero(np.bincount(numbers)))

    def decode(
        self, buckets: Sequence[int], slots: Iterable[int], fields: HashFields
    ) -> PostingKeys:
        """Return the sorted keys of some buckets and of slots that may have fields of their own."""
        return merge_keys(
            self._decode_buckets(buckets, fields), self._decode_own_fields(slots, fields)
        )

    def _decode_buckets(self, buckets: Sequence[int], fields: HashFields) -> PostingKeys:
        """Return the keys of sorted buckets; see `postings.find_slot`."""
        width = self.layout.slots_per_bucket * MONTHS_PER_YEAR
        empty = bytes(width)
        packed = [fields.get(slot_bucket_field(bucket)) or empty for bucket in buckets]
        sizes = np.frombuffer(b"".join([value[:width] for value in packed]), np.uint8)
        numbers = np.frombuffer(b"".join([value[width:] for value in packed]), "<u2")
        rows = np.add.outer(np.array(buckets, np.int64) * width, np.arange(width)).ravel()
        slots, months = np.divmod(rows, MONTHS_PER_YEAR)
        heads = _slot_keys_of(slots, months << MONTH_PAPER_BITS)
        return cast("PostingKeys", np.repeat(heads, sizes) | numbers)

    def _decode_own_fields(self, slots: Iterable[int], fields: HashFields) -> PostingKeys:
        """Return the keys of the slots that have fields of their own."""
        found: list[Any] = [NO_KEYS]
        for slot in slots:
            if own := fields.get(slot_field(slot)):
                papers = np.array(deserialize_bitmap(own).to_array(), np.int64) - self._first_doc_id
                found.append(_slot_keys_of(np.full(len(papers), slot), papers))
        return cast("PostingKeys", np.concatenate(found))

    def encode(self, keys: PostingKeys, buckets: Sequence[int]) -> dict[bytes, bytes]:
        """Return the fields of sorted keys, all of which are in these sorted buckets."""
        if not buckets:
            return {}
        width = self.layout.slots_per_bucket * MONTHS_PER_YEAR
        slots = self._dense_slots((keys >> SHINGLE_SHIFT).astype(np.int64), buckets)
        rows = slots * MONTHS_PER_YEAR + months_of_keys(keys).astype(np.int64)
        counts = np.bincount(rows, minlength=len(buckets) * width).reshape(-1, MONTHS_PER_YEAR)
        large = counts.max(axis=1) > MAX_INLINE_PER_MONTH
        fields = self._encode_own_fields(keys[large[slots]])
        counts[large] = 0
        ends = [0, *np.cumsum(counts.reshape(-1, width).sum(axis=1)).tolist()]
        sizes = counts.astype(np.uint8).tobytes()
        numbers = keys[~large[slots]].astype("<u2").tobytes()
        for at, bucket in enumerate(buckets):
            if body := numbers[2 * ends[at] : 2 * ends[at + 1]]:
                fields[slot_bucket_field(bucket)] = sizes[at * width : (at + 1) * width] + body
        return fields

    def _encode_own_fields(self, keys: PostingKeys) -> dict[bytes, bytes]:
        """Return the fields of the slots of sorted keys, one field each."""
        slots = keys >> SHINGLE_SHIFT
        doc_ids = ((keys & YEAR_PAPER_MASK).astype(np.int64) + self._first_doc_id).astype("<u4")
        fields = {}
        for slot in self.distinct_slots(keys).tolist():
            first, last = np.searchsorted(slots, np.array([slot, slot + 1], np.uint64))
            fields[slot_field(slot)] = serialize_bitmap(
                decode_doc_ids(doc_ids[first:last].tobytes())
            )
        return fields

    def _dense_slots(self, slots: Any, buckets: Sequence[int]) -> Any:
        """Return slots renumbered from 0 through the slots of these sorted buckets."""
        per_bucket, first = self.layout.slots_per_bucket, buckets[0]
        if buckets[-1] - first + 1 == len(buckets):
            return slots - first * per_bucket
        at = np.searchsorted(np.array(buckets), slots // per_bucket)
        return at * per_bucket + slots % per_bucket


def _slot_keys_of(slots: Any, papers: Any) -> PostingKeys:
    return make_keys(slots.astype(np.uint64), papers.astype(np.uint64), YEAR_PAPER_BITS)


class SlotEdit:
    """An edit of slots: which fields it reads, and their new values."""

    def __init__(self, codec: SlotCodec, gained: PostingKeys, lost: PostingKeys) -> None:
        """Prepare an edit; `gained` and `lost` include all keys that `apply` will be given."""
        self._codec = codec
        self._changed_slots = sorted(
            {*codec.distinct_slots(gained).tolist(), *codec.distinct_slots(lost).tolist()}
        )
        self._buckets = sorted(
            {slot // codec.layout.slots_per_bucket for slot in self._changed_slots}
        )
        self.field_names = [
            *map(slot_field, self._changed_slots),
            *map(slot_bucket_field, self._buckets),
        ]
        """The fields whose values `apply` needs."""

    def apply(
        self, current: HashFields, gained: PostingKeys, lost: PostingKeys
    ) -> dict[bytes, bytes | None]:
        """Return the new values of the fields; None for one that is to be deleted."""
        known = self._codec.decode(self._buckets, self._changed_slots, current)
        keys = merge_keys(subtract_keys(known, lost), gained)
        deleted = filter(current.get, self.field_names)
        return {**dict.fromkeys(deleted), **self._codec.encode(keys, self._buckets)}
