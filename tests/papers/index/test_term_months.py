"""The spread of words: whoever writes, and whatever was taken away, it never says too little."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from unittest import mock

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from redis import Redis

from papers.index import term_months
from papers.index.term_months import TermMonths, possible_months
from papers.query.parser import parse_query
from papers.redis_backend import keys
from papers.search.plan import QueryPlan
from tests.conftest import running_store

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
    tree = parse_query(f"au:{term[1:].decode()}" if term[:1] == b"a" else term[1:].decode()).tree
    assert QueryPlan.of(tree).dictionary_terms == (term,)
    value: Any = redis.hget(keys.TERM_MONTHS, term)
    return possible_months(tree, {term: value})


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
    writers = {name: TermMonths(redis) for name in ("first", "second")}
    held: dict[bytes, set[int]] = {term: set() for term in TERMS}
    with mock.patch.object(term_months, "MANY", MANY):
        for step, month, terms in steps:
            if step == "flush":
                redis.flushall()
                held = {term: set() for term in TERMS}
            elif step == "remove":
                writers["first"].remove_months([month])
                held = {term: months - {month} for term, months in held.items()}
            else:
                writers.get(step, TermMonths(redis)).add_month(month, terms)
                held |= {term: held[term] | {month} for term in terms}
            for term, months in held.items():
                said = months_of(redis, term)
                assert said is None or said >= months
                assert said is None or said == months or len(months) > MANY


def test_what_is_everywhere_is_asked_once_though_others_write(redis: Redis) -> None:
    spread_of_one, other = TermMonths(redis), TermMonths(redis)
    with mock.patch.object(term_months, "MANY", MANY):
        for month in MONTHS:
            spread_of_one.add_month(month, [b"wcommon"])
        other.add_month(202401, [b"wother"])
        redis.hdel(keys.TERM_MONTHS, b"wcommon")  # it would be written again if it were read
        spread_of_one.add_month(202312, [b"wcommon"])
        assert not redis.hexists(keys.TERM_MONTHS, b"wcommon")
        other.remove_months([202401])
        spread_of_one.add_month(202312, [b"wcommon"])
        assert redis.hget(keys.TERM_MONTHS, b"wcommon") == (2312).to_bytes(2, "big")


def test_what_a_server_lost_is_noted_again(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A server that is killed comes back without its last second, and goes on counting."""
    at = tmp_path_factory.mktemp("s") / "s"
    with (
        running_store() as before,
        running_store() as after,
        mock.patch.object(term_months, "MANY", 2),
    ):
        at.symlink_to(before.removeprefix("unix://"))
        redis = Redis.from_url(f"unix://{at}")
        writer = TermMonths(redis)
        writer.add_month(202401, [b"wcommon", b"wrare"])
        kept: dict[bytes, Any] = {key: redis.dump(key) for key in redis.scan_iter()}
        writer.add_month(202402, [b"wcommon", b"wrare"])
        writer.add_month(202403, [b"wcommon"])
        assert months_of(redis, b"wcommon") is None
        at.unlink()
        at.symlink_to(after.removeprefix("unix://"))
        redis.close()
        for key, value in kept.items():
            redis.restore(key, 0, value)
        for number in range(2):  # others bring it to the very revision that the writer knows
            TermMonths(redis).add_month(202401, [b"wother%d" % number])
        writer.add_month(202404, [b"wcommon"])
        writer.add_month(202402, [b"wrare"])
        assert months_of(redis, b"wcommon") == {202401, 202404}
        assert months_of(redis, b"wrare") == {202401, 202402}
