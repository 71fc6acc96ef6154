"""Shingle postings round-trip through their fields, and lookups find exactly what was encoded."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from papers.index import postings
from papers.index.bitmaps import deserialize_bitmap
from papers.index.layout import MONTH_PAPER_BITS, SHINGLE_BITS, YEAR_PAPER_BITS, SegmentLayout
from papers.index.postings import (
    MAX_INLINE_PER_MONTH,
    shingle_bucket_field,
    shingle_field,
    slot_field,
)
from papers.index.shingles.shingle_keys import PostingKeys
from papers.index.shingles.shingle_postings import (
    MonthShingleCodec,
    ShingleCodec,
    YearShingleCodec,
    frequent_mask,
)
from papers.index.shingles.shingle_slots import SlotCodec
from papers.model.arxiv_id import month_ordinal

JANUARY = month_ordinal(202501)
MAX_SHINGLE = (1 << SHINGLE_BITS) - 1
SHINGLES = (
    st.integers(0, 9) | st.integers(MAX_SHINGLE - 9, MAX_SHINGLE) | st.integers(0, MAX_SHINGLE)
)
NUMBERS = st.frozensets(st.integers(0, 65_535), min_size=1, max_size=6) | st.builds(
    lambda size, first: frozenset(range(first, first + size)),
    st.sampled_from([MAX_INLINE_PER_MONTH, MAX_INLINE_PER_MONTH + 1, 5_000]),
    st.integers(0, 60_000),
)
MONTHS = st.dictionaries(st.integers(0, 11), NUMBERS, min_size=1, max_size=3)
POSTINGS = st.dictionaries(SHINGLES, MONTHS, max_size=8)
BUCKET_BITS = st.integers(0, 16)
Postings = dict[int, dict[int, frozenset[int]]]


def keys_of(by_shingle: Postings) -> PostingKeys:
    keys = {
        shingle << YEAR_PAPER_BITS | month << MONTH_PAPER_BITS | number
        for shingle, months in by_shingle.items()
        for month, numbers in months.items()
        for number in numbers
    }
    return np.array(sorted(keys), np.uint64)


def doc_ids(months: dict[int, frozenset[int]]) -> BitMap:
    return BitMap(
        JANUARY + month << MONTH_PAPER_BITS | number
        for month, numbers in months.items()
        for number in numbers
    )


def encoded_fields(codec: ShingleCodec, by_shingle: Postings, bits: int) -> dict[bytes, bytes]:
    """Return the fields; they decode to the same keys."""
    keys = keys_of(by_shingle)
    buckets = sorted({shingle >> SHINGLE_BITS - bits for shingle in by_shingle})
    fields = codec.encode(keys, buckets)
    assert set(fields) <= set(codec.field_names(buckets, by_shingle))
    assert np.array_equal(codec.decode(buckets, sorted(by_shingle), fields), keys)
    return fields


@given(POSTINGS, BUCKET_BITS, st.integers(0, 11), SHINGLES)
def test_shingle_is_found_in_its_month(
    by_shingle: Postings, bits: int, month: int, other: int
) -> None:
    layout = SegmentLayout(0, 0, bits)
    by_shingle = {
        shingle: {month: frozenset().union(*months.values())}
        for shingle, months in by_shingle.items()
    }
    fields = encoded_fields(MonthShingleCodec(layout), by_shingle, bits)
    for shingle in by_shingle.keys() | {
        other,
        *(shingle + 1 for shingle in by_shingle if shingle < MAX_SHINGLE),
    }:
        found = postings.find_shingle_in_month(
            fields.get(shingle_bucket_field(layout.shingle_bucket(shingle))), shingle, JANUARY
        )
        assert (found or BitMap()) == doc_ids(by_shingle.get(shingle, {}))


@given(POSTINGS, BUCKET_BITS, SHINGLES)
def test_shingle_is_found_in_its_year(by_shingle: Postings, bits: int, other: int) -> None:
    layout = SegmentLayout(0, 0, bits, span_months=12)
    fields = encoded_fields(YearShingleCodec(layout, JANUARY << MONTH_PAPER_BITS), by_shingle, bits)
    for shingle in by_shingle.keys() | {
        other,
        *(shingle + 1 for shingle in by_shingle if shingle < MAX_SHINGLE),
    }:
        bucket = fields.get(shingle_bucket_field(layout.shingle_bucket(shingle)))
        small = postings.find_shingle_in_year(bucket, shingle, JANUARY)
        own = fields.get(shingle_field(shingle))
        assert not (small and own)
        found = deserialize_bitmap(own) if own else small.bitmap if small else BitMap()
        assert found == doc_ids(by_shingle.get(shingle, {}))
        of_months = by_shingle.get(shingle, {}).values()
        assert bool(own) is any(len(numbers) > MAX_INLINE_PER_MONTH for numbers in of_months)


@given(POSTINGS, st.integers(1, 8))
def test_frequent_mask_selects_frequent_shingles(by_shingle: Postings, min_papers: int) -> None:
    keys = keys_of(by_shingle)
    frequent = {
        shingle for shingle, months in by_shingle.items() if len(doc_ids(months)) >= min_papers
    }
    mask = frequent_mask(keys, min_papers)
    assert {int(key) >> YEAR_PAPER_BITS for key in keys[mask]} == frequent
    assert not {int(key) >> YEAR_PAPER_BITS for key in keys[~mask]} & frequent


def test_neighboring_slots_with_fields_of_their_own_share_no_papers() -> None:
    size = MAX_INLINE_PER_MONTH + 1
    slots = {slot: {0: frozenset(range(size * slot, size * (slot + 1)))} for slot in (4, 5, 6)}
    codec = SlotCodec(SegmentLayout(0, 0, 0, slot_bits=8), JANUARY << MONTH_PAPER_BITS)
    fields = codec.encode(keys_of(slots), [0])
    assert {name: deserialize_bitmap(value) for name, value in fields.items()} == {
        slot_field(slot): doc_ids(months) for slot, months in slots.items()
    }
    assert np.array_equal(codec.decode([0], slots, fields), keys_of(slots))
