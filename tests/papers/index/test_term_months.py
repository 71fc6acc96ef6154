"""The term dictionary never lists too few months, whatever is written, removed or lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from unittest import mock

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from redis import Redis

from papers.index import term_months
from papers.index.term_months import TermMonths, lists_all
from papers.query.parser import parse_query
from papers.redis_backend import keys
from papers.search.node_plans import possible_months
from papers.search.plan import QueryPlan
from tests.conftest import running_store

pytestmark = pytest.mark.both_stores

MONTHS = tuple(range(202401, 202407))
TERMS = (b"wone", b"wtwo", b"athree")
MAX_MONTHS = 3
"""Months of a term in these tests, before it is stored as `*`."""

added = st.tuples(
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
@given(st.lists(st.one_of(added, added, added, removed, flushed), max_size=25))
def test_lists_all_months_added_and_not_removed(
    store_url: str, steps: Sequence[tuple[str, int, frozenset[bytes]]]
) -> None:
    redis = Redis.from_url(store_url)
    redis.flushall()
    writers = {name: TermMonths(redis) for name in ("first", "second")}
    expected: dict[bytes, set[int]] = {term: set() for term in TERMS}
    with mock.patch.object(term_months, "MAX_MONTHS_PER_TERM", MAX_MONTHS):
        for step, month, terms in steps:
            if step == "flush":
                redis.flushall()
                expected = {term: set() for term in TERMS}
            elif step == "remove":
                writers["first"].remove_months([month])
                expected = {term: months - {month} for term, months in expected.items()}
            else:
                writers.get(step, TermMonths(redis)).add_month(month, terms)
                expected |= {term: expected[term] | {month} for term in terms}
            for term, months in expected.items():
                listed = months_of(redis, term)
                assert listed is None or listed >= months
                assert listed is None or listed == months or len(months) > MAX_MONTHS


@pytest.mark.parametrize("month", [199107, 199112, 199201, 199912, 200001, 202612])
def test_months_of_both_centuries_are_read_back(redis: Redis, month: int) -> None:
    TermMonths(redis).add_month(month, [b"wrare"])
    assert months_of(redis, b"wrare") == {month}


@pytest.mark.parametrize("before", [(201801, 200701), (202401, 201801, 200701)])
def test_month_whose_bytes_lie_across_two_others_is_added(
    redis: Redis, before: tuple[int, ...]
) -> None:
    """2018-01 ends with the byte that 2023-06 begins with, and 2007-01 begins as that ends."""
    writer = TermMonths(redis)
    for month in before:
        writer.add_month(month, [b"wrare"])
    assert months_of(redis, b"wrare") == {*before}
    writer.add_month(202306, [b"wrare"])
    writer.add_month(202306, [b"wrare"])
    assert months_of(redis, b"wrare") == {*before, 202306}
    assert redis.hstrlen(keys.TERM_MONTHS, "wrare") == 2 * (len(before) + 1)


def test_frequent_term_stays_cached_while_others_write(redis: Redis) -> None:
    writer, other = TermMonths(redis), TermMonths(redis)
    with mock.patch.object(term_months, "MAX_MONTHS_PER_TERM", MAX_MONTHS):
        for month in MONTHS:
            writer.add_month(month, [b"wcommon"])
        other.add_month(202401, [b"wother"])
        redis.hdel(keys.TERM_MONTHS, b"wcommon")  # read again, it would be written again
        writer.add_month(202312, [b"wcommon"])
        assert not redis.hexists(keys.TERM_MONTHS, b"wcommon")
        other.remove_months([202401])
        writer.add_month(202312, [b"wcommon"])
        assert redis.hget(keys.TERM_MONTHS, b"wcommon") == (2312).to_bytes(2, "big")


def test_months_lost_by_a_restarted_server_are_added_again(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """A killed server restarts without its last second of writes; revisions may then repeat."""
    socket = tmp_path_factory.mktemp("s") / "s"
    with (
        running_store() as before,
        running_store() as after,
        mock.patch.object(term_months, "MAX_MONTHS_PER_TERM", 2),
    ):
        socket.symlink_to(before.removeprefix("unix://"))
        redis = Redis.from_url(f"unix://{socket}")
        writer = TermMonths(redis)
        writer.add_month(202401, [b"wcommon", b"wrare"])
        saved: dict[bytes, Any] = {key: redis.dump(key) for key in redis.scan_iter()}
        writer.add_month(202402, [b"wcommon", b"wrare"])
        writer.add_month(202403, [b"wcommon"])
        assert months_of(redis, b"wcommon") is None
        socket.unlink()
        socket.symlink_to(after.removeprefix("unix://"))
        redis.close()
        for key, value in saved.items():
            redis.restore(key, 0, value)
        for number in range(2):  # others reach the revision the writer has cached
            TermMonths(redis).add_month(202401, [b"wother%d" % number])
        writer.add_month(202404, [b"wcommon"])
        writer.add_month(202402, [b"wrare"])
        assert months_of(redis, b"wcommon") == {202401, 202404}
        assert months_of(redis, b"wrare") == {202401, 202402}


def test_alternative_that_may_be_in_any_month_leaves_all_of_them_possible() -> None:
    value = (2401).to_bytes(2, "big")
    listed = {b"wone": value, b"wtwo": None}
    assert possible_months(parse_query("one OR two").tree, listed) == {202401}
    assert possible_months(parse_query("one OR grou*").tree, listed) is None
    assert possible_months(parse_query("one grou*").tree, listed) == {202401}


@pytest.mark.parametrize(
    ("value", "months", "expected"),
    [(b"*", 500, True), (bytes(6), 3, True), (bytes(6), 2, True), (bytes(4), 3, False)],
)
def test_term_of_every_month_rules_out_none(value: bytes, months: int, expected: bool) -> None:
    assert lists_all(value, months) == expected
    assert not lists_all(None, months)
