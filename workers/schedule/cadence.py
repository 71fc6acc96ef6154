"""When a task is due next: pure functions of its state and the time."""

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
"""An upstream that asks for more than a day is asked again after a day."""

FEED_REBUILD_MARGIN: Final = 5 * MINUTE
"""arXiv's feeds are rebuilt at Eastern midnight; this leaves it time to do so."""

LATE_BATCH_WINDOW: Final = 3 * HOUR
"""For so long after Eastern midnight a missing batch is looked for every few minutes."""


def next_run_at(
    task: str, state: TaskState, now: datetime, *, min_wait: Seconds = 0.0, has_more: bool = False
) -> datetime | None:
    """When the task is due after an attempt that left it in this state; None: never again.

    `wait` is how long the upstream asked to be left alone, in seconds; `more`: the run goes on.
    """
    if state.state is TaskStatus.FAILING:
        planned: datetime | None = now + _backoff(task, state.failures)
    elif has_more:
        planned = now
    else:
        planned = _CADENCES[task.partition(":")[0]](task, state, now)
    if planned is None:
        return None
    return max(planned, now + min(timedelta(seconds=min_wait), MAX_WAIT))


def _backoff(task: str, failures: int) -> timedelta:
    """One minute, two, four, … an hour, a tenth more or less; it never gives up."""
    doubled: timedelta = INITIAL_BACKOFF * 2 ** min(max(failures, 1) - 1, 16)
    return min(doubled, MAX_BACKOFF) * (0.9 + 0.2 * _jitter(f"{task} {failures}"))


def _announcements(task: str, state: TaskState, now: datetime) -> datetime:
    """Rest until the next announcement; look for a batch that should be here already."""
    if state.state is TaskStatus.STALE:
        expected = now - newest_announcement(now) < LATE_BATCH_WINDOW
        return now + (10 * MINUTE if expected else HOUR) * (0.9 + 0.2 * _jitter(task))
    return next_announcement(now) + FEED_REBUILD_MARGIN * (1 + _jitter(task))


def _huggingface(task: str, state: TaskState, now: datetime) -> datetime:
    return now + (DAY if task == "hf:recent" else HOUR) * (0.95 + 0.1 * _jitter(task))


def _community(task: str, state: TaskState, now: datetime) -> datetime:
    return now + HOUR * (0.95 + 0.1 * _jitter(task))


def _daily(task: str, state: TaskState, now: datetime) -> datetime:
    return now + DAY


def _oai(task: str, state: TaskState, now: datetime) -> datetime:
    """Daily; soon again where something was missing, to see that it no longer is."""
    pause = 5 * MINUTE if state.state is TaskStatus.STALE else DAY
    return now + pause * (0.95 + 0.1 * _jitter(task))


def _enrich(task: str, state: TaskState, now: datetime) -> datetime:
    return now + 5 * MINUTE


def _websub(task: str, state: TaskState, now: datetime) -> datetime:
    """A look now and then, for news that came while the hub was being told."""
    return now + 5 * MINUTE


def _mail(task: str, state: TaskState, now: datetime) -> datetime:
    """Soon after the day is over, in UTC: the week is over with its last day."""
    midnight = datetime(now.year, now.month, now.day, tzinfo=UTC) + DAY
    return midnight + FEED_REBUILD_MARGIN * (1 + _jitter(task))


def _never_again(task: str, state: TaskState, now: datetime) -> None:
    """Never again."""


def _jitter(text: str) -> float:
    """0 to 1, the same for the same text: neighbours do not all come at once."""
    return zlib.crc32(text.encode()) / 0xFFFF_FFFF


_CADENCES: Final[dict[str, Callable[[str, TaskState, datetime], datetime | None]]] = {
    "announcements": _announcements,
    "hf": _huggingface,
    "community": _community,
    "enrich": _enrich,
    "fill": _never_again,
    "oai": _oai,
    "websub": _websub,
    "mail": _mail,
    "backfill": _never_again,
    "retention": _daily,
    "closing": _daily,
}
"""One line for each kind of task."""
