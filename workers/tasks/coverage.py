"""Coverage: the span for which the store has all of arXiv, by backfills of every set.

A keyword that is new within this span finds its past in the store: its initial fetch would bring
nothing. The span is one of datestamps, which are of the last change of a paper: it has every paper
that appeared in it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from redis import Redis

from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors

PAST: Final = timedelta(days=365)
"""How far back the papers of a new keyword are to reach."""
MAX_AGE: Final = timedelta(days=14)
"""How old the end of the span may be: newer papers come with the announcements."""
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Datestamps from `since` to `until`."""

    since: date
    until: date

    def holds_past(self, first: date, now: datetime) -> bool:
        """Return whether a new keyword finds its past, which begins on `first`."""
        return self.since <= first + MAX_AGE and self.until >= now.date() - MAX_AGE

    def united(self, other: Coverage) -> Coverage:
        """Return the span of both; the later one if there is a gap between them."""
        first, last = sorted((self, other), key=lambda span: span.until)
        touches = last.since <= first.until + _DAY
        return Coverage(min(first.since, last.since), last.until) if touches else last


class CoverageRecord:
    """The coverage of one store. Raises StoreUnavailable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def get(self) -> Coverage | None:
        """Return the span, None if all of arXiv was never fetched."""
        with translate_store_errors(self._redis):
            stored: Any = self._redis.get(keys.COVERAGE)
        if not stored:
            return None
        values = json.loads(stored)
        return Coverage(*(date.fromisoformat(values[name]) for name in ("since", "until")))

    def add(self, span: Coverage) -> None:
        """Add a span that a backfill of everything has completed."""
        known = self.get()
        whole = known.united(span) if known else span
        values = {"since": whole.since.isoformat(), "until": whole.until.isoformat()}
        with translate_store_errors(self._redis):
            self._redis.set(keys.COVERAGE, json.dumps(values))
