"""Retention: whole months are removed, oldest first, each in one transaction.

    WATCH the month's revision
    remove its papers from the keys outside the month: picks, papers waiting for a description
    MULTI unlink papers and postings, move the revision EXEC: a concurrent writer starts again
    remove the months from the term dictionary and from the index of events, once for all of them
    remove their names from the list of months, unless a writer has come back to them

Postings in a compacted year are ignored from then on; they disappear when the year is compacted
again (`papers.index.compaction.compactor`) or has no other months. If this is killed anywhere, the
next run finds the names and finishes. The revision itself stays: a process that cached one must see
that it has moved.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
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
from papers.redis_backend.listings.changed_papers import ChangedPapers
from papers.redis_backend.listings.event_sets import EVENT_KEYS, remove_papers_of_months
from papers.redis_backend.months import stored_months
from papers.redis_backend.revision import bump_revision

MAX_ATTEMPTS: Final = 50


@dataclass(frozen=True, slots=True)
class RemovalResult:
    """The removed months (YYYYMM) that held papers, and the number of their papers."""

    months: tuple[int, ...]
    papers: int


def first_kept_month(keep_months: int, now: datetime) -> int:
    """Return the first of the months (YYYYMM) to keep, the current one included; 0 to keep all.

    Ingests skip papers of earlier months: they would bring their month back.
    """
    if not keep_months:
        return 0
    months = now.year * 12 + now.month - keep_months
    return months // 12 * 100 + months % 12 + 1


class Retention:
    """Removes months from one Redis. Raises StoreUnavailable, StoreBusy."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._changed_papers = ChangedPapers(redis)

    def remove_before(self, first: int, *, now: datetime) -> RemovalResult:
        """Remove every month before `first` (YYYYMM)."""
        with translate_store_errors(self._redis):
            months = stored_months(self._redis, before=first)
            if not months:
                return RemovalResult((), 0)
            token = uuid4().hex
            self._redis.zadd(keys.PENDING_INGESTS, {token: now.timestamp()})
            counts = {
                month: self._retry(partial(self._delete_month, now=now), yymm, month)
                for yymm, month in months
            }
            TermMonths(self._redis).remove_months(counts)
            for key in EVENT_KEYS.values():
                remove_papers_of_months(self._redis, key, counts)
            for yymm, month in months:
                self._retry(self._delist_month, yymm, month)
            with self._redis.pipeline(transaction=False) as pipe:
                bump_revision(pipe)
                pipe.zrem(keys.PENDING_INGESTS, token)
                pipe.execute()
            for yymm, _ in months:
                self._changed_papers.move_noted(_note_name(yymm), now)
            removed = tuple(month for month, count in counts.items() if count)
            return RemovalResult(removed, sum(counts.values()))

    def _retry(self, step: Callable[[str, int], int], yymm: str, month: int) -> int:
        for _ in range(MAX_ATTEMPTS):
            with contextlib.suppress(WatchError):
                return step(yymm, month)
        raise StoreBusy(f"month {yymm} is being written to; it will be removed another day")

    def _delete_month(self, yymm: str, month: int, *, now: datetime) -> int:
        """Remove a month's papers and return how many there were."""
        year = yymm[:2]
        with self._redis.pipeline() as pipe:
            pipe.watch(keys.segment_revision(yymm), keys.segment_revision(year))  # type: ignore[no-untyped-call]
            fields: Any = pipe.hkeys(keys.month_papers(yymm))
            ids = [ArxivId(month, keys.paper_number(field)) for field in fields]
            if ids:
                self._changed_papers.note_pending(self._redis, _note_name(yymm), ids, now)
            layout: Any = pipe.hget(keys.segment_postings(year), LAYOUT_FIELD)
            compacted = self._compacted_months(year)
            self._delete_references(yymm, [*map(str, ids)])
            pipe.multi()
            pipe.unlink(keys.month_papers(yymm), keys.segment_postings(yymm))
            pipe.incr(keys.segment_revision(yymm))
            if compacted == {yymm}:
                pipe.unlink(keys.segment_postings(year))
                pipe.incr(keys.segment_revision(year))
            elif yymm in compacted:
                remaining = SegmentLayout.unpack(layout).without_month(month)
                pipe.hset(keys.segment_postings(year), LAYOUT_FIELD, remaining.pack())
                pipe.incr(keys.segment_revision(year))
            pipe.execute()
            return len(fields)

    def _compacted_months(self, year: str) -> set[str]:
        """Return the months (YYMM) of a year (YY) whose postings are in the year's segment."""
        months = [f"{year}{month:02}" for month in range(1, MONTHS_PER_YEAR + 1)]
        commands: list[RedisCommand] = [
            ("HGET", keys.segment_postings(month), LAYOUT_FIELD) for month in months
        ]
        layouts = zip(months, read_many(self._redis, commands), strict=True)
        return {month for month, layout in layouts if layout == COMPACTED}

    def _delete_references(self, yymm: str, ids: Sequence[str]) -> None:
        if ids:
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.unlink(keys.month_votes(yymm))
                pipe.zrem(keys.PICKS, *ids)
                pipe.srem(keys.UNDESCRIBED, *ids)
                pipe.execute()

    def _delist_month(self, yymm: str, month: int) -> int:
        """Remove a month from the list of months, unless it has papers again.

        A writer adds its month to the list before it writes: a concurrent one has to start again.
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


def _note_name(yymm: str) -> str:
    """Return the token under which the papers of a month that is removed are noted."""
    return f"retention:{yymm}"
