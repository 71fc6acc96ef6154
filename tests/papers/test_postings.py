from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from papers import postings
from papers.postings import LARGEST_SMALL, Shape

NUMBERS = st.frozensets(st.integers(0, 65_535), min_size=1, max_size=20) | st.integers(
    1, LARGEST_SMALL
).map(lambda size: frozenset(range(7, 7 + size)))
SMALL = NUMBERS.map(lambda numbers: postings.numbers_of(sorted(numbers)))
TERMS = st.text("abcé模.-", min_size=1, max_size=4).map(lambda text: f"w{text}".encode())
BUCKETS = st.dictionaries(TERMS, SMALL, min_size=1, max_size=12)
MANY = st.integers(0, 200_000)


@given(BUCKETS, TERMS)
def test_a_bucket_gives_its_terms_back(bucket: dict[bytes, bytes], other: bytes) -> None:
    packed = postings.pack(bucket)
    assert postings.unpack(packed) == bucket
    assert {term: postings.find(packed, term) for term in bucket} == bucket
    assert postings.find(packed, other) == bucket.get(other, b"")


@given(BUCKETS)
def test_a_bucket_is_the_same_in_any_order(bucket: dict[bytes, bytes]) -> None:
    assert postings.pack(dict(reversed(bucket.items()))) == postings.pack(bucket)


@pytest.mark.parametrize("nothing", [None, b""])
def test_no_bucket_holds_nothing(nothing: bytes | None) -> None:
    assert postings.unpack(nothing) == {}
    assert postings.unpack_slots(2, nothing, 128) == {}
    assert postings.find(nothing, b"wa") == postings.find_slot(nothing, 130, 128) == b""


@given(NUMBERS)
def test_a_small_posting_is_a_bitmap(numbers: frozenset[int]) -> None:
    small = postings.numbers_of(sorted(numbers))
    assert postings.bitmap(small) == BitMap(numbers)
    assert postings.values_of(small) == sorted(numbers)
    assert BitMap.deserialize(postings.bitmap(small).serialize()) == BitMap(numbers)


@given(NUMBERS, NUMBERS.filter(bool))
def test_a_small_posting_may_follow_another(some: frozenset[int], others: frozenset[int]) -> None:
    follows = postings.follows(small(some), small(others))
    assert follows is (max(some, default=-1) < min(others))


@pytest.mark.parametrize("size", [4_095, 4_096, 4_097, 30_000])
def test_a_large_posting_is_a_bitmap_too(size: int) -> None:
    numbers = range(1, 2 * size, 2)
    assert postings.bitmap(postings.numbers_of(numbers)) == BitMap(numbers)


def small(numbers: Iterable[int]) -> bytes:
    return postings.numbers_of(sorted(numbers))


@given(st.lists(NUMBERS | st.just(frozenset(range(5_000))), min_size=1, max_size=4), NUMBERS)
def test_the_same_papers_are_the_same_bytes(
    parts: list[frozenset[int]], lost: frozenset[int]
) -> None:
    together = BitMap()
    for part in parts:
        together |= postings.bitmap(small(part))
    together -= postings.bitmap(small(lost))
    at_once = postings.bitmap(small(frozenset().union(*parts) - lost))
    assert together.serialize() == at_once.serialize()


def test_an_empty_posting_is_an_empty_bitmap() -> None:
    assert postings.bitmap(b"") == BitMap()


@given(MANY, MANY)
def test_a_shape_only_grows(one: int, other: int) -> None:
    less, more = map(Shape.for_papers, sorted((one, other)))
    assert less.bucket_bits <= more.bucket_bits
    assert less.slot_bits <= more.slot_bits
    assert less.slot_bucket_bits <= more.slot_bucket_bits
    assert Shape.unpack(more.pack()) == more


def test_a_month_without_papers_has_the_smallest_shape() -> None:
    assert Shape.unpack(None) == Shape.for_papers(0) == Shape.for_papers(1)


@given(MANY, st.integers(0, (1 << 32) - 1), TERMS)
def test_places_are_inside_the_shape(count: int, pair: int, term: bytes) -> None:
    shape = Shape.for_papers(count)
    assert 0 <= shape.bucket(term) < 1 << shape.bucket_bits
    assert 0 <= shape.slot(pair) < 1 << shape.slot_bits
    assert shape.buckets([term]) == [shape.bucket(term)]
    assert 1 <= shape.slots_a_bucket <= 128


def test_a_shape_of_schema_1_is_outgrown() -> None:
    assert Shape.unpack(bytes([12, 16, 23])).filter_bits == 23
    assert Shape.for_papers(25_000) > Shape.unpack(bytes([12, 16, 23]))


def test_fields_have_names_of_their_own() -> None:
    names = [
        *(postings.term_field(term) for term in (b"wa", b"p0", b"shape")),
        *(postings.slot_field(n) for n in (0, 10, 255)),
        *(postings.bucket_field(n) for n in (0, 10, 255)),
        *(postings.slots_field(n) for n in (0, 10, 255)),
        postings.SHAPE,
    ]
    assert len(set(names)) == len(names)


MONTH_NUMBERS = st.one_of(
    st.just(frozenset[int]()),
    NUMBERS,
    st.sampled_from([256, 4_096, 4_097, 20_000]).map(lambda n: frozenset(range(0, 2 * n, 2))),
)


@given(st.dictionaries(st.integers(0, 1_300), MONTH_NUMBERS, max_size=4))
def test_months_are_joined_to_one_bitmap(months: dict[int, frozenset[int]]) -> None:
    parts = []
    for month, numbers in sorted(months.items()):
        if len(numbers) <= LARGEST_SMALL:
            part = postings.small_part(small(numbers))
        else:
            part = postings.large_part(BitMap(numbers, optimize=False).serialize())
        if part:
            parts.append((month, part))
    expected = BitMap(month << 16 | n for month, numbers in months.items() for n in numbers)
    assert postings.joined(parts) == expected
