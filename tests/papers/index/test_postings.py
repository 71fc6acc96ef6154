from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from papers.index import postings
from papers.index.layout import SHINGLE_BITS, SegmentLayout
from papers.index.postings import MAX_INLINE_POSTING

JANUARY = 202501
DOC_IDS = st.frozensets(
    st.integers(18 << 16, (1 << 32) - 1), min_size=1, max_size=20
) | st.integers(1, MAX_INLINE_POSTING).map(lambda size: frozenset(range(7 << 20, (7 << 20) + size)))
SMALL = DOC_IDS.map(lambda doc_ids: postings.encode_doc_ids(sorted(doc_ids)))
TERMS = st.text("abcé模.-", min_size=1, max_size=4).map(lambda text: f"w{text}".encode())
BUCKETS = st.dictionaries(TERMS, SMALL, min_size=1, max_size=12)
PAPER_COUNTS = st.integers(0, 400_000)


@given(BUCKETS, TERMS)
def test_term_bucket_round_trips(bucket: dict[bytes, bytes], other: bytes) -> None:
    packed = postings.pack_term_bucket(bucket)
    assert postings.unpack_term_bucket(packed) == bucket
    assert {term: postings.find_posting(packed, term) for term in bucket} == bucket
    assert postings.find_posting(packed, other) == bucket.get(other, b"")


@given(BUCKETS)
def test_term_bucket_bytes_do_not_depend_on_order(bucket: dict[bytes, bytes]) -> None:
    assert postings.pack_term_bucket(dict(reversed(bucket.items()))) == postings.pack_term_bucket(
        bucket
    )


@pytest.mark.parametrize("empty", [None, b""])
def test_missing_bucket_has_no_postings(empty: bytes | None) -> None:
    assert postings.unpack_term_bucket(empty) == {}
    assert postings.find_posting(empty, b"wa") == b""
    assert postings.find_slot(empty, 130, year_layout(7), JANUARY) is None


def small_posting(doc_ids: Iterable[int]) -> bytes:
    return postings.encode_doc_ids(sorted(doc_ids))


@given(DOC_IDS)
def test_small_posting_decodes_to_bitmap(doc_ids: frozenset[int]) -> None:
    assert postings.decode_doc_ids(small_posting(doc_ids)) == BitMap(doc_ids)
    assert BitMap.deserialize(
        postings.decode_doc_ids(small_posting(doc_ids)).serialize()
    ) == BitMap(doc_ids)


@given(DOC_IDS, DOC_IDS)
def test_precedes_compares_last_and_first_doc_id(
    some: frozenset[int], others: frozenset[int]
) -> None:
    assert postings.precedes(small_posting(some), small_posting(others)) is (
        max(some) < min(others)
    )
    assert postings.precedes(b"", small_posting(others))


@pytest.mark.parametrize("size", [4_095, 4_096, 4_097, 30_000])
def test_large_posting_decodes_to_bitmap(size: int) -> None:
    doc_ids = range(1, 2 * size, 2)
    assert postings.decode_doc_ids(postings.encode_doc_ids(doc_ids)) == BitMap(doc_ids)


@given(st.lists(DOC_IDS | st.just(frozenset(range(5_000))), min_size=1, max_size=4), DOC_IDS)
def test_same_papers_serialize_to_same_bytes(
    parts: list[frozenset[int]], lost: frozenset[int]
) -> None:
    together = BitMap()
    for part in parts:
        together |= postings.decode_doc_ids(small_posting(part))
    together -= postings.decode_doc_ids(small_posting(lost))
    at_once = postings.decode_doc_ids(small_posting(frozenset().union(*parts) - lost))
    assert together.serialize() == at_once.serialize()


def test_empty_posting_decodes_to_empty_bitmap() -> None:
    assert postings.decode_doc_ids(b"") == BitMap()


def year_layout(count: int) -> SegmentLayout:
    return SegmentLayout.for_year(count, range(202501, 202513))


LAYOUTS = st.sampled_from([SegmentLayout.for_month, year_layout])


@given(LAYOUTS, PAPER_COUNTS, PAPER_COUNTS)
def test_layout_grows_with_the_number_of_papers(
    make: Callable[[int], SegmentLayout], one: int, other: int
) -> None:
    less, more = map(make, sorted((one, other)))
    assert less <= more
    assert less.term_bucket_bits <= more.term_bucket_bits
    assert less.slot_bits <= more.slot_bits
    assert less.slot_bucket_bits <= more.slot_bucket_bits
    assert SegmentLayout.unpack(more.pack()) == more


def test_missing_layout_is_the_smallest_month() -> None:
    assert SegmentLayout.unpack(None) == SegmentLayout.for_month(0) == SegmentLayout.for_month(1)


@given(LAYOUTS, PAPER_COUNTS, st.integers(0, (1 << 32) - 1), TERMS)
def test_buckets_and_slots_are_inside_the_layout(
    make: Callable[[int], SegmentLayout], count: int, shingle: int, term: bytes
) -> None:
    layout = make(count)
    assert 0 <= layout.term_bucket(term) < 1 << layout.term_bucket_bits
    assert 0 <= layout.slot_of(shingle) < 1 << layout.slot_bits
    assert layout.term_buckets([term]) == [layout.term_bucket(term)]
    assert 1 <= layout.slots_per_bucket <= 128


def test_year_layout_tracks_months_and_removed_months() -> None:
    made = SegmentLayout.for_year(300_000, [202501, 202502, 202512])
    assert made.month_mask == 0b1000_0000_0011
    assert made.is_complete(3)
    assert not made.is_complete(2)
    without = made.without_month(202501).without_month(202512).without_month(202501)
    assert without.month_mask == 0b10
    assert not without.is_complete(1), "removed months must be filtered out"
    assert SegmentLayout.unpack(without.pack()) == without != made
    assert without.with_month(202512).with_month(202501) == made
    assert SegmentLayout.for_month(7).is_complete(1)
    assert SegmentLayout.for_month(7).month_mask == 0


def test_field_names_do_not_collide() -> None:
    names = [
        *(postings.term_field(term) for term in (b"wa", b"p0", b"shape")),
        *(postings.slot_field(n) for n in (0, 10, 255)),
        *(postings.term_bucket_field(n) for n in (0, 10, 255)),
        *(postings.slot_bucket_field(n) for n in (0, 10, 255)),
        *(postings.shingle_field(n) for n in (0, 10, 255)),
        *(postings.shingle_bucket_field(n) for n in (0, 10, 255)),
        postings.LAYOUT_FIELD,
    ]
    assert len(set(names)) == len(names)


@given(st.integers(0, (1 << SHINGLE_BITS) - 1))
def test_field_number_inverts_field_names(number: int) -> None:
    for name in (
        postings.term_bucket_field(number),
        postings.shingle_bucket_field(number),
        postings.shingle_field(number),
        postings.slot_bucket_field(number),
        postings.slot_field(number),
    ):
        assert postings.field_number(name) == number
