from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pyroaring import BitMap

from papers.index.bitmaps import (
    ArrayContainers,
    PaddedBitmap,
    assemble_arrays,
    deserialize_bitmap,
    deserialize_padded,
    serialize_bitmap,
    unite_bitmaps,
)
from papers.index.postings import decode_doc_ids, encode_doc_ids

LAST = (1 << 16) - 1
NUMBERS = st.frozensets(st.integers(0, LAST), max_size=20)
DENSE = st.builds(
    lambda first, step, odd: frozenset(range(first, 30_000, step)) | odd,
    st.integers(0, 20_000),
    st.integers(1, 7),
    NUMBERS,
)
CONTAINERS = st.dictionaries(st.integers(0, LAST), NUMBERS | DENSE, max_size=4)


def bitmap_of(containers: dict[int, frozenset[int]]) -> BitMap:
    doc_ids = {key << 16 | number for key, numbers in containers.items() for number in numbers}
    return decode_doc_ids(encode_doc_ids(sorted(doc_ids)))


@given(CONTAINERS)
@example({7: frozenset(range(4_095)) | {62_000}})
@example({7: frozenset(range(4_096)) | {62_000}})
@example({7: frozenset(range(4_096)) | {62_000}, 8: frozenset(range(20_000))})
def test_serialized_bitmap_round_trips(containers: dict[int, frozenset[int]]) -> None:
    found = bitmap_of(containers)
    again = deserialize_bitmap(serialize_bitmap(found))
    assert again == found
    assert again.serialize() == found.serialize()


@given(CONTAINERS, CONTAINERS)
@example({7: frozenset(range(4_000))}, {7: frozenset({7, 61_440, LAST})})
def test_padding_never_appears_in_results(
    containers: dict[int, frozenset[int]], others: dict[int, frozenset[int]]
) -> None:
    """Nor do numbers go missing from the padded end of a container."""
    found, few = bitmap_of(containers), bitmap_of(others)
    again = deserialize_padded(serialize_bitmap(found))
    assert again & few == found & few
    assert len(again) == len(found)
    if isinstance(again, PaddedBitmap):
        assert again.unpadded == found


ARRAY, BITSET = 8, 14
"""Bytes of the headers of one container, and the length of its bitset or array."""


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
def test_container_is_written_in_the_shorter_form(papers: Sequence[int], size: int) -> None:
    """A bitset if that saves 1,024 bytes or more, cut after its last number."""
    found = bitmap_of({7: frozenset(papers)})
    assert len(serialize_bitmap(found)) == size
    assert deserialize_bitmap(serialize_bitmap(found)) == found


def test_run_containers_keep_the_library_format() -> None:
    found = BitMap(range(100, 60_000))
    assert found.run_optimize()
    assert serialize_bitmap(found) == found.serialize()
    assert deserialize_bitmap(serialize_bitmap(found)) == found


def arrays_of(containers: dict[int, frozenset[int]]) -> ArrayContainers:
    heads = [number for key in sorted(containers) for number in (key, len(containers[key]) - 1)]
    numbers = [n.to_bytes(2, "little") for key in heads[::2] for n in sorted(containers[key])]
    return ArrayContainers(heads, b"".join(numbers))


ARRAYS = st.dictionaries(st.integers(0, 40), NUMBERS.filter(bool), min_size=1, max_size=12)


@given(ARRAYS)
def test_bitmap_is_assembled_from_arrays(containers: dict[int, frozenset[int]]) -> None:
    assert arrays_of(containers).bitmap == bitmap_of(containers)
    assert len(arrays_of(containers)) == len(bitmap_of(containers))


@given(st.lists(ARRAYS, min_size=1, max_size=4))
@example([{7: frozenset([1, 2])}, {3: frozenset([9])}])
@example([{7: frozenset([1, 2])}, {7: frozenset([2, 3])}])
@example([{1: frozenset([1]), 5: frozenset([1])}, {3: frozenset([2])}])
def test_arrays_of_several_segments_are_assembled_to_their_union(
    several: list[dict[int, frozenset[int]]],
) -> None:
    union = BitMap.union(*map(bitmap_of, several), BitMap())
    assert assemble_arrays([arrays_of(containers) for containers in several]) == union


@given(st.lists(NUMBERS, max_size=7))
def test_united_bitmaps_are_left_as_they_are(sets: list[frozenset[int]]) -> None:
    bitmaps = [BitMap(numbers) for numbers in sets]
    assert unite_bitmaps(bitmaps) == BitMap(frozenset().union(*sets))
    assert bitmaps == [BitMap(numbers) for numbers in sets]
