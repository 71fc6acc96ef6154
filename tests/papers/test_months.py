"""How many months are read together."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from papers.months import Pace

DENSE = list(range(200_000, 200_116))


class Months(NamedTuple):
    """Months of so many papers, so many of them together."""

    size: int
    together: int = 1

    def volume(self, month: int) -> int:
        return month // self.together

    def papers(self, month: int) -> int:
        return self.size


def read(wanted: int, found_in: Callable[[int], int], months: Months) -> list[int]:
    """The sizes of the chunks until that many were found."""
    pace, found, sizes = Pace(wanted, months), 0, list[int]()
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
    assert read(100, lambda _: a_month, Months(16_384)) == sizes


def test_months_that_lie_together_are_read_together() -> None:
    assert read(100, lambda _: 30, Months(16_384, together=10)) == [10]
    assert read(100, lambda _: 3, Months(16_384, together=10)) == [10, 30]
    assert read(100, lambda _: 0, Months(16_384, together=10)) == [10, 106]


def test_thin_months_are_read_together() -> None:
    assert read(100, lambda _: 1, Months(64)) == [16, 64, 36]


def test_where_those_found_are_not_the_right_ones_twice_as_many_are_read() -> None:
    pace, sizes = Pace(100, Months(16_384)), []
    for chunk in pace.chunks(iter(DENSE), 64):
        pace.found(200 * len(chunk))
        sizes.append(len(chunk))
    assert sum(sizes) == len(DENSE)
    assert len(sizes) <= 7
