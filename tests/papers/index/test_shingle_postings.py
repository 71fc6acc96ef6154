"""Pairs and slots in their fields: whatever is packed is found, and nothing else."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from papers.index import postings
from papers.index.bitmaps import deserialized
from papers.index.layout import PAIR_BITS, PAPER_BITS, YEAR_BITS, Shape
from papers.index.postings import LARGEST_OF_MONTH, pair_field, pairs_field
from papers.index.shingles.shingle_postings import InMonth, InYear, Pairs, frequent
from papers.index.term_batch import Keys
from papers.model.arxiv_id import month_place

FIRST = month_place(202501)
LAST = (1 << PAIR_BITS) - 1
NEIGHBOURS = st.integers(0, 9) | st.integers(LAST - 9, LAST) | st.integers(0, LAST)
NUMBERS = st.frozensets(st.integers(0, 65_535), min_size=1, max_size=6) | st.builds(
    lambda size, first: frozenset(range(first, first + size)),
    st.sampled_from([LARGEST_OF_MONTH, LARGEST_OF_MONTH + 1, 5_000]),
    st.integers(0, 60_000),
)
OF_YEAR = st.dictionaries(st.integers(0, 11), NUMBERS, min_size=1, max_size=3)
HELD = st.dictionaries(NEIGHBOURS, OF_YEAR, max_size=8)
BITS = st.integers(0, 16)
Held = dict[int, dict[int, frozenset[int]]]


def keys_of(held: Held) -> Keys:
    keys = {
        pair << YEAR_BITS | month << PAPER_BITS | number
        for pair, months in held.items()
        for month, numbers in months.items()
        for number in numbers
    }
    return np.array(sorted(keys), np.uint64)


def places(months: dict[int, frozenset[int]]) -> BitMap:
    return BitMap(
        FIRST + month << PAPER_BITS | number
        for month, numbers in months.items()
        for number in numbers
    )


def fields_of(pairs: Pairs, held: Held, bits: int) -> dict[bytes, bytes]:
    """The fields, which give the keys back."""
    keys = keys_of(held)
    buckets = sorted({pair >> PAIR_BITS - bits for pair in held})
    fields = pairs.packed(keys, buckets)
    assert set(fields) <= set(pairs.fields(buckets, held))
    assert np.array_equal(pairs.unpacked(buckets, sorted(held), fields), keys)
    return fields


@given(HELD, BITS, st.integers(0, 11), NEIGHBOURS)
def test_a_pair_is_found_in_its_month(held: Held, bits: int, month: int, other: int) -> None:
    shape = Shape(0, 0, bits)
    held = {pair: {month: frozenset().union(*months.values())} for pair, months in held.items()}
    fields = fields_of(InMonth(shape), held, bits)
    for pair in held.keys() | {other, *(pair + 1 for pair in held if pair < LAST)}:
        found = postings.pair_in_month(
            fields.get(pairs_field(shape.pair_bucket(pair))), pair, FIRST
        )
        assert (found or BitMap()) == places(held.get(pair, {}))


@given(HELD, BITS, NEIGHBOURS)
def test_a_pair_is_found_in_its_year(held: Held, bits: int, other: int) -> None:
    shape = Shape(0, 0, bits, months=12)
    fields = fields_of(InYear(shape, FIRST << PAPER_BITS), held, bits)
    for pair in held.keys() | {other, *(pair + 1 for pair in held if pair < LAST)}:
        bucket = fields.get(pairs_field(shape.pair_bucket(pair)))
        small = postings.pair_in_year(bucket, pair, FIRST)
        own = fields.get(pair_field(pair))
        assert not (small and own)
        found = deserialized(own) if own else small or BitMap()
        assert found == places(held.get(pair, {}))
        of_months = held.get(pair, {}).values()
        assert bool(own) is any(len(numbers) > LARGEST_OF_MONTH for numbers in of_months)


@given(HELD, st.integers(1, 8))
def test_pairs_of_many_papers_are_told_from_others(held: Held, fewest: int) -> None:
    keys = keys_of(held)
    often = {pair for pair, months in held.items() if len(places(months)) >= fewest}
    named = frequent(keys, fewest)
    assert {int(key) >> YEAR_BITS for key in keys[named]} == often
    assert not {int(key) >> YEAR_BITS for key in keys[~named]} & often
