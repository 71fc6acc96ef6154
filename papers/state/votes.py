"""How the votes of a picked paper grew: of each community, the most it counted on each day (UTC).

Kept beside the papers, not in them: a record has the newest count alone, so nothing that a feed is
made of knows of this. What is kept is a join: of a day the higher count, of many days the first.
Any order, repetition or split of the same counts leaves the same.

A paper's history is packed with msgpack: community → [first day, votes, days later, votes, …].
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, date
from itertools import accumulate
from typing import Any, Final, NamedTuple

import msgpack
from redis import Redis
from redis.client import Pipeline

from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper, Pick, Sighting
from papers.redis_backend import keys
from papers.redis_backend.connection import store_errors

MOST_DAYS: Final = 60
"""Days kept of a community's counts: by then hardly anybody votes any more."""

MOST_COMMUNITIES: Final = 16

Counts = dict[str, dict[int, int]]
"""Community to votes by day (its ordinal)."""


class Counted(NamedTuple):
    """How many votes there were at the end of a day."""

    day: date
    votes: int


class Votes:
    """The histories in Redis. Raises StoreAway."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def note(self, said: Iterable[Sighting | Paper]) -> None:
        """Take in what is counted now; what counts nothing costs nothing."""
        months: defaultdict[str, defaultdict[int, Counts]] = defaultdict(lambda: defaultdict(dict))
        for one in said:
            for pick in _picks(one):
                if pick.votes is not None and pick.counted_at is not None:
                    day = pick.counted_at.astimezone(UTC).toordinal()
                    counts = months[one.id.yymm][one.id.number]
                    counts[pick.community] = _joined(
                        counts.get(pick.community, {}), {day: pick.votes}
                    )
        with store_errors(self._redis):
            for yymm, papers in months.items():
                self._take_in(keys.month_votes(yymm), papers)

    def of(self, id: ArxivId) -> dict[str, list[Counted]]:
        """What each community counted, oldest day first."""
        with store_errors(self._redis):
            packed: Any = self._redis.hget(keys.month_votes(id.yymm), keys.paper_field(id.number))
        return {
            community: [Counted(date.fromordinal(day), votes) for day, votes in days.items()]
            for community, days in sorted(unpack(packed).items())
        }

    def _take_in(self, key: str, papers: Mapping[int, Counts]) -> None:
        """Join in a month's counts, whoever else does the same."""

        def write(pipe: Pipeline) -> None:
            fields = {number: keys.paper_field(number) for number in papers}
            known: Any = pipe.hmget(key, list(fields.values()))
            pipe.multi()
            for (number, field), packed in zip(fields.items(), known, strict=True):
                grown = pack(join(unpack(packed), papers[number]))
                if grown != packed:
                    pipe.hset(key, field, grown)

        self._redis.transaction(write, key)


def join(a: Counts, b: Counts) -> Counts:
    """What both have counted."""
    names = sorted({*a, *b})[:MOST_COMMUNITIES]
    return {name: _joined(a.get(name, {}), b.get(name, {})) for name in names}


def pack(counts: Counts) -> bytes:
    """A history in some 50 bytes."""
    rows = {}
    for community, days in counts.items():
        before, row = 0, []
        for day, votes in days.items():
            row += [day - before, votes]
            before = day
        rows[community] = row
    packed: bytes = msgpack.packb(rows)
    return packed


def unpack(packed: bytes | None) -> Counts:
    """The history that was packed; empty where there is none."""
    rows = msgpack.unpackb(packed) if packed else {}
    return {
        community: dict(zip(accumulate(row[::2]), row[1::2], strict=True))
        for community, row in rows.items()
    }


def _joined(a: Mapping[int, int], b: Mapping[int, int]) -> dict[int, int]:
    days = sorted({*a, *b})[:MOST_DAYS]
    return {day: max(a.get(day, 0), b.get(day, 0)) for day in days}


def _picks(said: Sighting | Paper) -> Iterable[Pick]:
    if isinstance(said, Paper):
        return said.picks
    return (said.pick,) if said.pick else ()
