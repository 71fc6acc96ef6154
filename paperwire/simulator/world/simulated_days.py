"""arXiv's calendar as the simulator needs it: which day a feed is of, when its papers came in."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from papers.model.arxiv_calendar import EASTERN, newest_announcement, next_announcement

_DAY: Final = timedelta(days=1)
_CLOSE: Final = time(14)
_FRIDAY: Final = 4


def eastern_day(moment: datetime) -> date:
    """The day it is at arXiv."""
    return moment.astimezone(EASTERN).date()


def midnight(day: date) -> datetime:
    """The Eastern midnight that begins a day, in Eastern time as announcement feeds write it."""
    return datetime.combine(day, time(), EASTERN)


def announces(day: date) -> bool:
    """Whether arXiv announces at that day's midnight: Monday to Friday; holidays are not known."""
    return day.weekday() <= _FRIDAY


def day_after(day: date) -> date:
    """The first announcement day after a day."""
    return eastern_day(next_announcement(midnight(day)))


def day_before(day: date) -> date:
    """The last announcement day before a day."""
    return eastern_day(newest_announcement(midnight(day - _DAY)))


def submission_window(day: date) -> tuple[datetime, datetime]:
    """From which close to which (14:00 Eastern, aware UTC) the papers of a day were submitted."""
    closing = day_before(day)
    opening = day_before(closing)
    return _close(opening), _close(closing)


def _close(day: date) -> datetime:
    return datetime.combine(day, _CLOSE, EASTERN).astimezone(UTC)
