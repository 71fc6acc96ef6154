from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from papers.model.arxiv_id import ArxivId
from papers.model.merge import paper_from_sighting
from papers.model.paper import Channel, Pick, Sighting
from papers.redis_backend import keys
from papers.state.voting.votes import (
    MAX_STEPS,
    MAX_VOTE_COMMUNITIES,
    MAX_VOTE_DAYS,
    DailyVotes,
    VoteCount,
    VoteHistory,
    merge_votes,
    pack_votes,
    unpack_votes,
)

ID = ArxivId(202611, 7)
START = datetime(2026, 11, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)

histories = st.dictionaries(
    st.sampled_from([f"c{n:02}" for n in range(MAX_VOTE_COMMUNITIES + 4)]),
    st.dictionaries(st.integers(739_000, 739_000 + 2 * MAX_VOTE_DAYS), st.integers(0, 10**6)),
).map(lambda counts: merge_votes(counts, {}))


def counted(day: int, votes: int | None, community: str = "hf", *, hour: int = 0) -> Sighting:
    at = START + day * DAY + timedelta(hours=hour)
    pick = Pick(community, START, votes=votes, counted_at=at)
    return Sighting(ID, community, Channel.HUGGINGFACE, at, pick=pick)


@given(histories, histories, histories)
def test_merge_is_a_join_and_packing_round_trips(
    a: DailyVotes, b: DailyVotes, c: DailyVotes
) -> None:
    assert merge_votes(a, b) == merge_votes(b, a)
    assert merge_votes(merge_votes(a, b), c) == merge_votes(a, merge_votes(b, c))
    assert merge_votes(a, a) == a
    assert unpack_votes(pack_votes(a)) == a


@given(histories, histories)
def test_equal_histories_pack_to_equal_bytes(a: DailyVotes, b: DailyVotes) -> None:
    assert pack_votes(merge_votes(a, b)) == pack_votes(merge_votes(b, a))


def test_history_has_the_highest_count_of_each_day(redis: Redis) -> None:
    votes = VoteHistory(redis)
    votes.record([counted(0, 3), counted(0, 5, hour=8), counted(2, 40), counted(2, 39, hour=1)])
    votes.record([counted(1, 11), counted(1, 2, "club"), counted(3, None)])
    assert votes.history(ID) == {
        "club": [VoteCount(date(2026, 11, 3), 2)],
        "hf": [
            VoteCount(date(2026, 11, 2), 5),
            VoteCount(date(2026, 11, 3), 11),
            VoteCount(date(2026, 11, 4), 40),
        ],
    }
    assert votes.history(ArxivId(202611, 8)) == {}


def test_when_a_count_was_first_reached_is_known_to_the_second(redis: Redis) -> None:
    votes, day = VoteHistory(redis), 86_400.0
    start = START.timestamp()
    votes.record([counted(0, 3), counted(2, 30), counted(1, 11, "club"), counted(3, 7)])
    assert votes.reached_at([ID, ArxivId(202610, 1), ID], 11) == [start + day, None, start + day]
    assert votes.reached_at([ID], 30) == [start + 2 * day]
    assert votes.reached_at([ID], 31) == [None]
    votes.record([counted(0, 12, hour=3)])
    assert votes.reached_at([ID], 11) == [start + 3 * 3_600]


def test_of_counts_from_before_only_the_day_is_known(redis: Redis) -> None:
    old = pack_votes({"hf": {START.toordinal(): 5, START.toordinal() + 1: 9}})
    redis.hset(keys.month_votes("2611"), keys.paper_field(7), old)
    midnight = START.replace(hour=0).timestamp()
    assert VoteHistory(redis).reached_at([ID], 9) == [midnight + 86_400]


def test_recording_again_changes_nothing(redis: Redis) -> None:
    sightings = [counted(day, day * day) for day in range(5)]
    VoteHistory(redis).record(sightings)
    before = redis.dump(keys.month_votes("2611"))
    VoteHistory(redis).record([*reversed(sightings), paper_from_sighting(sightings[4])])
    assert redis.dump(keys.month_votes("2611")) == before


@pytest.mark.parametrize(
    "sightings", [[], [counted(0, None)], [Sighting(ID, "x", Channel.API, START)]]
)
def test_sightings_without_votes_write_nothing(redis: Redis, sightings: list[Sighting]) -> None:
    VoteHistory(redis).record(sightings)
    assert redis.dbsize() == 0


def test_history_is_small_and_bounded(redis: Redis) -> None:
    """Two weeks of hourly counts take some fifty bytes, and six each time that they grew."""
    hourly = [counted(day, 24 * day + hour, hour=hour) for day in range(14) for hour in range(12)]
    VoteHistory(redis).record(hourly)
    packed: Any = redis.hget(keys.month_votes("2611"), keys.paper_field(7))
    assert len(packed) <= 56 + 6 * MAX_STEPS
    VoteHistory(redis).record([counted(day, day) for day in range(14, 300)])
    assert len(VoteHistory(redis).history(ID)["hf"]) == MAX_VOTE_DAYS
