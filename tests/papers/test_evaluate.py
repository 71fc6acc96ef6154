"""What a keyword asks of a month's postings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pytest
from pyroaring import BitMap

from papers.asked import Asked
from papers.evaluate import Key, Plan
from papers.query import parse
from papers.terms import text_pairs
from papers.tree import Text

MONTH = 202503
PAPERS = 10_000


class Held:
    """Postings of a month, of so many papers each."""

    def __init__(self, sizes: Mapping[Key, int]) -> None:
        self.months: Sequence[int] = [MONTH]
        self._sizes = sizes

    def of(self, key: Key, months: Iterable[int] | None = None) -> BitMap:
        return BitMap(range(self._sizes[key]))


def asked_of_others(keyword: str, sizes: Mapping[Key, int], of_pairs: int) -> set[bytes]:
    """The words that months are asked for once one of them was read; and every pair is."""
    tree = parse(keyword).tree
    assert isinstance(tree, Text)
    held = Held({**sizes, **dict.fromkeys(text_pairs(tree), of_pairs)})
    first = Plan(Asked.of(tree), {})
    then = Plan(Asked.of(tree), {}, first.telling(held, PAPERS))
    assert text_pairs(tree) < set(then.keys(MONTH)) <= set(first.keys(MONTH))
    return {key for key in then.keys(MONTH) if isinstance(key, bytes)}


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


def test_a_phrase_that_no_pairs_tell_asks_for_all_its_words() -> None:
    tree = parse('"of the"').tree
    assert Plan(Asked.of(tree), {}).telling(Held({}), PAPERS) == {}
