"""How many months are read together, and how selectivity is estimated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import NamedTuple

import pytest

from papers.index.layout import SegmentLayout
from papers.query.parser import parse_query
from papers.search.execution import SegmentPacer, VerificationProgress
from papers.search.node_plans import estimate_selectivity
from papers.search.segments import Months, Segment

DENSE = tuple(range(200_000, 200_116))


class FakeSegments(NamedTuple):
    """Segments of equally many months with equally many papers."""

    papers_per_month: int
    months_per_segment: int = 1

    def locate(self, months: Months) -> Sequence[Segment]:
        by_segment = groupby(months, lambda month: month // self.months_per_segment)
        groups = [(number, tuple(group)) for number, group in by_segment]
        return [
            Segment(
                n,
                SegmentLayout.for_month(1),
                here,
                "",
                self.papers_per_month * len(here),
                is_complete=True,
            )
            for n, here in groups
        ]


def batch_sizes(wanted: int, found_in: Callable[[int], int], months: FakeSegments) -> list[int]:
    """Return the numbers of months in each batch until `wanted` papers are found."""
    pacer, found, sizes = SegmentPacer(wanted, 0.1, months), 0, list[int]()
    for batch in pacer.batches(DENSE):
        count = sum(map(found_in, batch))
        pacer.add_found(count)
        sizes.append(len(batch))
        found += count
        if found >= wanted:
            break
    return sizes


@pytest.mark.parametrize(
    ("found_per_month", "sizes"),
    [
        (500, [1]),
        (50, [1, 2]),
        (30, [1, 4]),
        (10, [1, 15]),
        (2, [1, 16, 53]),
        (0, [1, 16, 64, 35]),
    ],
)
def test_frequent_matches_read_few_extra_segments(found_per_month: int, sizes: list[int]) -> None:
    assert batch_sizes(100, lambda _: found_per_month, FakeSegments(16_384)) == sizes


def test_candidates_that_are_taken_back_are_counted_once() -> None:
    sizes = list[int]()
    for first, taken_back, then in ((4, 0, 36), (4, 4, 40)):
        pacer = SegmentPacer(100, 0.1, FakeSegments(16_384))
        batches = pacer.batches(DENSE)
        next(batches)
        pacer.add_found(first)
        next(batches)
        pacer.take_back(taken_back)
        pacer.add_found(then)
        sizes.append(len(next(batches)))
    assert sizes[0] == sizes[1] < 64


def block_sizes(wanted: int, matching: float, blocks: int) -> list[int]:
    """Return the sizes of the blocks verified while a share of the candidates matches."""
    progress, sizes = VerificationProgress(), list[int]()
    while len(sizes) < blocks and progress.found < wanted:
        size = progress.block_size(wanted)
        progress.seen += size
        progress.found += round(size * matching)
        sizes.append(size)
    return sizes


@pytest.mark.parametrize(
    ("wanted", "matching", "sizes"),
    [
        (100, 1, [100]),
        (100, 0.99, [100, 16]),
        (100, 0.9, [100, 17]),
        (100, 0.5, [100, 100]),
        (100, 0, [100, 100, 200, 400, 800, 1_024, 1_024]),
        (5_000, 0, [1_024, 1_024]),
        (2_000, 0.5, [1_024, 1_024, 1_024, 928]),
    ],
)
def test_block_has_what_should_suffice_but_no_more_than_was_seen_or_may_be_read_in_vain(
    wanted: int, matching: float, sizes: list[int]
) -> None:
    assert block_sizes(wanted, matching, len(sizes)) == sizes


def test_months_of_one_segment_are_read_together() -> None:
    assert batch_sizes(100, lambda _: 30, FakeSegments(16_384, months_per_segment=10)) == [10]
    assert batch_sizes(100, lambda _: 3, FakeSegments(16_384, months_per_segment=10)) == [10, 40]
    assert batch_sizes(100, lambda _: 0, FakeSegments(16_384, months_per_segment=10)) == [10, 106]


def test_small_months_are_read_together() -> None:
    assert batch_sizes(100, lambda _: 1, FakeSegments(64)) == [16, 64, 36]


def test_batches_double_while_candidates_do_not_match() -> None:
    pacer, sizes = SegmentPacer(100, 0.1, FakeSegments(16_384)), []
    for batch in pacer.batches(DENSE):
        pacer.add_found(200 * len(batch))
        sizes.append(len(batch))
    assert sum(sizes) == len(DENSE)
    assert len(sizes) <= 7


@pytest.mark.parametrize(("selectivity", "first"), [(0.1, 1), (0.005, 2), (0.0025, 3), (1e-6, 16)])
def test_rare_query_reads_more_at_first_but_few_segments(selectivity: float, first: int) -> None:
    batches = SegmentPacer(100, selectivity, FakeSegments(16_384)).batches(DENSE)
    assert len(next(batches)) == first


@pytest.mark.parametrize(
    ("rare", "frequent"),
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
def test_selectivity_is_estimated_from_the_form_of_a_query(rare: str, frequent: str) -> None:
    assert estimate_selectivity(parse_query(rare).tree) < estimate_selectivity(
        parse_query(frequent).tree
    )


@pytest.mark.parametrize("text", ["reward model", "reward -model", "reward (model OR agents)"])
def test_conjunction_of_words_is_not_estimated_as_rarer(text: str) -> None:
    assert estimate_selectivity(parse_query(text).tree) == estimate_selectivity(
        parse_query("reward").tree
    )
