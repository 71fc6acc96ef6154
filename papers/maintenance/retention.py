"""How long papers are kept: whole months go, oldest first, each in one stroke.

    WATCH the month's count of transactions
    take its papers out of what lies outside the month: picks, papers waiting for a description
    MULTI unlink papers and postings, move the count EXEC: a writer at work there begins again
    sweep the spread of words, once for all months that went
    take their names out of the list of months, unless somebody has written there meanwhile

Postings that lie with those of the year count no more from then on, and go when the year is closed
anew (`papers.index.compaction.compactor`) or has no other months. Killed anywhere, the next run
finds the names and finishes it. The count itself stays: who remembers one must see that it moved.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from redis import Redis
from redis.exceptions import WatchError

from papers.errors import StoreBusy
from papers.index.layout import MONTHS_PER_YEAR, SegmentLayout
from papers.index.postings import COMPACTED, LAYOUT_FIELD
from papers.index.term_months import TermMonths
from papers.model.arxiv_id import ArxivId
from papers.redis_backend import keys
from papers.redis_backend.connection import RedisCommand, read_many, translate_store_errors
from papers.redis_backend.months import stored_months
from papers.redis_backend.revision import bump_revision

MAX_ATTEMPTS: Final = 50


@dataclass(frozen=True, slots=True)
class RemovalResult:
    """What went: months (YYYYMM) that held papers, and how many papers those were."""

    months: tuple[int, ...]
    papers: int


def first_kept_month(keep_months: int, now: datetime) -> int:
    """The first month (YYYYMM) of so many, this one included; 0 where all are kept.

    What is said of a paper of an earlier month is passed over: it would bring its month back.
    """
    if not keep_months:
        return 0
    months = now.year * 12 + now.month - keep_months
    return months // 12 * 100 + months % 12 + 1


class Retention:
    """Removes months from one Redis. Raises StoreAway, StoreBusy."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def remove_before(self, first: int, *, now: datetime) -> RemovalResult:
        """Remove every month before that one (YYYYMM)."""
        with translate_store_errors(self._redis):
            months = stored_months(self._redis, before=first)
            if not months:
                return RemovalResult((), 0)
            token = uuid4().hex
            self._redis.zadd(keys.PENDING_INGESTS, {token: now.timestamp()})
            counts = {month: self._retry(self._delete_month, yymm, month) for yymm, month in months}
            TermMonths(self._redis).remove_months(counts)
            for yymm, month in months:
                self._retry(self._delist_month, yymm, month)
            with self._redis.pipeline(transaction=False) as pipe:
                bump_revision(pipe)
                pipe.zrem(keys.PENDING_INGESTS, token)
                pipe.execute()
            held = tuple(month for month, count in counts.items() if count)
            return RemovalResult(held, sum(counts.values()))

    def _retry(self, step: Callable[[str, int], int], yymm: str, month: int) -> int:
        for _ in range(MAX_ATTEMPTS):
            with contextlib.suppress(WatchError):
                return step(yymm, month)
        raise StoreBusy(f"month {yymm}: it is written to all the time; it goes another day")

    def _delete_month(self, yymm: str, month: int) -> int:
        """Remove a month's papers; how many there were."""
        year = yymm[:2]
        with self._redis.pipeline() as pipe:
            pipe.watch(keys.segment_revision(yymm), keys.segment_revision(year))  # type: ignore[no-untyped-call]
            fields: Any = pipe.hkeys(keys.month_papers(yymm))
            numbers = (int.from_bytes(field, "big") for field in fields)
            shape: Any = pipe.hget(keys.segment_postings(year), LAYOUT_FIELD)
            closed = self._compacted_months(year)
            self._delete_references(yymm, [str(ArxivId(month, number)) for number in numbers])
            pipe.multi()
            pipe.unlink(keys.month_papers(yymm), keys.segment_postings(yymm))
            pipe.incr(keys.segment_revision(yymm))
            if closed == {yymm}:
                pipe.unlink(keys.segment_postings(year))
                pipe.incr(keys.segment_revision(year))
            elif yymm in closed:
                pipe.hset(
                    keys.segment_postings(year),
                    LAYOUT_FIELD,
                    SegmentLayout.unpack(shape).without_month(month).pack(),
                )
                pipe.incr(keys.segment_revision(year))
            pipe.execute()
            return len(fields)

    def _compacted_months(self, year: str) -> set[str]:
        """The months whose postings lie with their year's."""
        months = [f"{year}{month:02}" for month in range(1, MONTHS_PER_YEAR + 1)]
        asked: list[RedisCommand] = [
            ("HGET", keys.segment_postings(month), LAYOUT_FIELD) for month in months
        ]
        shapes = zip(months, read_many(self._redis, asked), strict=True)
        return {month for month, shape in shapes if shape == COMPACTED}

    def _delete_references(self, yymm: str, ids: Sequence[str]) -> None:
        if ids:
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.unlink(keys.month_votes(yymm))
                pipe.zrem(keys.PICKS, *ids)
                pipe.srem(keys.UNDESCRIBED, *ids)
                pipe.execute()

    def _delist_month(self, yymm: str, month: int) -> int:
        """Forget a month's name, unless it is written to again.

        A writer names its month before it writes: one at work now has to begin again.
        """
        with self._redis.pipeline() as pipe:
            pipe.watch(keys.segment_revision(yymm))  # type: ignore[no-untyped-call]
            if pipe.exists(keys.month_papers(yymm)):
                return 0
            self._redis.zrem(keys.MONTHS, yymm)
            pipe.multi()
            pipe.incr(keys.segment_revision(yymm))
            try:
                pipe.execute()
            except WatchError:
                self._redis.zadd(keys.MONTHS, {yymm: month})
                raise
            return 1
