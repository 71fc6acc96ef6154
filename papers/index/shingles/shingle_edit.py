"""Edits of shingle postings: which fields an edit reads, and their new values."""

from __future__ import annotations

import numpy as np

from papers.index.layout import SegmentLayout
from papers.index.postings import HashFields
from papers.index.shingles.shingle_keys import (
    KEY_BITS,
    SHINGLE_SHIFT,
    PostingKeys,
    UInt64Array,
    distinct_shingles,
    merge_keys,
    sort_unique,
    subtract_keys,
)
from papers.index.shingles.shingle_postings import shingle_codec
from papers.index.shingles.shingle_slots import SlotCodec, SlotEdit


class ShingleEdit:
    """An edit of a segment that has a posting of every shingle."""

    def __init__(
        self,
        layout: SegmentLayout,
        first_doc_id: int,
        before: PostingKeys,
        after: PostingKeys,
        *,
        read_unchanged: bool = False,
    ) -> None:
        """Compare all shingle keys of the papers before and after.

        `first_doc_id` is that of the year's January. With `read_unchanged` the edit also reads the
        shingles of the papers that do not change but share a bucket with one that does; `before`
        and `after` are then reduced to those buckets.
        """
        self._codec = shingle_codec(layout, first_doc_id)
        self.before, self.after = before, after
        self.gained, self.lost = subtract_keys(after, before), subtract_keys(before, after)
        read = merge_keys(self.gained, self.lost)
        buckets = sort_unique(bucket_numbers(read, layout))
        if read_unchanged:
            self.before, self.after = (
                keys[np.isin(bucket_numbers(keys, layout), buckets)] for keys in (before, after)
            )
            read = merge_keys(self.before, self.after)
        self._buckets: list[int] = buckets.tolist()
        self._shingles: list[int] = distinct_shingles(read)[0].tolist()
        self.field_names = self._codec.field_names(self._buckets, self._shingles)
        """The fields whose values `apply` needs."""

    def apply(self, current: HashFields) -> dict[bytes, bytes | None]:
        """Return the new values of the fields; None for one that is to be deleted."""
        return self.encode_changes(current, self.decode(current), self.gained, self.lost)

    def decode(self, current: HashFields) -> PostingKeys:
        """Return the keys of all shingles that the edit reads, and of others in their buckets."""
        return self._codec.decode(self._buckets, self._shingles, current)

    def encode_changes(
        self, current: HashFields, known: PostingKeys, gained: PostingKeys, lost: PostingKeys
    ) -> dict[bytes, bytes | None]:
        """Return the new values of the fields for a part of the keys gained and lost."""
        keys = merge_keys(subtract_keys(known, lost), gained)
        deleted = filter(current.get, self.field_names)
        return {**dict.fromkeys(deleted), **self._codec.encode(keys, self._buckets)}


class ShingleAndSlotEdit:
    """An edit of a year that has ended: a shingle without a posting stays in its slot.

    A shingle that a paper keeps may share a slot with one that the paper gains or loses, so all
    shingles of the papers in the changed buckets are compared. A bucket of shingles is a whole
    number of slots.
    """

    def __init__(
        self, layout: SegmentLayout, first_doc_id: int, before: PostingKeys, after: PostingKeys
    ) -> None:
        """Compare all shingle keys of the papers before and after; see `ShingleEdit`."""
        self._shingle_edit = edit = ShingleEdit(
            layout, first_doc_id, before, after, read_unchanged=True
        )
        self._slot_codec = codec = SlotCodec(layout, first_doc_id)
        self._slot_edit = SlotEdit(codec, codec.slot_keys(edit.gained), codec.slot_keys(edit.lost))
        self.field_names = [*edit.field_names, *self._slot_edit.field_names]
        """The fields whose values `apply` needs."""

    def apply(self, current: HashFields) -> dict[bytes, bytes | None]:
        """Return the new values of the fields; None for one that is to be deleted."""
        edit, codec = self._shingle_edit, self._slot_codec
        known = edit.decode(current)
        with_posting = distinct_shingles(known)[0]
        slotted_before, slotted_after = (
            _exclude_shingles(keys, with_posting) for keys in (edit.before, edit.after)
        )
        gained = subtract_keys(edit.gained, slotted_after)
        lost = subtract_keys(edit.lost, slotted_before)
        slots_before, slots_after = codec.slot_keys(slotted_before), codec.slot_keys(slotted_after)
        in_slots = self._slot_edit.apply(
            current,
            subtract_keys(slots_after, slots_before),
            subtract_keys(slots_before, slots_after),
        )
        return {**in_slots, **edit.encode_changes(current, known, gained, lost)}


def make_shingle_edit(
    layout: SegmentLayout, first_doc_id: int, before: PostingKeys, after: PostingKeys
) -> ShingleEdit | ShingleAndSlotEdit:
    """Return the edit of a segment with that layout; see `ShingleEdit`."""
    edit_class = ShingleAndSlotEdit if layout.slot_bits else ShingleEdit
    return edit_class(layout, first_doc_id, before, after)


def bucket_numbers(keys: PostingKeys, layout: SegmentLayout) -> UInt64Array:
    """Return the bucket of each shingle key."""
    bits = layout.shingle_bucket_bits
    return keys >> np.uint64(KEY_BITS - bits) if bits else np.zeros(len(keys), np.uint64)


def _exclude_shingles(keys: PostingKeys, shingles: UInt64Array) -> PostingKeys:
    """Return the keys whose shingle is not among the sorted `shingles`."""
    if not len(shingles):
        return keys
    own = keys >> SHINGLE_SHIFT
    at = np.minimum(np.searchsorted(shingles, own), len(shingles) - 1)
    left: PostingKeys = keys[shingles[at] != own]
    return left
