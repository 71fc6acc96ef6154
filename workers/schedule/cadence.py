"""When a task is due next: pure functions of its state and the time."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from papers.config.settings import Seconds
from papers.model.arxiv_calendar import newest_announcement, next_announcement
from papers.state.task_states import SourceState, State

MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)

FIRST_BACKOFF: Final = MINUTE
LONGEST_BACKOFF: Final = HOUR
LONGEST_WAIT: Final = DAY
"""An upstream that asks for more than a day is asked again after a day."""

FEED_BUILT: Final = 5 * MINUTE
"""arXiv's feeds are rebuilt at Eastern midnight; this leaves it time to do so."""

EXPECTED_FOR: Final = 3 * HOUR
"""For so long after Eastern midnight a missing batch is looked for every few minutes."""


def next_time(
    task: str, state: SourceState, now: datetime, *, wait: Seconds = 0.0, more: bool = False
) -> datetime | None:
    """When the task is due after an attempt that left it in this state; None: never again.

    `wait` is how long the upstream asked to be left alone, in seconds; `more`: the run goes on.
    """
    if state.state is State.FAILING:
        planned: datetime | None = now + _backoff(task, state.failures)
    elif more:
        planned = now
    else:
        planned = _CADENCES[task.partition(":")[0]](task, state, now)
    if planned is None:
        return None
    return max(planned, now + min(timedelta(seconds=wait), LONGEST_WAIT))


def _backoff(task: str, failures: int) -> timedelta:
    """One minute, two, four, … an hour, a tenth more or less; it never gives up."""
    doubled: timedelta = FIRST_BACKOFF * 2 ** min(max(failures, 1) - 1, 16)
    return min(doubled, LONGEST_BACKOFF) * (0.9 + 0.2 * _spread(f"{task} {failures}"))


def _announcements(task: str, state: SourceState, now: datetime) -> datetime:
    """Rest until the next announcement; look for a batch that should be here already."""
    if state.state is State.STALE:
        expected = now - newest_announcement(now) < EXPECTED_FOR
        return now + (10 * MINUTE if expected else HOUR) * (0.9 + 0.2 * _spread(task))
    return next_announcement(now) + FEED_BUILT * (1 + _spread(task))


def _huggingface(task: str, state: SourceState, now: datetime) -> datetime:
    return now + (DAY if task == "hf:recent" else HOUR) * (0.95 + 0.1 * _spread(task))


def _community(task: str, state: SourceState, now: datetime) -> datetime:
    return now + HOUR * (0.95 + 0.1 * _spread(task))


def _daily(task: str, state: SourceState, now: datetime) -> datetime:
    return now + DAY


def _oai(task: str, state: SourceState, now: datetime) -> datetime:
    """Daily; soon again where something was missing, to see that it no longer is."""
    pause = 5 * MINUTE if state.state is State.STALE else DAY
    return now + pause * (0.95 + 0.1 * _spread(task))


def _enrich(task: str, state: SourceState, now: datetime) -> datetime:
    return now + 5 * MINUTE


def _websub(task: str, state: SourceState, now: datetime) -> datetime:
    """A look now and then, for news that came while the hub was being told."""
    return now + 5 * MINUTE


def _mail(task: str, state: SourceState, now: datetime) -> datetime:
    """Soon after the day is over, in UTC: the week is over with its last day."""
    midnight = datetime(now.year, now.month, now.day, tzinfo=UTC) + DAY
    return midnight + FEED_BUILT * (1 + _spread(task))


def _once(task: str, state: SourceState, now: datetime) -> None:
    """Never again."""


def _spread(text: str) -> float:
    """0 to 1, the same for the same text: neighbours do not all come at once."""
    return zlib.crc32(text.encode()) / 0xFFFF_FFFF


_CADENCES: Final[dict[str, Callable[[str, SourceState, datetime], datetime | None]]] = {
    "announcements": _announcements,
    "hf": _huggingface,
    "community": _community,
    "enrich": _enrich,
    "fill": _once,
    "oai": _oai,
    "websub": _websub,
    "mail": _mail,
    "backfill": _once,
    "retention": _daily,
    "closing": _daily,
}
"""One line for each kind of task."""
