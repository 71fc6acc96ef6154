from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from papers import keys, slots
from papers.arxiv_id import ArxivId
from papers.asked import Asked
from papers.pair_filter import PairFilter
from papers.paper import Channel, Sighting
from papers.postings import SHAPE, Shape
from papers.query import parse
from papers.reading import Reading
from papers.remembered import Memory
from papers.slots import FilterEdit
from papers.store import Store
from papers.terms import pairs_of
from papers.text import words
from tests.papers.papers_strategies import TUESDAY

BITS = 13
MONTHS = [year * 100 + month for year in range(2020, 2024) for month in range(1, 13)]
hashes = st.lists(st.integers(0, (1 << 32) - 1), max_size=40)


def told(month: int, number: int, title: str, abstract: str = "Nothing else.") -> Sighting:
    return Sighting(
        ArxivId(month, number), "arxiv", Channel.API, TUESDAY, title=title, abstract=abstract
    )


def edit(pairs: Sequence[int]) -> FilterEdit:
    return FilterEdit(np.array(pairs, np.uint32), BITS)


def taken(packed: bytes) -> set[int]:
    """The places of a filter that are 0."""
    bits = np.unpackbits(np.frombuffer(packed, np.uint8))
    return {int(place) for place in np.flatnonzero(bits == 0)}


@given(hashes, hashes)
def test_a_filter_holds_all_that_came(first: list[int], then: list[int]) -> None:
    made = edit(first).apply(None)
    assert len(made) == 1 << (BITS - 3)
    assert taken(made) == {pair >> (32 - BITS) for pair in first}
    assert taken(edit(then).apply(made)) == {pair >> (32 - BITS) for pair in first + then}


@pytest.mark.parametrize("few", [0, slots.FEW])
def test_bit_by_bit_or_whole_is_the_same(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(slots, "FEW", few)
    store = Store(redis)
    titles = ["reward model", "vision language model", "$\\alpha$ divergence of models"]
    for number, title in enumerate(titles, 1):
        store.ingest([told(202503, number, title)], now=TUESDAY)
    packed = redis.hget(keys.month_terms("2503"), SHAPE)
    assert isinstance(packed, bytes)
    bits = Shape.unpack(packed).filter_bits
    filter = redis.get(keys.month_pairs("2503", bits))
    assert isinstance(filter, bytes)
    pairs = set.union(*(pairs_of(words(title)) for title in [*titles, "Nothing else."]))
    assert taken(filter) == {pair >> (32 - bits) for pair in pairs}


def test_a_filter_leaves_the_months_that_have_the_phrase(redis: Redis) -> None:
    seen = [told(month, 1, f"Thing {month}") for month in MONTHS]
    Store(redis).ingest([*seen, told(202107, 2, "A reward model")], now=TUESDAY)
    shapes = {month: Shape.for_papers(2 if month == 202107 else 1) for month in MONTHS}

    def passed(query: str) -> list[int]:
        reading = Reading(redis, Memory(None, dict(shapes)))
        return PairFilter(Asked.of(parse(query).tree)).passed(reading, MONTHS)

    assert passed('"reward model"') == [202107]
    assert passed('"reward model" OR "thing 202011"') == [202011, 202107]
    assert passed('"reward model" "thing 202011"') == []
    assert passed('thing -"reward model"') == MONTHS
    assert passed("au:lecun OR thing") == MONTHS


def test_who_believes_in_an_older_shape_misses_nothing(redis: Redis) -> None:
    early, late = Store(redis), Store(redis)
    query = parse('"reward model"')
    early.ingest([told(month, 1, f"Thing {month}") for month in MONTHS], now=TUESDAY)
    assert early.newest(query) == []
    grown = [told(MONTHS[0], number, "A reward model") for number in range(2, 40)]
    late.ingest(grown, now=TUESDAY)
    assert early.newest(query) == late.newest(query) == [s.id for s in reversed(grown)]
    filters = [keys.month_pairs("2001", bits) for bits in range(10, 24)]
    assert sum(bool(redis.exists(key)) for key in filters) == 1


def test_a_month_that_lost_its_filter_is_read(redis: Redis) -> None:
    store = Store(redis)
    store.ingest([told(month, 1, f"Reward model {month}") for month in MONTHS], now=TUESDAY)
    redis.delete(*(keys.month_pairs(f"{month % 10_000:04}", BITS) for month in MONTHS))
    assert len(store.newest(parse('"reward model"'))) == len(MONTHS)
