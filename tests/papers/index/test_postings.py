from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from papers.index import postings
from papers.index.layout import Shape
from papers.index.postings import LARGEST_SMALL

FIRST = 202501
PLACES = st.frozensets(st.integers(18 << 16, (1 << 32) - 1), min_size=1, max_size=20) | st.integers(
    1, LARGEST_SMALL
).map(lambda size: frozenset(range(7 << 20, (7 << 20) + size)))
SMALL = PLACES.map(lambda places: postings.packed(sorted(places)))
TERMS = st.text("abcé模.-", min_size=1, max_size=4).map(lambda text: f"w{text}".encode())
BUCKETS = st.dictionaries(TERMS, SMALL, min_size=1, max_size=12)
MANY = st.integers(0, 400_000)


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
    assert postings.find(nothing, b"wa") == b""
    assert postings.slot_bitmap(nothing, 130, year(7), FIRST) is None


def small(places: Iterable[int]) -> bytes:
    return postings.packed(sorted(places))


@given(PLACES)
def test_a_small_posting_is_a_bitmap(places: frozenset[int]) -> None:
    assert postings.bitmap(small(places)) == BitMap(places)
    assert BitMap.deserialize(postings.bitmap(small(places)).serialize()) == BitMap(places)


@given(PLACES, PLACES)
def test_a_small_posting_may_follow_another(some: frozenset[int], others: frozenset[int]) -> None:
    assert postings.follows(small(some), small(others)) is (max(some) < min(others))
    assert postings.follows(b"", small(others))


@pytest.mark.parametrize("size", [4_095, 4_096, 4_097, 30_000])
def test_a_large_posting_is_a_bitmap_too(size: int) -> None:
    places = range(1, 2 * size, 2)
    assert postings.bitmap(postings.packed(places)) == BitMap(places)


@given(st.lists(PLACES | st.just(frozenset(range(5_000))), min_size=1, max_size=4), PLACES)
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


def year(count: int) -> Shape:
    return Shape.for_year(count, range(202501, 202513))


SHAPES = st.sampled_from([Shape.for_papers, year])


@given(SHAPES, MANY, MANY)
def test_a_shape_only_grows(shape: Callable[[int], Shape], one: int, other: int) -> None:
    less, more = map(shape, sorted((one, other)))
    assert less <= more
    assert less.bucket_bits <= more.bucket_bits
    assert less.slot_bits <= more.slot_bits
    assert less.slot_bucket_bits <= more.slot_bucket_bits
    assert Shape.unpack(more.pack()) == more


def test_a_month_without_papers_has_the_smallest_shape() -> None:
    assert Shape.unpack(None) == Shape.for_papers(0) == Shape.for_papers(1)


@given(SHAPES, MANY, st.integers(0, (1 << 32) - 1), TERMS)
def test_places_are_inside_the_shape(
    made: Callable[[int], Shape], count: int, pair: int, term: bytes
) -> None:
    shape = made(count)
    assert 0 <= shape.bucket(term) < 1 << shape.bucket_bits
    assert 0 <= shape.slot(pair) < 1 << shape.slot_bits
    assert shape.buckets([term]) == [shape.bucket(term)]
    assert 1 <= shape.slots_a_bucket <= 128


def test_a_year_knows_its_months() -> None:
    made = Shape.for_year(300_000, [202501, 202502, 202512])
    assert made.held == 0b1000_0000_0011
    assert made.is_whole(3)
    assert not made.is_whole(2)
    without = made.without(202501).without(202512).without(202501)
    assert without.held == 0b10
    assert not without.is_whole(1), "what it says of others counts no more"
    assert Shape.unpack(without.pack()) == without != made
    assert without.with_month(202512).with_month(202501) == made
    assert Shape.for_papers(7).is_whole(1)
    assert Shape.for_papers(7).held == 0


def test_fields_have_names_of_their_own() -> None:
    names = [
        *(postings.term_field(term) for term in (b"wa", b"p0", b"shape")),
        *(postings.slot_field(n) for n in (0, 10, 255)),
        *(postings.bucket_field(n) for n in (0, 10, 255)),
        *(postings.slots_field(n) for n in (0, 10, 255)),
        postings.SHAPE,
    ]
    assert len(set(names)) == len(names)
