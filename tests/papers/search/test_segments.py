"""Where a process believes months to lie."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.index.layout import Shape
from papers.search import segments
from papers.search.segments import Months, Shapes

YEAR_24 = tuple(range(202_412, 202_400, -1))
AROUND = (202_502, 202_501, *YEAR_24, 202_312)
CLOSED = Shape.for_year(10_000, YEAR_24)


def lying(shapes: Shapes, months: Months) -> list[tuple[int, Months]]:
    return [(volume.number, volume.months) for volume in shapes.volumes(months)]


def own(*months: int) -> list[tuple[int, Months]]:
    return [(month, (month,)) for month in months]


def test_months_lie_alone_until_their_year_is_known_to_have_them() -> None:
    shapes = Shapes()
    assert lying(shapes, AROUND) == own(*AROUND)
    shapes.put(2024, CLOSED)
    assert lying(shapes, AROUND) == [*own(*AROUND[:2]), (2024, YEAR_24), *own(202_312)]
    shapes.put(2024, CLOSED.without(202_407))
    apart = [(2024, YEAR_24[:5]), *own(202_407), (2024, YEAR_24[6:])]
    assert lying(shapes, YEAR_24) == apart
    shapes.put(2024, CLOSED)
    assert lying(shapes, YEAR_24) == [(2024, YEAR_24)]


def test_a_year_is_whole_where_all_that_it_tells_of_is_asked_for() -> None:
    shapes = Shapes()
    shapes.put(2024, CLOSED)
    for months, whole in ((YEAR_24, True), (YEAR_24[1:], False)):
        (volume,) = shapes.volumes(months)
        assert volume.is_whole is whole
    shapes.put(2024, CLOSED.without(202_401))
    (volume,) = shapes.volumes(YEAR_24[:-1])
    assert not volume.is_whole, "what is gone may still be told of"


def test_how_many_papers_months_have_is_told_by_the_shape_of_their_volume() -> None:
    shapes = Shapes()
    (unknown,) = shapes.volumes(YEAR_24[:1])
    shapes.put(2024, CLOSED)
    (known,) = shapes.volumes(YEAR_24[:6])
    assert 2_500 <= known.papers <= 5_000
    assert unknown.papers > known.papers // 6
    assert (unknown.key, known.key) == ("{24}12:terms", "{24}:terms")


@given(
    st.dictionaries(st.integers(2020, 2025), st.integers(0, (1 << 12) - 1)),
    st.sets(st.integers(2020 * 12, 2026 * 12 - 1)).map(
        lambda numbers: tuple(n // 12 * 100 + n % 12 + 1 for n in sorted(numbers, reverse=True))
    ),
)
def test_every_month_lies_somewhere_and_in_the_same_order(
    held: Mapping[int, int], months: Months
) -> None:
    shapes = Shapes()
    shapes.volumes(months)
    for year, bits in held.items():
        shapes.put(year, CLOSED._replace(held=bits))
    found = lying(shapes, months)
    assert tuple(month for _, here in found for month in here) == months
    for number, here in found:
        for month in here:
            closed = held.get(month // 100, 0) >> month % 100 - 1 & 1
            assert number == (month // 100 if closed else month)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "_MOST_REMEMBERED", 3)
    shapes = Shapes()
    for month in AROUND:
        assert lying(shapes, (month,)) == own(month)
        assert len(shapes._known._found) <= 3
