from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pyroaring import BitMap

from papers.index.bitmaps import (
    PaddedBitmap,
    bitmap_from_arrays,
    deserialize_bitmap,
    deserialize_padded,
    serialize_bitmap,
)
from papers.index.postings import decode_doc_ids, encode_doc_ids

LAST = (1 << 16) - 1
NUMBERS = st.frozensets(st.integers(0, LAST), max_size=20)
MANY = st.builds(
    lambda first, step, odd: frozenset(range(first, 30_000, step)) | odd,
    st.integers(0, 20_000),
    st.integers(1, 7),
    NUMBERS,
)
CONTAINERS = st.dictionaries(st.integers(0, LAST), NUMBERS | MANY, max_size=4)


def made(containers: dict[int, frozenset[int]]) -> BitMap:
    places = {key << 16 | number for key, numbers in containers.items() for number in numbers}
    return decode_doc_ids(encode_doc_ids(sorted(places)))


@given(CONTAINERS)
def test_what_is_written_is_read(containers: dict[int, frozenset[int]]) -> None:
    found = made(containers)
    again = deserialize_bitmap(serialize_bitmap(found))
    assert again == found
    assert again.serialize() == found.serialize()


@given(CONTAINERS, CONTAINERS)
@example({7: frozenset(range(4_000))}, {7: frozenset({7, 61_440, LAST})})
def test_of_what_is_padded_no_number_is_told_that_it_has_not(
    containers: dict[int, frozenset[int]], others: dict[int, frozenset[int]]
) -> None:
    """Nor is any left out, of the last numbers of a container either."""
    found, few = made(containers), made(others)
    again = deserialize_padded(serialize_bitmap(found))
    assert again & few == found & few
    assert len(again) == len(found)
    if isinstance(again, PaddedBitmap):
        assert again.unpadded == found


ARRAY, BITSET = 8, 14
"""Bytes beside those of the numbers."""


@pytest.mark.parametrize(
    ("papers", "size"),
    [
        (range(0, 30_000, 13), 2 * 2_308 + ARRAY + 8),
        (range(0, 30_000, 12), 3_749 + BITSET),
        (range(546), 2 * 546 + ARRAY + 8),
        (range(547), 69 + BITSET),
        (range(4_096), 512 + BITSET),
        (range(30_000), 3_750 + BITSET),
        ([*range(4_096 - 1), 57_343], 7_168 + BITSET),
        ([*range(4_096 - 1), 57_344], 2 * 4_096 + ARRAY + 8),
        ([*range(4_000), LAST], 2 * 4_001 + ARRAY + 8),
        ([*range(30_000), LAST], 8_192 + BITSET),
    ],
)
def test_a_container_is_an_array_or_a_bitset_whatever_is_shorter(
    papers: Sequence[int], size: int
) -> None:
    """A bitset by a thousand bytes and more; none is longer than its papers."""
    found = made({7: frozenset(papers)})
    assert len(serialize_bitmap(found)) == size
    assert deserialize_bitmap(serialize_bitmap(found)) == found


def test_runs_are_as_the_library_writes_them() -> None:
    found = BitMap(range(100, 60_000))
    assert found.run_optimize()
    assert serialize_bitmap(found) == found.serialize()
    assert deserialize_bitmap(serialize_bitmap(found)) == found


@given(st.dictionaries(st.integers(0, 400), NUMBERS.filter(bool), min_size=1, max_size=12))
def test_numbers_of_months_are_a_bitmap(containers: dict[int, frozenset[int]]) -> None:
    held = [(key, len(containers[key])) for key in sorted(containers)]
    numbers = b"".join(n.to_bytes(2, "little") for k, _ in held for n in sorted(containers[k]))
    assert bitmap_from_arrays(held, numbers) == made(containers)
