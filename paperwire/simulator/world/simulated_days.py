"""arXiv's calendar for the simulator: days of feeds, and submission windows."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from papers.model.arxiv_calendar import EASTERN, newest_announcement, next_announcement

_DAY: Final = timedelta(days=1)
_SUBMISSION_DEADLINE: Final = time(14)
_FRIDAY: Final = 4


def eastern_day(moment: datetime) -> date:
    """Return the date in Eastern time, which is arXiv's."""
    return moment.astimezone(EASTERN).date()


def eastern_midnight(day: date) -> datetime:
    """Return the start of a day in Eastern time, as announcement feeds write it."""
    return datetime.combine(day, time(), EASTERN)


def is_announcement_day(day: date) -> bool:
    """True if arXiv announces at that day's midnight: Monday to Friday, ignoring holidays."""
    return day.weekday() <= _FRIDAY


def following_announcement_day(day: date) -> date:
    """Return the first announcement day after a day."""
    return eastern_day(next_announcement(eastern_midnight(day)))


def preceding_announcement_day(day: date) -> date:
    """Return the last announcement day before a day."""
    return eastern_day(newest_announcement(eastern_midnight(day - _DAY)))


def submission_window(day: date) -> tuple[datetime, datetime]:
    """Return the two deadlines (14:00 Eastern, aware UTC) that enclose a day's submissions."""
    closing = preceding_announcement_day(day)
    opening = preceding_announcement_day(closing)
    return _submission_deadline(opening), _submission_deadline(closing)


def _submission_deadline(day: date) -> datetime:
    return datetime.combine(day, _SUBMISSION_DEADLINE, EASTERN).astimezone(UTC)
