"""How many records a day usually brings: what tells a thin answer from a whole one.

Every source can serve a list that is valid, of today, and short of most of its papers. So what
came for a day is held against the same weekday in the four weeks before. A thin day is stale: it
is asked for again, in full, and what the announcements miss is looked for in OAI-PMH; once that
has been over the day, thin is what the day was.

    note the count → usual? → few? → reconciled since? → the part, with what is usual and said
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any, Final

from redis import Redis

from papers.model.arxiv_calendar import newest_announcement
from papers.redis_backend import keys
from papers.redis_backend.connection import store_errors
from papers.state.task_states import SourceStates, State
from workers.sources.result import Fetched
from workers.tasks.reconcile import SETTLED
from workers.tasks.reconcile import TASK as RECONCILIATION

WEEKS: Final = 4
KNOWN: Final = 2
"""Of the four weeks, how many must be known: before, nothing is usual."""

FEWEST: Final = 8
"""Where less than this is usual, a small number says nothing."""

SHARE: Final = 0.5
"""Less than this share of what is usual is few."""

_WEEK: Final = timedelta(weeks=1)
_KEPT: Final = (WEEKS + 1) * _WEEK


def usual(counts: Mapping[date, int], day: date) -> int | None:
    """The median of the same weekday's counts in the four weeks before; None where too few are."""
    before = [counts[then] for n in range(1, WEEKS + 1) if (then := day - n * _WEEK) in counts]
    return int(median(before)) if len(before) >= KNOWN else None


def is_few(got: int, expected: int | None) -> bool:
    """Whether so many records are suspiciously few where `expected` are usual."""
    return expected is not None and expected >= FEWEST and got < SHARE * expected


class Usual:
    """Holds what comes against what is usual. Raises StoreAway."""

    def __init__(self, redis: Redis, states: SourceStates, *, reconciles: bool) -> None:
        self._redis, self._states, self._reconciles = redis, states, reconciles

    def judged(self, task: str, part: Fetched, now: datetime) -> Fetched:
        """A part with what is usual for its day; stale where it is thin and nobody confirms it."""
        if part.counted is None or not part.complete or part.stale:
            return part
        counts = self._noted(task, part.counted, part.got)
        expected = usual(counts, part.counted)
        part = replace(part, usual=expected)
        if not is_few(part.got, expected):
            return part
        weekday = f"{part.counted:%A}"
        said = f"{part.said}: few for a {weekday}, when {expected} are usual"
        if not task.startswith("announcements:"):
            return replace(part, stale=True, said=said)
        if self._reconciled(now):
            return replace(part, said=f"{said}; reconciled with OAI-PMH since")
        self._have_reconciled(now)
        return replace(part, stale=True, said=said)

    def _noted(self, task: str, day: date, got: int) -> dict[date, int]:
        """Every count that is kept, this one included; of a day's counts the highest stays."""
        with store_errors(self._redis):
            text: Any = self._redis.hget(keys.COUNTS, task)
        known = {date.fromisoformat(d): n for d, n in json.loads(text or "{}").items()}
        counts = {d: n for d, n in known.items() if d > day - _KEPT}
        counts[day] = max(got, counts.get(day, 0))
        if counts != known:
            values = json.dumps({str(d): n for d, n in sorted(counts.items())})
            with store_errors(self._redis):
                self._redis.hset(keys.COUNTS, task, values)
        return counts

    def _reconciled(self, now: datetime) -> bool:
        """Whether OAI-PMH was gone through, without an error, after this announcement."""
        state = self._states.get(RECONCILIATION)
        good = state is not None and state.state in (State.OK, State.QUIET)
        return good and state is not None and state.attempted_at >= _settled(now)

    def _have_reconciled(self, now: datetime) -> None:
        """Have OAI-PMH asked as soon as it knows the day; its own back-off goes first."""
        state = self._states.get(RECONCILIATION)
        failing = state is not None and state.state is State.FAILING
        if not self._reconciles or failing:
            return
        wanted = max(now, _settled(now))
        planned = self._states.next_due(RECONCILIATION)
        if planned is None or planned > wanted:
            self._states.make_due(RECONCILIATION, wanted)


def _settled(now: datetime) -> datetime:
    return newest_announcement(now) + SETTLED
