"""The spread of words: whoever writes, and whatever was taken away, it never says too little."""

from __future__ import annotations

from collections.abc import Sequence
from unittest import mock

from hypothesis import example, given, settings
from hypothesis import strategies as st
from redis import Redis

from papers import keys, spread
from papers.query import parse
from papers.spread import Spread, possible_months, spread_terms

MONTHS = tuple(range(202401, 202407))
TERMS = (b"wone", b"wtwo", b"athree")
MANY = 3
"""Months after which a word counts as everywhere, here."""

noted = st.tuples(
    st.sampled_from(["first", "second", "new"]),
    st.sampled_from(MONTHS),
    st.sets(st.sampled_from(TERMS)),
)
removed = st.tuples(st.just("remove"), st.sampled_from(MONTHS), st.just(frozenset[bytes]()))
flushed = st.tuples(st.just("flush"), st.just(0), st.just(frozenset[bytes]()))


def months_of(redis: Redis, term: bytes) -> set[int] | None:
    tree = parse(f"au:{term[1:].decode()}" if term[:1] == b"a" else term[1:].decode()).tree
    assert spread_terms(tree) == [term]
    return possible_months(tree, [redis.hget(keys.SPREAD, term)])  # type: ignore[list-item]


ONE = frozenset([b"wone"])


@example([("first", 202401, ONE), ("second", 202402, ONE), ("first", 202403, ONE)])
@example([("first", 202401, ONE), ("remove", 202401, ONE), ("second", 202401, ONE)])
@settings(max_examples=150)
@given(st.lists(st.one_of(noted, noted, noted, removed, flushed), max_size=25))
def test_it_says_all_that_was_noted_and_not_taken_away(
    store_url: str, steps: Sequence[tuple[str, int, frozenset[bytes]]]
) -> None:
    redis = Redis.from_url(store_url)
    redis.flushall()
    writers = {name: Spread(redis) for name in ("first", "second")}
    held: dict[bytes, set[int]] = {term: set() for term in TERMS}
    with mock.patch.object(spread, "MANY", MANY):
        for step, month, terms in steps:
            if step == "flush":
                redis.flushall()
                held = {term: set() for term in TERMS}
            elif step == "remove":
                writers["first"].forget([month])
                held = {term: months - {month} for term, months in held.items()}
            else:
                writers.get(step, Spread(redis)).note(month, terms)
                held |= {term: held[term] | {month} for term in terms}
            for term, months in held.items():
                said = months_of(redis, term)
                assert said is None or said >= months
                assert said is None or said == months or len(months) > MANY


def test_what_is_everywhere_is_asked_once_though_others_write(redis: Redis) -> None:
    spread_of_one, other = Spread(redis), Spread(redis)
    with mock.patch.object(spread, "MANY", MANY):
        for month in MONTHS:
            spread_of_one.note(month, [b"wcommon"])
        other.note(202401, [b"wother"])
        redis.hdel(keys.SPREAD, b"wcommon")  # it would be written again if it were read
        spread_of_one.note(202312, [b"wcommon"])
        assert not redis.hexists(keys.SPREAD, b"wcommon")
        other.forget([202401])
        spread_of_one.note(202312, [b"wcommon"])
        assert redis.hget(keys.SPREAD, b"wcommon") == (2312).to_bytes(2, "big")
