"""Where a process believes months to lie."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.index.layout import SegmentLayout
from papers.search import segments
from papers.search.segments import Months, SegmentMap

YEAR_24 = tuple(range(202_412, 202_400, -1))
AROUND = (202_502, 202_501, *YEAR_24, 202_312)
CLOSED = SegmentLayout.for_year(10_000, YEAR_24)


def lying(shapes: SegmentMap, months: Months) -> list[tuple[int, Months]]:
    return [(volume.period, volume.months) for volume in shapes.locate(months)]


def own(*months: int) -> list[tuple[int, Months]]:
    return [(month, (month,)) for month in months]


def test_months_lie_alone_until_their_year_is_known_to_have_them() -> None:
    shapes = SegmentMap()
    assert lying(shapes, AROUND) == own(*AROUND)
    shapes.set_layout(2024, CLOSED)
    assert lying(shapes, AROUND) == [*own(*AROUND[:2]), (2024, YEAR_24), *own(202_312)]
    shapes.set_layout(2024, CLOSED.without_month(202_407))
    apart = [(2024, YEAR_24[:5]), *own(202_407), (2024, YEAR_24[6:])]
    assert lying(shapes, YEAR_24) == apart
    shapes.set_layout(2024, CLOSED)
    assert lying(shapes, YEAR_24) == [(2024, YEAR_24)]


def test_a_year_is_whole_where_all_that_it_tells_of_is_asked_for() -> None:
    shapes = SegmentMap()
    shapes.set_layout(2024, CLOSED)
    for months, whole in ((YEAR_24, True), (YEAR_24[1:], False)):
        (volume,) = shapes.locate(months)
        assert volume.is_complete is whole
    shapes.set_layout(2024, CLOSED.without_month(202_401))
    (volume,) = shapes.locate(YEAR_24[:-1])
    assert not volume.is_complete, "what is gone may still be told of"


def test_how_many_papers_months_have_is_told_by_the_shape_of_their_volume() -> None:
    shapes = SegmentMap()
    (unknown,) = shapes.locate(YEAR_24[:1])
    shapes.set_layout(2024, CLOSED)
    (known,) = shapes.locate(YEAR_24[:6])
    assert 2_500 <= known.estimated_papers <= 5_000
    assert unknown.estimated_papers > known.estimated_papers // 6
    assert (unknown.redis_key, known.redis_key) == ("{24}12:terms", "{24}:terms")


@given(
    st.dictionaries(st.integers(2020, 2025), st.integers(0, (1 << 12) - 1)),
    st.sets(st.integers(2020 * 12, 2026 * 12 - 1)).map(
        lambda numbers: tuple(n // 12 * 100 + n % 12 + 1 for n in sorted(numbers, reverse=True))
    ),
)
def test_every_month_lies_somewhere_and_in_the_same_order(
    held: Mapping[int, int], months: Months
) -> None:
    shapes = SegmentMap()
    shapes.locate(months)
    for year, bits in held.items():
        shapes.set_layout(year, CLOSED._replace(month_mask=bits))
    found = lying(shapes, months)
    assert tuple(month for _, here in found for month in here) == months
    for number, here in found:
        for month in here:
            closed = held.get(month // 100, 0) >> month % 100 - 1 & 1
            assert number == (month // 100 if closed else month)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "_MAX_LOCATED", 3)
    shapes = SegmentMap()
    for month in AROUND:
        assert lying(shapes, (month,)) == own(month)
        assert len(shapes._known._located) <= 3
