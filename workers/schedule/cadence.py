"""Cadences: when a task is due next, as pure functions of its state and the time."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from papers.config.settings import Seconds
from papers.model.arxiv_calendar import newest_announcement, next_announcement
from papers.state.task_states import TaskState, TaskStatus

MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)

INITIAL_BACKOFF: Final = MINUTE
MAX_BACKOFF: Final = HOUR
MAX_WAIT: Final = DAY
"""The longest wait that an upstream can impose; if it asks for more, it is polled after a day."""

FEED_REBUILD_MARGIN: Final = 5 * MINUTE
"""arXiv rebuilds its feeds at Eastern midnight; this leaves it time to finish."""

LATE_BATCH_WINDOW: Final = 3 * HOUR
"""How long after Eastern midnight a missing batch is polled for every few minutes."""

Cadence = Callable[[str, TaskState, datetime], datetime | None]
"""`cadence(task, state, now)`: the next run after an attempt that did not fail; None: no more."""


def next_run_at(
    task: str,
    cadence: Cadence,
    state: TaskState,
    now: datetime,
    *,
    min_wait: Seconds = 0.0,
    has_more: bool = False,
    stated: datetime | None = None,
) -> datetime | None:
    """Return when a task is due after an attempt that left it in `state`; None: never again.

    A failing task backs off, whatever its cadence. `min_wait` is how long the upstream asked for
    no further request; `has_more`: the run continues in another attempt, due at once; `stated`:
    what the source itself says, which goes before the cadence.
    """
    if state.state is TaskStatus.FAILING:
        planned: datetime | None = now + _backoff(task, state.failures)
    elif has_more:
        planned = now
    else:
        planned = stated or cadence(task, state, now)
    if planned is None:
        return None
    return max(planned, now + min(timedelta(seconds=min_wait), MAX_WAIT))


def every(interval: timedelta, *, jitter: float = 0.0) -> Cadence:
    """Return a cadence of one run per interval; `jitter`: the share it varies by, up and down."""

    def cadence(task: str, state: TaskState, now: datetime) -> datetime:
        return now + interval * (1 - jitter + 2 * jitter * _jitter(task))

    return cadence


def after_announcement(task: str, state: TaskState, now: datetime) -> datetime:
    """Run after the next announcement; poll for a batch that is overdue."""
    if state.state is TaskStatus.STALE:
        is_expected = now - newest_announcement(now) < LATE_BATCH_WINDOW
        return now + (10 * MINUTE if is_expected else HOUR) * (0.9 + 0.2 * _jitter(task))
    return next_announcement(now) + FEED_REBUILD_MARGIN * (1 + _jitter(task))


def reconciliation(task: str, state: TaskState, now: datetime) -> datetime | None:
    """Run daily; soon again if papers were missing, to verify that they no longer are."""
    interval = 5 * MINUTE if state.state is TaskStatus.STALE else DAY
    return every(interval, jitter=0.05)(task, state, now)


def daily_papers(task: str, state: TaskState, now: datetime) -> datetime | None:
    """Run hourly for today's picks, daily for those of the last days (`hf:recent`)."""
    return every(DAY if task == "hf:recent" else HOUR, jitter=0.05)(task, state, now)


def after_full_hour(task: str, state: TaskState, now: datetime) -> datetime:
    """Run soon after every full hour: what ends with a day is found within minutes."""
    full_hour = now.replace(minute=0, second=0, microsecond=0) + HOUR
    return full_hour + MINUTE * (1 + _jitter(task))


def after_midnight(task: str, state: TaskState, now: datetime) -> datetime:
    """Run soon after the day is over, in UTC; a week is over with its last day."""
    midnight = datetime(now.year, now.month, now.day, tzinfo=UTC) + DAY
    return midnight + FEED_REBUILD_MARGIN * (1 + _jitter(task))


def never_again(task: str, state: TaskState, now: datetime) -> None:
    """Run once: after a success the task is done."""


def _backoff(task: str, failures: int) -> timedelta:
    """One minute, two, four, ... up to an hour, give or take a tenth; it never gives up."""
    doubled: timedelta = INITIAL_BACKOFF * 2 ** min(max(failures, 1) - 1, 16)
    return min(doubled, MAX_BACKOFF) * (0.9 + 0.2 * _jitter(f"{task} {failures}"))


def _jitter(text: str) -> float:
    """0 to 1, always the same for the same text: tasks of one kind do not all run at once."""
    return zlib.crc32(text.encode()) / 0xFFFF_FFFF
