"""What a keyword asks of a month's postings, and what these say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pytest
from pyroaring import BitMap

from papers.index.terms import text_pairs
from papers.model.arxiv_id import month_place
from papers.query.ast import Field, Text
from papers.query.parser import parse
from papers.search.asked import Asked
from papers.search.evaluate import Key, in_slot
from papers.search.plan import Plan

MONTH = 202503
PAPERS = 10_000
FIRST = month_place(MONTH) << 16


class Held:
    """Postings of a month: each of so many papers, or of these; of others none."""

    def __init__(self, held: Mapping[Key, int | set[int]]) -> None:
        self.months: Sequence[int] = [MONTH]
        self._held = held

    def of(self, key: Key, months: Iterable[int] | None = None) -> BitMap:
        held = self._held.get(key, 0)
        return BitMap(range(held) if isinstance(held, int) else (FIRST + n for n in held))

    def among(self, key: Key, places: BitMap) -> BitMap:
        return self.of(key) & places


def asked_of_others(keyword: str, sizes: Mapping[Key, int], of_pairs: int) -> set[bytes]:
    """The words that months are asked for once one of them was read; and every pair is."""
    tree = parse(keyword).tree
    assert isinstance(tree, Text)
    held = Held({**sizes, **{in_slot(pair): of_pairs for pair in text_pairs(tree)}})
    plan = Plan(Asked.of(tree), {})
    then, every = plan.with_words(plan.telling(held, PAPERS)), plan.with_words()
    first, second, last = (set(some.wanted((MONTH,))[0][1]) for some in (plan, then, every))
    assert first == set(text_pairs(tree)) < second <= last
    return {key for key in second if isinstance(key, bytes)}


@pytest.mark.parametrize(
    ("keyword", "sizes", "asked"),
    [
        ('"reward model"', {b"wreward": 200, b"wmodel": 4_000}, {b"wreward"}),
        ('"reward model"', {b"wreward": 0, b"wmodel": 0}, {b"wreward"}),
        ('"new model"', {b"wnew": 4_000, b"wmodel": 5_000}, {b"wnew", b"wmodel"}),
        ('"deep reward model"', {b"wdeep": 900, b"wreward": 200, b"wmodel": 4_000}, {b"wreward"}),
        ('"mixture of experts"', {b"wmixture": 90, b"wof": 9_900, b"wexpert": 300}, {b"wmixture"}),
    ],
)
def test_a_phrase_asks_for_the_words_that_spare_more_than_they_cost(
    keyword: str, sizes: Mapping[Key, int], asked: set[bytes]
) -> None:
    assert asked_of_others(keyword, sizes, of_pairs=20) == asked


A, B, C = "reward", "model", "deep"
AB, CA = text_pairs(Text(Field.ANY, (A, B))) + text_pairs(Text(Field.ANY, (C, A)))


@pytest.mark.parametrize(
    ("keyword", "held", "sure", "maybe"),
    [
        (f'"{A} {B}"', {AB: {1, 2}}, {1, 2}, {1, 2}),
        (f'"{A} {B}"', {in_slot(AB): {1, 2, 3}}, set(), {2, 3}),
        (f'ti:"{A} {B}"', {AB: {1, 2}}, set(), {1, 2}),
        (f'"{C} {A} {B}"', {AB: {1, 2}, CA: {2, 3}}, set(), {2}),
        (f'"{C} {A} {B}"', {AB: {1, 2, 3}, in_slot(CA): {2, 3, 4}}, set(), {2, 3}),
        (f'"{C} {A} {B}"', {in_slot(AB): {2, 3, 9}, in_slot(CA): {2, 9}}, set(), {2}),
    ],
)
def test_a_phrase_is_sure_where_its_only_pair_has_a_posting(
    keyword: str, held: Mapping[Key, set[int]], sure: set[int], maybe: set[int]
) -> None:
    """Where a slot tells of it, only papers that have its words may match; here few do."""
    words: Mapping[Key, set[int]] = {f"w{word}".encode(): {2, 3, 4} for word in (A, B, C)}
    plan, read = Plan(Asked.of(parse(keyword).tree), {}), Held({**held, **words})
    doubtful = any(key < 0 for key in held if isinstance(key, int))
    assert plan.doubtful(read) == ([MONTH] if doubtful else [])
    found = (plan.with_words() if doubtful else plan).evaluate(read)
    assert [{place - FIRST for place in places} for places in found] == [sure, maybe]


def test_a_phrase_that_no_pairs_tell_asks_for_all_its_words() -> None:
    tree = parse('"of the"').tree
    assert Plan(Asked.of(tree), {}).telling(Held({}), PAPERS) == {}
