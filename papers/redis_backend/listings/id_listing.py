"""The list of all ids, newest first, a page at a time.

A month has up to 30,000 ids, and a page a few: the numbers of the months that were read last are
kept, for as long as the month is not written to.
"""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_left
from typing import Any, Final, NamedTuple

from cachetools import LRUCache
from redis import Redis

from papers.model.arxiv_id import ArxivId
from papers.redis_backend import keys
from papers.redis_backend.months import stored_months

MAX_CACHED_MONTHS: Final = 8


class _MonthNumbers(NamedTuple):
    """The numbers of a month, rising, and the state of the month they were read in."""

    state: list[Any]
    numbers: array[int]


class IdListing:
    """The ids of one Redis; threads share it. Raises redis-py's errors."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._lock = threading.Lock()
        self._known: LRUCache[str, _MonthNumbers] = LRUCache(MAX_CACHED_MONTHS)

    def read(self, before: ArxivId | None, limit: int) -> list[ArxivId]:
        """Return the first `limit` ids that are stored, newest first, or those after one."""
        found = list[ArxivId]()
        for yymm, month in reversed(stored_months(self._redis)):
            if before and month > before.month:
                continue
            numbers = self._numbers(yymm)
            is_first = before is not None and month == before.month
            end = bisect_left(numbers, before.number) if before and is_first else len(numbers)
            start = max(0, end - limit + len(found))
            found += [ArxivId(month, number) for number in reversed(numbers[start:end])]
            if len(found) == limit:
                break
        return found

    def _numbers(self, yymm: str) -> array[int]:
        """Return the numbers of a month, read again if there was a transaction on it."""
        with self._lock:
            known = self._known.get(yymm)
        if known and known.state == self._read(yymm):
            return known.numbers
        *state, fields = self._read(yymm, with_fields=True)
        numbers = array("H", sorted(map(keys.paper_number, fields)))
        with self._lock:
            self._known[yymm] = _MonthNumbers(state, numbers)
        return numbers

    def _read(self, yymm: str, *, with_fields: bool = False) -> list[Any]:
        """Return the revision and size of a month, and its fields, all of one moment."""
        with self._redis.pipeline() as pipe:
            pipe.get(keys.segment_revision(yymm))
            pipe.hlen(keys.month_papers(yymm))
            if with_fields:
                pipe.hkeys(keys.month_papers(yymm))
            return pipe.execute()
