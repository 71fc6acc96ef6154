"""When arXiv's announcements were there: learnt from the last ones of each weekday.

The feeds carry Eastern midnight as their date and are built minutes to hours later. What is kept
per weekday are the seconds from midnight to the first request that found the batch; and which
category had most announcements, that looks out for the next batch.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from redis import Redis

from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors

MAX_SAMPLES: Final = 8
"""Announcements remembered per weekday: two months."""

_NEWEST_DAY: Final = "day"
_MISSING_AT: Final = "missing"
_BUSIEST: Final = "busiest"
_SIZE: Final = "size:"


class AnnouncementTimes:
    """Times of announcements, in Redis. Raises StoreUnavailable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def delays(self) -> Mapping[int, tuple[float, ...]]:
        """Return the seconds from midnight by weekday (0: Monday), oldest first."""
        return {
            int(field): tuple(json.loads(value))
            for field, value in self._all().items()
            if field.isdigit()
        }

    def busiest(self) -> str:
        """Return the busiest category when the newest batch was found; "" before the first."""
        return self._all().get(_BUSIEST, "")

    def note_size(self, category: str, count: int) -> None:
        """Note the number of announcements of a category's batch."""
        with translate_store_errors(self._redis):
            self._redis.hset(keys.ANNOUNCEMENT_TIMES, f"{_SIZE}{category}", count)

    def add(self, day: date, seconds: float, candidates: Iterable[str]) -> bool:
        """Note how long after midnight a day's batch was there. False if that is known already.

        The busiest of the candidates, which are categories, is the busiest from now on.
        """
        stored = self._all()
        if stored.get(_NEWEST_DAY, "") >= day.isoformat():
            return False
        weekday = str(day.weekday())
        samples = [*json.loads(stored.get(weekday, "[]")), round(seconds, 1)][-MAX_SAMPLES:]
        busiest = max(candidates, key=lambda name: int(stored.get(f"{_SIZE}{name}", 0)), default="")
        fields = [weekday, json.dumps(samples), _NEWEST_DAY, day.isoformat(), _BUSIEST, busiest]
        with translate_store_errors(self._redis):
            self._redis.hset(keys.ANNOUNCEMENT_TIMES, items=fields)
        return True

    def note_missing(self, now: datetime) -> None:
        """Note that a request did not find the batch that is due."""
        with translate_store_errors(self._redis):
            self._redis.hset(keys.ANNOUNCEMENT_TIMES, _MISSING_AT, str(now.timestamp()))

    def missing_at(self) -> datetime | None:
        """Return when a request last did not find a batch that was due."""
        stored = self._all().get(_MISSING_AT)
        return datetime.fromtimestamp(float(stored), UTC) if stored else None

    def _all(self) -> dict[str, str]:
        with translate_store_errors(self._redis):
            stored: Any = self._redis.hgetall(keys.ANNOUNCEMENT_TIMES)
        return {field.decode(): value.decode() for field, value in stored.items()}
