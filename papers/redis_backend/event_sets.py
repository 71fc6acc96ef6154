"""Sorted sets of events: papers, or versions of papers, scored by the second of the event.

A member is six bytes, a doc id and a version, so that members of one second are in order of id and
tens of thousands are decoded together. A sorted set may hold events that no longer apply: readers
check the papers.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from math import ceil
from typing import Any, Final, NamedTuple

from pyroaring import BitMap
from redis import Redis

from papers.model.arxiv_id import ArxivId
from papers.model.dates import to_epoch
from papers.model.events import EventKind, EventRef, PaperEvent
from papers.redis_backend import keys

EVENT_KEYS: Final = {
    EventKind.REVISED: keys.REVISED_EVENTS,
    EventKind.WITHDRAWN: keys.WITHDRAWN_EVENTS,
    EventKind.CODED: keys.CODED_EVENTS,
}
"""The sorted set of each indexed kind."""

_MEMBER: Final = struct.Struct(">IH")
MAX_VERSION: Final = 0xFFFF
FIRST_WINDOW: Final = 256
_LATER_WINDOW: Final = 16_384
"""The number of events in the first window, and in each later one."""
_BATCH_SIZE: Final = 10_000
_DAY_SECONDS: Final = 86_400
_FRACTIONS: Final = 1_000
"""Papers that join a list together differ by fractions of a second, in their order."""
_CROWDED_SECONDS: Final = 60
"""How far beyond the time papers may be dated that join at once; a clock was wrong beyond that."""


class SecondsRange(NamedTuple):
    """The lowest and highest score to read, in seconds since 1970; infinite if open."""

    first: float = float("-inf")
    last: float = float("inf")


def encode_member(doc_id: int, version: int = 0) -> bytes:
    """Return the member of an event."""
    return _MEMBER.pack(doc_id, min(version, MAX_VERSION))


def decode_members(rows: Iterable[Any]) -> list[EventRef]:
    """Return the events of members with their scores."""
    unpack = _MEMBER.unpack
    return [EventRef._make((*unpack(member), seconds)) for member, seconds in rows]


def join_scores(
    redis: Redis, key: str, ids: Sequence[ArxivId], now: datetime
) -> dict[bytes, float]:
    """Return member and score of each paper that joins a list; the first has the highest.

    They are above those that joined earlier in this second, so that no two have one date.
    """
    newest: Any = redis.zrevrange(key, 0, 0, withscores=True) if ids else []
    steps, start = max(_FRACTIONS, len(ids) + 1), float(to_epoch(now))
    for _, score in newest:
        if start <= score < start + _CROWDED_SECONDS:
            start = ceil(score * _FRACTIONS) / _FRACTIONS
    return {
        encode_member(id.doc_id): start + (len(ids) - place) / steps for place, id in enumerate(ids)
    }


def event_rank(redis: Redis, key: str, ref: tuple[int, int], seconds: SecondsRange) -> int | None:
    """Return how many events of the range come before the page behind an event, newest first.

    `ref` is a doc id and a version. None if there is no such event.
    """
    with redis.pipeline(transaction=False) as pipe:
        pipe.zrevrank(key, encode_member(*ref))
        pipe.zcount(key, f"({seconds.last}", "+inf")
        rank, newer = pipe.execute()
    return None if rank is None else max(int(rank) + 1 - int(newer), 0)


class EventWindows:
    """Reads the events of a range in windows: newest first, or from a rank towards newer ones.

    The first window is small, as most searches need no more. Later ones are large; of these only
    the events of papers that are known to match are decoded.
    """

    def __init__(
        self, redis: Redis, key: str, seconds: SecondsRange, rank: int, *, descending: bool
    ) -> None:
        self._redis, self._key, self._seconds = redis, key, seconds
        self._rank, self._descending = rank, descending
        self._size = FIRST_WINDOW

    def next_window(self, among: BitMap | None = None) -> list[EventRef] | None:
        """Return the next events, of papers `among` some doc ids; None at the end."""
        start = self._rank if self._descending else max(self._rank - self._size, 0)
        count = self._size if self._descending else self._rank - start
        members: Any = count and self._redis.zrevrangebyscore(
            self._key, self._seconds.last, self._seconds.first, start=start, num=count
        )
        if not members:
            return None
        self._rank = start + len(members) if self._descending else start
        self._size = _LATER_WINDOW
        if among is not None:
            doc_ids = (doc_id for doc_id, _ in _MEMBER.iter_unpack(b"".join(members)))
            members = [m for m, id in zip(members, doc_ids, strict=True) if id in among]
        return self._with_scores(members if self._descending else members[::-1])

    def _with_scores(self, members: list[Any]) -> list[EventRef]:
        scores: Any = self._redis.zmscore(self._key, members) if members else []
        rows = zip(members, scores, strict=True)
        return decode_members((member, at) for member, at in rows if at is not None)


def remove_papers_of_months(redis: Redis, key: str, months: Iterable[int]) -> None:
    """Remove the events of papers of some months (YYYYMM)."""
    removed, start = {*months}, 0
    rows: Any
    while rows := redis.zrange(key, start, start + _BATCH_SIZE - 1, withscores=True):
        refs = decode_members(rows)
        gone = [encode_member(ref.doc_id, ref.version) for ref in refs if ref.id.month in removed]
        if gone:
            redis.zrem(key, *gone)
        start += len(refs) - len(gone)


def open_index(redis: Redis, now: datetime) -> None:
    """Start the index of events at the beginning of this day, unless it was started before."""
    redis.set(keys.EVENTS_SINCE, to_epoch(now) // _DAY_SECONDS * _DAY_SECONDS, nx=True)


def index_events(redis: Redis, events: Iterable[tuple[ArxivId, PaperEvent]]) -> None:
    """Index events of papers, except those from before the first ingest."""
    rows = [(id.doc_id, event) for id, event in events]
    since = first_second(redis) if rows else None
    if since is None:
        return
    scores = defaultdict[str, dict[bytes, int]](dict)
    for doc_id, event in rows:
        if event.second >= since:
            member = encode_member(doc_id, event.version)
            scores[EVENT_KEYS[event.kind]][member] = event.second
    if scores:
        with redis.pipeline(transaction=False) as pipe:
            for key, mapping in scores.items():
                pipe.zadd(key, mapping)
            pipe.execute()


def first_second(redis: Redis) -> int | None:
    """Return the second from which on events are indexed; None before the first ingest."""
    stored: Any = redis.get(keys.EVENTS_SINCE)
    return None if stored is None else int(stored)
