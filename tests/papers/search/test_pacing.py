"""How many months are read together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import NamedTuple

import pytest

from papers.index.layout import SegmentLayout
from papers.query.parser import parse_query
from papers.search.pacing import SegmentPacer, estimate_selectivity
from papers.search.segments import Months, Segment

DENSE = tuple(range(200_000, 200_116))


class Of(NamedTuple):
    """Months of so many papers, so many of them together."""

    size: int
    together: int = 1

    def locate(self, months: Months) -> Sequence[Segment]:
        lying = groupby(months, lambda month: month // self.together)
        groups = [(number, tuple(group)) for number, group in lying]
        return [
            Segment(
                n, SegmentLayout.for_month(1), here, "", self.size * len(here), is_complete=True
            )
            for n, here in groups
        ]


def read(wanted: int, found_in: Callable[[int], int], months: Of) -> list[int]:
    """The sizes of the chunks until that many were found."""
    pace, found, sizes = SegmentPacer(wanted, 0.1, months, is_exact=True), 0, list[int]()
    for chunk in pace.batches(DENSE):
        count = sum(map(found_in, chunk))
        pace.add_found(count)
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
    pace, sizes = SegmentPacer(100, 0.1, Of(16_384), is_exact=True), []
    for chunk in pace.batches(DENSE):
        pace.add_found(200 * len(chunk))
        sizes.append(len(chunk))
    assert sum(sizes) == len(DENSE)
    assert len(sizes) <= 7


@pytest.mark.parametrize(("share", "first"), [(0.1, 1), (0.005, 2), (0.0025, 3), (1e-6, 12)])
def test_of_what_is_likely_to_be_rare_more_is_read_at_first_but_of_few_volumes(
    share: float, first: int
) -> None:
    chunks = [
        SegmentPacer(100, share, Of(16_384), is_exact=exact).batches(DENSE)
        for exact in (True, False)
    ]
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
    assert estimate_selectivity(parse_query(rarer).tree) < estimate_selectivity(
        parse_query(than).tree
    )


@pytest.mark.parametrize("text", ["reward model", "reward -model", "reward (model OR agents)"])
def test_words_that_are_asked_for_together_are_no_rarer(text: str) -> None:
    assert estimate_selectivity(parse_query(text).tree) == estimate_selectivity(
        parse_query("reward").tree
    )
