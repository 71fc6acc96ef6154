"""How many months are read together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import NamedTuple

import pytest

from papers.index.layout import Shape
from papers.query.parser import parse
from papers.search.pacing import Pace, likely_share
from papers.search.segments import Months, Volume

DENSE = tuple(range(200_000, 200_116))


class Of(NamedTuple):
    """Months of so many papers, so many of them together."""

    size: int
    together: int = 1

    def volumes(self, months: Months) -> Sequence[Volume]:
        lying = groupby(months, lambda month: month // self.together)
        groups = [(number, tuple(group)) for number, group in lying]
        return [
            Volume(n, Shape.for_papers(1), here, "", self.size * len(here), is_whole=True)
            for n, here in groups
        ]


def read(wanted: int, found_in: Callable[[int], int], months: Of) -> list[int]:
    """The sizes of the chunks until that many were found."""
    pace, found, sizes = Pace(wanted, 0.1, months, exact=True), 0, list[int]()
    for chunk in pace.chunks(DENSE):
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
        (30, [1, 4]),
        (10, [1, 15]),
        (2, [1, 16, 53]),
        (0, [1, 16, 64, 35]),
    ],
)
def test_of_what_is_often_found_little_more_is_read_than_is_wanted(
    a_month: int, sizes: list[int]
) -> None:
    assert read(100, lambda _: a_month, Of(16_384)) == sizes


def test_months_that_lie_together_are_read_together() -> None:
    assert read(100, lambda _: 30, Of(16_384, together=10)) == [10]
    assert read(100, lambda _: 3, Of(16_384, together=10)) == [10, 40]
    assert read(100, lambda _: 0, Of(16_384, together=10)) == [10, 106]


def test_thin_months_are_read_together() -> None:
    assert read(100, lambda _: 1, Of(64)) == [12, 64, 40]


def test_where_those_found_are_not_the_right_ones_twice_as_many_are_read() -> None:
    pace, sizes = Pace(100, 0.1, Of(16_384), exact=True), []
    for chunk in pace.chunks(DENSE):
        pace.found(200 * len(chunk))
        sizes.append(len(chunk))
    assert sum(sizes) == len(DENSE)
    assert len(sizes) <= 7


@pytest.mark.parametrize(("share", "first"), [(0.1, 1), (0.005, 2), (0.0025, 3), (1e-6, 12)])
def test_of_what_is_likely_to_be_rare_more_is_read_at_first_but_of_few_volumes(
    share: float, first: int
) -> None:
    chunks = [Pace(100, share, Of(16_384), exact=exact).chunks(DENSE) for exact in (True, False)]
    assert [len(next(chunk)) for chunk in chunks] == [first, min(first, 4)]


@pytest.mark.parametrize(
    ("rarer", "than"),
    [
        ("cat:cs.CL reward", "reward"),
        ("cat:cs.CL cat:cs.AI", "cat:cs.CL"),
        ('"reward model"', "cat:cs.* reward"),
        ('"reward model" (rl OR agents) -vision', "rl OR agents"),
        ('au:"jane doe"', '"reward model"'),
        ("au:doe reward", "reward"),
        ("reward", "reward OR agents"),
        ("reward", "cat:cs.CL"),
    ],
)
def test_what_is_rare_can_be_told_from_its_form(rarer: str, than: str) -> None:
    assert likely_share(parse(rarer).tree) < likely_share(parse(than).tree)


@pytest.mark.parametrize("text", ["reward model", "reward -model", "reward (model OR agents)"])
def test_words_that_are_asked_for_together_are_no_rarer(text: str) -> None:
    assert likely_share(parse(text).tree) == likely_share(parse("reward").tree)
