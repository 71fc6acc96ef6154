"""How many months are read together."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from papers.months import Pace

DENSE = list(range(200_000, 200_116))


def read(wanted: int, found_in: Callable[[int], int], papers: int, growth: int = 16) -> list[int]:
    """The sizes of the chunks until that many were found, where months have so many papers."""
    pace, found, sizes = Pace(wanted, lambda _: papers, growth), 0, list[int]()
    for chunk in pace.chunks(iter(DENSE), 64):
        count = sum(map(found_in, chunk))
        pace.found(count)
        sizes.append(len(chunk))
        found += count
        if found >= wanted:
            break
    return sizes


@pytest.mark.parametrize(
    ("a_month", "sizes"),
    [
        (500, [1]),
        (50, [1, 2]),
        (30, [1, 3]),
        (10, [1, 12]),
        (2, [1, 16, 42]),
        (0, [1, 16, 64, 35]),
    ],
)
def test_of_what_is_often_found_little_more_is_read_than_is_wanted(
    a_month: int, sizes: list[int]
) -> None:
    assert read(100, lambda _: a_month, 16_384) == sizes


def test_where_it_is_cheap_all_are_read_at_once() -> None:
    assert read(100, lambda _: 0, 16_384, growth=256) == [1, 64, 51]


def test_thin_months_are_read_together() -> None:
    assert read(100, lambda _: 1, 64) == [16, 64, 36]


def test_where_those_found_are_not_the_right_ones_twice_as_many_are_read() -> None:
    pace, sizes = Pace(100, lambda _: 16_384), []
    for chunk in pace.chunks(iter(DENSE), 64):
        pace.found(200 * len(chunk))
        sizes.append(len(chunk))
    assert sum(sizes) == len(DENSE)
    assert len(sizes) <= 7
