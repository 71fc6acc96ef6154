"""The pairs of papers under change: which fields an edit reads, and what they become."""

from __future__ import annotations

from functools import cached_property
from typing import Final

import numpy as np

from papers.index.layout import YEAR_PAPER_BITS, SegmentLayout
from papers.index.shingles.shingle_postings import (
    HashFields,
    UInt64Array,
    distinct_shingles,
    shingle_codec,
)
from papers.index.shingles.shingle_slots import SlotCodec, SlotEdit
from papers.index.writing.term_batch import PostingKeys, merge_keys, sort_unique, subtract_keys

_KEY_BITS: Final = 64


class ShingleEdit:
    """What papers that gain and lose pairs do to the fields of a volume that names every pair."""

    def __init__(
        self, layout: SegmentLayout, first_doc_id: int, before: PostingKeys, after: PostingKeys
    ) -> None:
        """`before` and `after` have all pairs of the papers; `first` is the year's first place."""
        self._codec = shingle_codec(layout, first_doc_id)
        self.gained, self.lost = subtract_keys(after, before), subtract_keys(before, after)
        changed = merge_keys(self.gained, self.lost)
        self._buckets: list[int] = sort_unique(bucket_numbers(changed, layout)).tolist()
        self._shingles: list[int] = distinct_shingles(changed)[0].tolist()

    def field_names(self) -> list[bytes]:
        """The fields that `apply` needs the values of."""
        return self._field_names

    @cached_property
    def _field_names(self) -> list[bytes]:
        return self._codec.field_names(self._buckets, self._shingles)

    def apply(self, current: HashFields) -> dict[bytes, bytes | None]:
        """The new values of all these fields; None where one is not, or goes."""
        return self.encode_changes(current, self.decode(current), self.gained, self.lost)

    def decode(self, current: HashFields) -> PostingKeys:
        """The keys of all pairs that may change, and of those beside them."""
        return self._codec.decode(self._buckets, self._shingles, current)

    def encode_changes(
        self, current: HashFields, known: PostingKeys, gained: PostingKeys, lost: PostingKeys
    ) -> dict[bytes, bytes | None]:
        """The fields with some of what is gained and lost."""
        keys = merge_keys(subtract_keys(known, lost), gained)
        emptied = filter(current.get, self._field_names)
        return {**dict.fromkeys(emptied), **self._codec.encode(keys, self._buckets)}

    def extend_to_buckets(self, keys: PostingKeys, layout: SegmentLayout) -> PostingKeys:
        """The keys in buckets of which any changes. Before `fields`, which names these too."""
        kept: PostingKeys = keys[np.isin(bucket_numbers(keys, layout), self._buckets)]
        self._shingles = sorted({*self._shingles, *distinct_shingles(kept)[0].tolist()})
        return kept


class ShingleAndSlotEdit:
    """The same in a year that is over: a pair that it does not name stays in its slot.

    Of a paper's other pairs one may share a slot with a pair that goes, or comes: all of those in
    the same buckets are looked at. A bucket of pairs has whole slots.
    """

    def __init__(
        self, layout: SegmentLayout, first_doc_id: int, before: PostingKeys, after: PostingKeys
    ) -> None:
        """As above."""
        self._shingle_edit, self._slot_codec = (
            ShingleEdit(layout, first_doc_id, before, after),
            SlotCodec(layout, first_doc_id),
        )
        gained, lost = map(
            self._slot_codec.slot_keys, (self._shingle_edit.gained, self._shingle_edit.lost)
        )
        self._slot_edit = SlotEdit(self._slot_codec, gained, lost)
        self._before, self._after = (
            self._shingle_edit.extend_to_buckets(keys, layout) for keys in (before, after)
        )

    def field_names(self) -> list[bytes]:
        """The fields that `apply` needs the values of."""
        return [*self._shingle_edit.field_names(), *self._slot_edit.field_names()]

    def apply(self, current: HashFields) -> dict[bytes, bytes | None]:
        """The new values of all these fields; None where one is not, or goes."""
        known = self._shingle_edit.decode(current)
        named = distinct_shingles(known)[0]
        before, after = (_exclude_shingles(keys, named) for keys in (self._before, self._after))
        gained, lost = (
            subtract_keys(self._shingle_edit.gained, after),
            subtract_keys(self._shingle_edit.lost, before),
        )
        left, met = map(self._slot_codec.slot_keys, (before, after))
        in_slots = self._slot_edit.apply(
            current, subtract_keys(met, left), subtract_keys(left, met)
        )
        return {**in_slots, **self._shingle_edit.encode_changes(current, known, gained, lost)}


def make_shingle_edit(
    layout: SegmentLayout, first_doc_id: int, before: PostingKeys, after: PostingKeys
) -> ShingleEdit | ShingleAndSlotEdit:
    """What papers do to the pairs of a volume of that shape; see `PairsEdit`."""
    return (ShingleAndSlotEdit if layout.slot_bits else ShingleEdit)(
        layout, first_doc_id, before, after
    )


def bucket_numbers(keys: PostingKeys, layout: SegmentLayout) -> UInt64Array:
    """The bucket of each key."""
    bits = layout.shingle_bucket_bits
    return keys >> np.uint64(_KEY_BITS - bits) if bits else np.zeros(len(keys), np.uint64)


def _exclude_shingles(keys: PostingKeys, shingles: UInt64Array) -> PostingKeys:
    """The keys that are of none of some sorted pairs."""
    if not len(shingles):
        return keys
    here = keys >> np.uint64(YEAR_PAPER_BITS)
    at = np.minimum(np.searchsorted(shingles, here), len(shingles) - 1)
    left: PostingKeys = keys[shingles[at] != here]
    return left
