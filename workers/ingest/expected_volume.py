"""Expected record counts per day: distinguishes a thin result from a complete one.

Every source can serve a list that is valid, of today, and lacks most of its papers. So a day's
count is compared with the same weekday in the four weeks before. A thin day is stale: it is fetched
again, in full, and what the announcements miss is harvested from OAI-PMH. Once that has covered the
day, the thin count is accepted.

    save the count → expected count → too low? → reconciled since? → the annotated result
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
from papers.redis_backend.connection import translate_store_errors
from papers.state.task_states import TaskStates, TaskStatus
from workers.sources.result import FetchResult
from workers.tasks.reconcile import ANNOUNCEMENT_SETTLE_TIME
from workers.tasks.reconcile import RECONCILE_TASK as RECONCILIATION

WINDOW_WEEKS: Final = 4
MIN_KNOWN_WEEKS: Final = 2
"""Known weeks of the four that are needed to expect a count."""

MIN_EXPECTED_COUNT: Final = 8
"""If fewer are expected, a low count is not significant."""

LOW_COUNT_RATIO: Final = 0.5
"""A count below this share of the expected one is low."""

_WEEK: Final = timedelta(weeks=1)
_HISTORY: Final = (WINDOW_WEEKS + 1) * _WEEK


def expected_count(counts: Mapping[date, int], day: date) -> int | None:
    """Return the median of the same weekday's counts in the four weeks before; None if too few."""
    before = [
        counts[then] for n in range(1, WINDOW_WEEKS + 1) if (then := day - n * _WEEK) in counts
    ]
    return int(median(before)) if len(before) >= MIN_KNOWN_WEEKS else None


def is_below_expected(count: int, expected: int | None) -> bool:
    """True if the count is suspiciously low compared with the expected one."""
    return (
        expected is not None
        and expected >= MIN_EXPECTED_COUNT
        and count < LOW_COUNT_RATIO * expected
    )


class VolumeCheck:
    """Compares results with the expected counts. Raises StoreUnavailable."""

    def __init__(self, redis: Redis, states: TaskStates, *, can_reconcile: bool) -> None:
        self._redis, self._states, self._can_reconcile = redis, states, can_reconcile

    def assess(
        self, task: str, result: FetchResult, now: datetime, *, confirmed_by_oai: bool = False
    ) -> FetchResult:
        """Return the result with its expected count; stale if it is thin and not confirmed.

        `confirmed_by_oai`: a reconciliation with OAI-PMH can confirm a thin day of this task.
        """
        if result.counted_day is None or not result.complete or result.stale:
            return result
        counts = self._record_count(task, result.counted_day, result.record_count)
        expected = expected_count(counts, result.counted_day)
        result = replace(result, expected_count=expected)
        if not is_below_expected(result.record_count, expected):
            return result
        weekday = f"{result.counted_day:%A}"
        message = f"{result.message}: few for a {weekday}, when {expected} are usual"
        if not confirmed_by_oai:
            return replace(result, stale=True, message=message, next_at=None)
        if self._was_reconciled(now):
            return replace(result, message=f"{message}; reconciled with OAI-PMH since")
        self._request_reconciliation(now)
        return replace(result, stale=True, message=message, next_at=None)

    def _record_count(self, task: str, day: date, count: int) -> dict[date, int]:
        """Save a day's count, the highest of several; return the counts of the last weeks."""
        with translate_store_errors(self._redis):
            text: Any = self._redis.hget(keys.RECORD_COUNTS, task)
        stored = {date.fromisoformat(d): n for d, n in json.loads(text or "{}").items()}
        counts = {d: n for d, n in stored.items() if d > day - _HISTORY}
        counts[day] = max(count, counts.get(day, 0))
        if counts != stored:
            values = json.dumps({str(d): n for d, n in sorted(counts.items())})
            with translate_store_errors(self._redis):
                self._redis.hset(keys.RECORD_COUNTS, task, values)
        return counts

    def _was_reconciled(self, now: datetime) -> bool:
        """True if OAI-PMH was reconciled without an error after this announcement."""
        state = self._states.get(RECONCILIATION)
        good = state is not None and state.state in (TaskStatus.OK, TaskStatus.QUIET)
        return good and state is not None and state.attempted_at >= _settled_at(now)

    def _request_reconciliation(self, now: datetime) -> None:
        """Schedule a reconciliation as soon as OAI-PMH has the day, unless it is backing off."""
        state = self._states.get(RECONCILIATION)
        failing = state is not None and state.state is TaskStatus.FAILING
        if not self._can_reconcile or failing:
            return
        wanted = max(now, _settled_at(now))
        planned = self._states.due_time(RECONCILIATION)
        if planned is None or planned > wanted:
            self._states.schedule(RECONCILIATION, wanted)


def _settled_at(now: datetime) -> datetime:
    return newest_announcement(now) + ANNOUNCEMENT_SETTLE_TIME
