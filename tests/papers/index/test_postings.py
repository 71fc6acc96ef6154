from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from papers.index import postings
from papers.index.layout import SegmentLayout
from papers.index.postings import MAX_INLINE_POSTING

FIRST = 202501
PLACES = st.frozensets(st.integers(18 << 16, (1 << 32) - 1), min_size=1, max_size=20) | st.integers(
    1, MAX_INLINE_POSTING
).map(lambda size: frozenset(range(7 << 20, (7 << 20) + size)))
SMALL = PLACES.map(lambda places: postings.encode_doc_ids(sorted(places)))
TERMS = st.text("abcé模.-", min_size=1, max_size=4).map(lambda text: f"w{text}".encode())
BUCKETS = st.dictionaries(TERMS, SMALL, min_size=1, max_size=12)
MANY = st.integers(0, 400_000)


@given(BUCKETS, TERMS)
def test_a_bucket_gives_its_terms_back(bucket: dict[bytes, bytes], other: bytes) -> None:
    packed = postings.pack_term_bucket(bucket)
    assert postings.unpack_term_bucket(packed) == bucket
    assert {term: postings.find_posting(packed, term) for term in bucket} == bucket
    assert postings.find_posting(packed, other) == bucket.get(other, b"")


@given(BUCKETS)
def test_a_bucket_is_the_same_in_any_order(bucket: dict[bytes, bytes]) -> None:
    assert postings.pack_term_bucket(dict(reversed(bucket.items()))) == postings.pack_term_bucket(
        bucket
    )


@pytest.mark.parametrize("nothing", [None, b""])
def test_no_bucket_holds_nothing(nothing: bytes | None) -> None:
    assert postings.unpack_term_bucket(nothing) == {}
    assert postings.find_posting(nothing, b"wa") == b""
    assert postings.find_slot(nothing, 130, year(7), FIRST) is None


def small(places: Iterable[int]) -> bytes:
    return postings.encode_doc_ids(sorted(places))


@given(PLACES)
def test_a_small_posting_is_a_bitmap(places: frozenset[int]) -> None:
    assert postings.decode_doc_ids(small(places)) == BitMap(places)
    assert BitMap.deserialize(postings.decode_doc_ids(small(places)).serialize()) == BitMap(places)


@given(PLACES, PLACES)
def test_a_small_posting_may_follow_another(some: frozenset[int], others: frozenset[int]) -> None:
    assert postings.precedes(small(some), small(others)) is (max(some) < min(others))
    assert postings.precedes(b"", small(others))


@pytest.mark.parametrize("size", [4_095, 4_096, 4_097, 30_000])
def test_a_large_posting_is_a_bitmap_too(size: int) -> None:
    places = range(1, 2 * size, 2)
    assert postings.decode_doc_ids(postings.encode_doc_ids(places)) == BitMap(places)


@given(st.lists(PLACES | st.just(frozenset(range(5_000))), min_size=1, max_size=4), PLACES)
def test_the_same_papers_are_the_same_bytes(
    parts: list[frozenset[int]], lost: frozenset[int]
) -> None:
    together = BitMap()
    for part in parts:
        together |= postings.decode_doc_ids(small(part))
    together -= postings.decode_doc_ids(small(lost))
    at_once = postings.decode_doc_ids(small(frozenset().union(*parts) - lost))
    assert together.serialize() == at_once.serialize()


def test_an_empty_posting_is_an_empty_bitmap() -> None:
    assert postings.decode_doc_ids(b"") == BitMap()


def year(count: int) -> SegmentLayout:
    return SegmentLayout.for_year(count, range(202501, 202513))


SHAPES = st.sampled_from([SegmentLayout.for_month, year])


@given(SHAPES, MANY, MANY)
def test_a_shape_only_grows(shape: Callable[[int], SegmentLayout], one: int, other: int) -> None:
    less, more = map(shape, sorted((one, other)))
    assert less <= more
    assert less.term_bucket_bits <= more.term_bucket_bits
    assert less.slot_bits <= more.slot_bits
    assert less.slot_bucket_bits <= more.slot_bucket_bits
    assert SegmentLayout.unpack(more.pack()) == more


def test_a_month_without_papers_has_the_smallest_shape() -> None:
    assert SegmentLayout.unpack(None) == SegmentLayout.for_month(0) == SegmentLayout.for_month(1)


@given(SHAPES, MANY, st.integers(0, (1 << 32) - 1), TERMS)
def test_places_are_inside_the_shape(
    made: Callable[[int], SegmentLayout], count: int, pair: int, term: bytes
) -> None:
    shape = made(count)
    assert 0 <= shape.term_bucket(term) < 1 << shape.term_bucket_bits
    assert 0 <= shape.slot_of(pair) < 1 << shape.slot_bits
    assert shape.term_buckets([term]) == [shape.term_bucket(term)]
    assert 1 <= shape.slots_per_bucket <= 128


def test_a_year_knows_its_months() -> None:
    made = SegmentLayout.for_year(300_000, [202501, 202502, 202512])
    assert made.month_mask == 0b1000_0000_0011
    assert made.is_complete(3)
    assert not made.is_complete(2)
    without = made.without_month(202501).without_month(202512).without_month(202501)
    assert without.month_mask == 0b10
    assert not without.is_complete(1), "what it says of others counts no more"
    assert SegmentLayout.unpack(without.pack()) == without != made
    assert without.with_month(202512).with_month(202501) == made
    assert SegmentLayout.for_month(7).is_complete(1)
    assert SegmentLayout.for_month(7).month_mask == 0


def test_fields_have_names_of_their_own() -> None:
    names = [
        *(postings.term_field(term) for term in (b"wa", b"p0", b"shape")),
        *(postings.slot_field(n) for n in (0, 10, 255)),
        *(postings.term_bucket_field(n) for n in (0, 10, 255)),
        *(postings.slot_bucket_field(n) for n in (0, 10, 255)),
        postings.LAYOUT_FIELD,
    ]
    assert len(set(names)) == len(names)
