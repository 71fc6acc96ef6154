from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from papers.postings import bitmap, packed
from papers.roaring import deserialized, of_arrays, serialized

NUMBERS = st.frozensets(st.integers(0, (1 << 16) - 1), max_size=20)
MANY = st.builds(
    lambda first, step, odd: frozenset(range(first, 30_000, step)) | odd,
    st.integers(0, 20_000),
    st.integers(1, 7),
    NUMBERS,
)
CONTAINERS = st.dictionaries(st.integers(0, (1 << 16) - 1), NUMBERS | MANY, max_size=4)


def made(containers: dict[int, frozenset[int]]) -> BitMap:
    places = {key << 16 | number for key, numbers in containers.items() for number in numbers}
    return bitmap(packed(sorted(places)))


@given(CONTAINERS)
def test_what_is_written_is_read(containers: dict[int, frozenset[int]]) -> None:
    found = made(containers)
    again = deserialized(serialized(found))
    assert again == found
    assert again.serialize() == found.serialize()


@pytest.mark.parametrize(("papers", "size"), [(4_096, 8_208), (4_097, 527), (30_000, 3_764)])
def test_a_bitset_is_no_longer_than_its_papers(papers: int, size: int) -> None:
    """Arrays are as they were."""
    found = made({7: frozenset(range(papers))})
    assert len(serialized(found)) == size
    assert deserialized(serialized(found)) == found


def test_runs_are_as_the_library_writes_them() -> None:
    found = BitMap(range(100, 60_000))
    assert found.run_optimize()
    assert serialized(found) == found.serialize()
    assert deserialized(serialized(found)) == found


@given(st.dictionaries(st.integers(0, 400), NUMBERS.filter(bool), min_size=1, max_size=12))
def test_numbers_of_months_are_a_bitmap(containers: dict[int, frozenset[int]]) -> None:
    held = [(key, len(containers[key])) for key in sorted(containers)]
    numbers = b"".join(n.to_bytes(2, "little") for k, _ in held for n in sorted(containers[k]))
    assert of_arrays(held, numbers) == made(containers)
