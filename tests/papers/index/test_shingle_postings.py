"""Pairs and slots in their fields: whatever is packed is found, and nothing else."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from papers.index import postings
from papers.index.bitmaps import deserialize_bitmap
from papers.index.layout import MONTH_PAPER_BITS, SHINGLE_BITS, YEAR_PAPER_BITS, SegmentLayout
from papers.index.postings import MAX_INLINE_PER_MONTH, shingle_bucket_field, shingle_field
from papers.index.shingles.shingle_keys import PostingKeys
from papers.index.shingles.shingle_postings import (
    MonthShingleCodec,
    ShingleCodec,
    YearShingleCodec,
    frequent_mask,
)
from papers.model.arxiv_id import month_ordinal

FIRST = month_ordinal(202501)
LAST = (1 << SHINGLE_BITS) - 1
NEIGHBOURS = st.integers(0, 9) | st.integers(LAST - 9, LAST) | st.integers(0, LAST)
NUMBERS = st.frozensets(st.integers(0, 65_535), min_size=1, max_size=6) | st.builds(
    lambda size, first: frozenset(range(first, first + size)),
    st.sampled_from([MAX_INLINE_PER_MONTH, MAX_INLINE_PER_MONTH + 1, 5_000]),
    st.integers(0, 60_000),
)
OF_YEAR = st.dictionaries(st.integers(0, 11), NUMBERS, min_size=1, max_size=3)
HELD = st.dictionaries(NEIGHBOURS, OF_YEAR, max_size=8)
BITS = st.integers(0, 16)
Held = dict[int, dict[int, frozenset[int]]]


def keys_of(held: Held) -> PostingKeys:
    keys = {
        pair << YEAR_PAPER_BITS | month << MONTH_PAPER_BITS | number
        for pair, months in held.items()
        for month, numbers in months.items()
        for number in numbers
    }
    return np.array(sorted(keys), np.uint64)


def places(months: dict[int, frozenset[int]]) -> BitMap:
    return BitMap(
        FIRST + month << MONTH_PAPER_BITS | number
        for month, numbers in months.items()
        for number in numbers
    )


def fields_of(pairs: ShingleCodec, held: Held, bits: int) -> dict[bytes, bytes]:
    """The fields, which give the keys back."""
    keys = keys_of(held)
    buckets = sorted({pair >> SHINGLE_BITS - bits for pair in held})
    fields = pairs.encode(keys, buckets)
    assert set(fields) <= set(pairs.field_names(buckets, held))
    assert np.array_equal(pairs.decode(buckets, sorted(held), fields), keys)
    return fields


@given(HELD, BITS, st.integers(0, 11), NEIGHBOURS)
def test_a_pair_is_found_in_its_month(held: Held, bits: int, month: int, other: int) -> None:
    shape = SegmentLayout(0, 0, bits)
    held = {pair: {month: frozenset().union(*months.values())} for pair, months in held.items()}
    fields = fields_of(MonthShingleCodec(shape), held, bits)
    for pair in held.keys() | {other, *(pair + 1 for pair in held if pair < LAST)}:
        found = postings.find_shingle_in_month(
            fields.get(shingle_bucket_field(shape.shingle_bucket(pair))), pair, FIRST
        )
        assert (found or BitMap()) == places(held.get(pair, {}))


@given(HELD, BITS, NEIGHBOURS)
def test_a_pair_is_found_in_its_year(held: Held, bits: int, other: int) -> None:
    shape = SegmentLayout(0, 0, bits, span_months=12)
    fields = fields_of(YearShingleCodec(shape, FIRST << MONTH_PAPER_BITS), held, bits)
    for pair in held.keys() | {other, *(pair + 1 for pair in held if pair < LAST)}:
        bucket = fields.get(shingle_bucket_field(shape.shingle_bucket(pair)))
        small = postings.find_shingle_in_year(bucket, pair, FIRST)
        own = fields.get(shingle_field(pair))
        assert not (small and own)
        found = deserialize_bitmap(own) if own else small or BitMap()
        assert found == places(held.get(pair, {}))
        of_months = held.get(pair, {}).values()
        assert bool(own) is any(len(numbers) > MAX_INLINE_PER_MONTH for numbers in of_months)


@given(HELD, st.integers(1, 8))
def test_pairs_of_many_papers_are_told_from_others(held: Held, fewest: int) -> None:
    keys = keys_of(held)
    often = {pair for pair, months in held.items() if len(places(months)) >= fewest}
    named = frequent_mask(keys, fewest)
    assert {int(key) >> YEAR_PAPER_BITS for key in keys[named]} == often
    assert not {int(key) >> YEAR_PAPER_BITS for key in keys[~named]} & often
