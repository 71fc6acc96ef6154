"""What a keyword asks of a month's postings, and what these say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pytest
from pyroaring import BitMap

from papers.index.terms import text_shingles
from papers.model.arxiv_id import month_ordinal
from papers.query.ast import Field, Text
from papers.query.parser import parse_query
from papers.search.asked import QueryLeaves
from papers.search.evaluate import PostingKey, shingle_slot_key
from papers.search.plan import QueryPlan

MONTH = 202503
PAPERS = 10_000
FIRST = month_ordinal(MONTH) << 16


class Held:
    """Postings of a month: each of so many papers, or of these; of others none."""

    def __init__(self, held: Mapping[PostingKey, int | set[int]]) -> None:
        self.months: Sequence[int] = [MONTH]
        self._held = held

    def bitmap_of(self, key: PostingKey, months: Iterable[int] | None = None) -> BitMap:
        held = self._held.get(key, 0)
        return BitMap(range(held) if isinstance(held, int) else (FIRST + n for n in held))

    def bitmap_among(self, key: PostingKey, places: BitMap) -> BitMap:
        return self.bitmap_of(key) & places


def asked_of_others(keyword: str, sizes: Mapping[PostingKey, int], of_pairs: int) -> set[bytes]:
    """The words that months are asked for once one of them was read; and every pair is."""
    tree = parse_query(keyword).tree
    assert isinstance(tree, Text)
    held = Held({**sizes, **{shingle_slot_key(pair): of_pairs for pair in text_shingles(tree)}})
    plan = QueryPlan(QueryLeaves.of(tree), {})
    then, every = (
        plan.with_probe_terms(plan.choose_probe_terms(held, PAPERS)),
        plan.with_probe_terms(),
    )
    first, second, last = (
        set(some.wanted_postings((MONTH,))[0][1]) for some in (plan, then, every)
    )
    assert first == set(text_shingles(tree)) < second <= last
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
    keyword: str, sizes: Mapping[PostingKey, int], asked: set[bytes]
) -> None:
    assert asked_of_others(keyword, sizes, of_pairs=20) == asked


A, B, C = "reward", "model", "deep"
AB, CA = text_shingles(Text(Field.ANY, (A, B))) + text_shingles(Text(Field.ANY, (C, A)))


@pytest.mark.parametrize(
    ("keyword", "held", "sure", "maybe"),
    [
        (f'"{A} {B}"', {AB: {1, 2}}, {1, 2}, {1, 2}),
        (f'"{A} {B}"', {shingle_slot_key(AB): {1, 2, 3}}, set(), {2, 3}),
        (f'ti:"{A} {B}"', {AB: {1, 2}}, set(), {1, 2}),
        (f'"{C} {A} {B}"', {AB: {1, 2}, CA: {2, 3}}, set(), {2}),
        (f'"{C} {A} {B}"', {AB: {1, 2, 3}, shingle_slot_key(CA): {2, 3, 4}}, set(), {2, 3}),
        (
            f'"{C} {A} {B}"',
            {shingle_slot_key(AB): {2, 3, 9}, shingle_slot_key(CA): {2, 9}},
            set(),
            {2},
        ),
    ],
)
def test_a_phrase_is_sure_where_its_only_pair_has_a_posting(
    keyword: str, held: Mapping[PostingKey, set[int]], sure: set[int], maybe: set[int]
) -> None:
    """Where a slot tells of it, only papers that have its words may match; here few do."""
    words: Mapping[PostingKey, set[int]] = {f"w{word}".encode(): {2, 3, 4} for word in (A, B, C)}
    plan, read = QueryPlan(QueryLeaves.of(parse_query(keyword).tree), {}), Held({**held, **words})
    doubtful = any(key < 0 for key in held if isinstance(key, int))
    assert plan.ambiguous_months(read) == ([MONTH] if doubtful else [])
    found = (plan.with_probe_terms() if doubtful else plan).evaluate(read)
    assert [{place - FIRST for place in places} for places in found] == [sure, maybe]


def test_a_phrase_that_no_pairs_tell_asks_for_all_its_words() -> None:
    tree = parse_query('"of the"').tree
    assert QueryPlan(QueryLeaves.of(tree), {}).choose_probe_terms(Held({}), PAPERS) == {}
