"""Vote history of picked papers: for each community the highest count of each day (UTC).

Stored apart from the papers, whose records have the newest count only; no feed depends on the
history. Merging is a join (highest count of a day, first days of many), so counts may arrive in any
order, repeatedly and in any batches.

A paper's history is packed with msgpack: community → [first day, votes, days later, votes, …].
Under an empty name it has the seconds since 1970 at which the highest count of any community grew:
a feed with a minimum of votes says when that was reached.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date
from itertools import accumulate
from typing import Any, Final, NamedTuple

import msgpack
from redis import Redis
from redis.client import Pipeline

from papers.model.arxiv_id import ArxivId
from papers.model.dates import to_epoch
from papers.model.paper import Paper, Pick, Sighting
from papers.redis_backend import keys
from papers.redis_backend.connection import RedisCommand, read_many, translate_store_errors

MAX_VOTE_DAYS: Final = 60
"""Days stored for a community: later there are hardly any votes."""

MAX_VOTE_COMMUNITIES: Final = 16
_EPOCH: Final = date(1970, 1, 1).toordinal()
_DAY_SECONDS: Final = 86_400

MAX_STEPS: Final = 100
"""Times stored at which the highest count grew, some six bytes each; later only days are known."""
_HIGHEST: Final = ""
"""The name under which the growth of the highest count of any community is stored."""

DailyVotes = dict[str, dict[int, int]]
"""Votes by community and day (its ordinal)."""


class VoteCount(NamedTuple):
    """The number of votes at the end of a day."""

    day: date
    votes: int


class VoteHistory:
    """The vote histories in Redis. Raises StoreUnavailable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def record(self, sightings: Iterable[Sighting | Paper]) -> None:
        """Merge the counts of sightings; without any counts nothing is read or written."""
        months: defaultdict[str, defaultdict[int, DailyVotes]] = defaultdict(
            lambda: defaultdict(dict)
        )
        for sighting in sightings:
            for pick in _picks_of(sighting):
                if pick.votes is not None and pick.counted_at is not None:
                    day = pick.counted_at.astimezone(UTC).toordinal()
                    counts = months[sighting.id.yymm][sighting.id.number]
                    steps = {to_epoch(pick.counted_at): pick.votes}
                    counted = {pick.community: {day: pick.votes}, _HIGHEST: steps}
                    months[sighting.id.yymm][sighting.id.number] = merge_votes(counts, counted)
        with translate_store_errors(self._redis):
            for yymm, papers in months.items():
                self._merge_month(keys.month_votes(yymm), papers)

    def history(self, id: ArxivId) -> dict[str, list[VoteCount]]:
        """Return the counts of each community, oldest day first."""
        return self.histories([id])[0]

    def histories(self, ids: Sequence[ArxivId]) -> list[dict[str, list[VoteCount]]]:
        """Return the counts of several papers, in one round trip."""
        with translate_store_errors(self._redis):
            return [
                {
                    community: [VoteCount(date.fromordinal(day), votes) for day, votes in days]
                    for community, days in sorted((c, d.items()) for c, d in counts.items())
                    if community != _HIGHEST
                }
                for counts in self._read(ids)
            ]

    def reached_at(self, ids: Sequence[ArxivId], votes: int) -> list[float | None]:
        """Return when each paper reached `votes`, in seconds since 1970; None if it never did.

        Raises redis-py's errors.
        """
        return [_first_reached(counts, votes) for counts in self._read(ids)]

    def _read(self, ids: Sequence[ArxivId]) -> list[DailyVotes]:
        fields = defaultdict[str, list[bytes]](list)
        for id in ids:
            fields[id.yymm].append(keys.paper_field(id.number))
        commands: list[RedisCommand] = [
            ("HMGET", keys.month_votes(yymm), *wanted) for yymm, wanted in fields.items()
        ]
        replies = zip(fields, read_many(self._redis, commands), strict=True)
        packed = {yymm: iter(values) for yymm, values in replies}
        return [unpack_votes(next(packed[id.yymm])) for id in ids]

    def _merge_month(self, key: str, papers: Mapping[int, DailyVotes]) -> None:
        """Merge a month's counts in a transaction, retried if another writer was faster."""

        def write(pipe: Pipeline) -> None:
            fields = {number: keys.paper_field(number) for number in papers}
            stored: Any = pipe.hmget(key, list(fields.values()))
            pipe.multi()
            for (number, field), packed in zip(fields.items(), stored, strict=True):
                merged = pack_votes(merge_votes(unpack_votes(packed), papers[number]))
                if merged != packed:
                    pipe.hset(key, field, merged)

        self._redis.transaction(write, key)


def merge_votes(a: DailyVotes, b: DailyVotes) -> DailyVotes:
    """Return the join of two histories, limited in communities (by name) and in days."""
    names = sorted({*a, *b} - {_HIGHEST})[:MAX_VOTE_COMMUNITIES]
    merged = {name: _merge_days(a.get(name, {}), b.get(name, {})) for name in names}
    steps = _merge_steps(a.get(_HIGHEST, {}), b.get(_HIGHEST, {}))
    return merged | ({_HIGHEST: steps} if steps else {})


def pack_votes(counts: DailyVotes) -> bytes:
    """Pack a history, typically into some 50 bytes."""
    rows = {}
    for community, days in counts.items():
        before, row = 0, []
        for day, votes in days.items():
            row += [day - before, votes]
            before = day
        rows[community] = row
    packed: bytes = msgpack.packb(rows)
    return packed


def unpack_votes(packed: bytes | None) -> DailyVotes:
    """Unpack a history; empty for None."""
    rows = msgpack.unpackb(packed) if packed else {}
    return {
        community: dict(zip(accumulate(row[::2]), row[1::2], strict=True))
        for community, row in rows.items()
    }


def _merge_days(a: Mapping[int, int], b: Mapping[int, int]) -> dict[int, int]:
    days = sorted({*a, *b})[:MAX_VOTE_DAYS]
    return {day: max(a.get(day, 0), b.get(day, 0)) for day in days}


def _merge_steps(a: Mapping[int, int], b: Mapping[int, int]) -> dict[int, int]:
    """Return the times at which a count exceeded all earlier counts."""
    steps, highest = dict[int, int](), 0
    for second in sorted({*a, *b}):
        votes = max(a.get(second, 0), b.get(second, 0))
        if votes > highest and len(steps) < MAX_STEPS:
            steps[second] = highest = votes
    return steps


def _first_reached(counts: DailyVotes, votes: int) -> float | None:
    """Return when a count was first reached; the beginning of the day if only days are stored."""
    steps = [second for second, count in counts.get(_HIGHEST, {}).items() if count >= votes]
    days = [
        (day - _EPOCH) * _DAY_SECONDS
        for community, counted in counts.items()
        for day, count in counted.items()
        if community != _HIGHEST and count >= votes
    ]
    return min(steps or days, default=None)


def _picks_of(sighting: Sighting | Paper) -> Iterable[Pick]:
    if isinstance(sighting, Paper):
        return sighting.picks
    return (sighting.pick,) if sighting.pick else ()
