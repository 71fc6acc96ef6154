"""The months of the store, from the sorted set `months`."""

from __future__ import annotations

from typing import Any, NamedTuple

from redis import Redis

from papers.redis_backend import keys


class StoredMonth(NamedTuple):
    """A month that may hold papers: the four digits of its ids, and YYYYMM."""

    yymm: str
    month: int


def stored_months(redis: Redis, before: int | None = None) -> list[StoredMonth]:
    """Return the months that may hold papers, oldest first; only those before `before` (YYYYMM)."""
    end = "+inf" if before is None else f"({before}"
    members: Any = redis.zrangebyscore(keys.MONTHS, "-inf", end, withscores=True)
    return [StoredMonth(yymm.decode(), int(month)) for yymm, month in members]
