"""Which segments hold the postings of months, as far as a process knows."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.index.layout import SegmentLayout
from papers.search import segments
from papers.search.segments import Months, SegmentMap

YEAR_24 = tuple(range(202_412, 202_400, -1))
MONTHS = (202_502, 202_501, *YEAR_24, 202_312)
COMPACTED = SegmentLayout.for_year(10_000, YEAR_24)


def located(segment_map: SegmentMap, months: Months) -> list[tuple[int, Months]]:
    return [(segment.period, segment.months) for segment in segment_map.locate(months)]


def own(*months: int) -> list[tuple[int, Months]]:
    return [(month, (month,)) for month in months]


def test_month_is_a_segment_of_its_own_until_its_year_is_known_to_have_it() -> None:
    segment_map = SegmentMap()
    assert located(segment_map, MONTHS) == own(*MONTHS)
    segment_map.set_layout(2024, COMPACTED)
    assert located(segment_map, MONTHS) == [*own(*MONTHS[:2]), (2024, YEAR_24), *own(202_312)]
    segment_map.set_layout(2024, COMPACTED.without_month(202_407))
    apart = [(2024, YEAR_24[:5]), *own(202_407), (2024, YEAR_24[6:])]
    assert located(segment_map, YEAR_24) == apart
    segment_map.set_layout(2024, COMPACTED)
    assert located(segment_map, YEAR_24) == [(2024, YEAR_24)]


def test_year_is_complete_if_all_of_its_months_are_located() -> None:
    segment_map = SegmentMap()
    segment_map.set_layout(2024, COMPACTED)
    for months, whole in ((YEAR_24, True), (YEAR_24[1:], False)):
        (segment,) = segment_map.locate(months)
        assert segment.is_complete is whole
    segment_map.set_layout(2024, COMPACTED.without_month(202_401))
    (segment,) = segment_map.locate(YEAR_24[:-1])
    assert not segment.is_complete, "postings still have papers of the removed month"


def test_number_of_papers_is_estimated_from_the_layout() -> None:
    segment_map = SegmentMap()
    (unknown,) = segment_map.locate(YEAR_24[:1])
    segment_map.set_layout(2024, COMPACTED)
    (known,) = segment_map.locate(YEAR_24[:6])
    assert 2_500 <= known.estimated_papers <= 5_000
    assert unknown.estimated_papers > known.estimated_papers // 6
    assert (unknown.redis_key, known.redis_key) == ("{24}12:terms", "{24}:terms")


@given(
    st.dictionaries(st.integers(2020, 2025), st.integers(0, (1 << 12) - 1)),
    st.sets(st.integers(2020 * 12, 2026 * 12 - 1)).map(
        lambda numbers: tuple(n // 12 * 100 + n % 12 + 1 for n in sorted(numbers, reverse=True))
    ),
)
def test_every_month_is_located_once_and_in_order(masks: Mapping[int, int], months: Months) -> None:
    segment_map = SegmentMap()
    segment_map.locate(months)
    for year, bits in masks.items():
        segment_map.set_layout(year, COMPACTED._replace(month_mask=bits))
    found = located(segment_map, months)
    assert tuple(month for _, here in found for month in here) == months
    for number, here in found:
        for month in here:
            is_compacted = masks.get(month // 100, 0) >> month % 100 - 1 & 1
            assert number == (month // 100 if is_compacted else month)


def test_cache_of_located_months_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "_MAX_LOCATED", 3)
    segment_map = SegmentMap()
    for month in MONTHS:
        assert located(segment_map, (month,)) == own(month)
        assert len(segment_map._known._located) <= 3


def test_cache_of_hash_fields_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "_MAX_HASH_FIELDS", 3)
    segment_map = SegmentMap()
    for n in range(8):
        wanted = (b"wreward", n)
        for _ in range(2):
            expected = segments.hash_fields(COMPACTED, wanted)
            assert segment_map.hash_fields(COMPACTED, wanted) == expected
            assert len(segment_map._hash_fields) <= 3
