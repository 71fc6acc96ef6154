"""arXiv's weekly schedule: when a submission is announced.

Submissions close at 14:00 US Eastern from Monday to Friday. Those since the previous close are
announced together at 20:00 from Sunday to Thursday, and the feeds carry the Eastern midnight that
follows. Holidays shift this; they are not known here, only from arXiv's announcements themselves.

| submitted (Eastern, from 14:00 to 14:00) | announced | dated |
| --- | --- | --- |
| Monday to Tuesday | Tuesday 20:00 | Wednesday |
| Tuesday to Wednesday | Wednesday 20:00 | Thursday |
| Wednesday to Thursday | Thursday 20:00 | Friday |
| Thursday to Friday | Sunday 20:00 | Monday |
| Friday to Monday | Monday 20:00 | Tuesday |

Source: https://info.arxiv.org/help/availability.html
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

EASTERN: Final = ZoneInfo("America/New_York")
_SUBMISSION_CLOSE: Final = time(14)
_DAY: Final = timedelta(days=1)
_HOUR: Final = 3_600
_FRIDAY: Final = 4


def announcement_for_submission(submitted: datetime) -> datetime:
    """Return the date of the announcement of a submission: an Eastern midnight, in UTC."""
    return _announcement_for_hour(int(submitted.timestamp()) // _HOUR)


@lru_cache(maxsize=16_384)
def _announcement_for_hour(hour: int) -> datetime:
    """Return the same for an hour since 1970, which is enough as submissions close on the hour."""
    local = datetime.fromtimestamp(hour * _HOUR, EASTERN)
    closing = local.date() if local.time() < _SUBMISSION_CLOSE else local.date() + _DAY
    return _midnight(_weekday_on_or_after(_weekday_on_or_after(closing) + _DAY))


def newest_announcement(now: datetime) -> datetime:
    """Return the date of the newest announcement expected by now: an Eastern midnight, in UTC."""
    day = now.astimezone(EASTERN).date()
    return _midnight(day - _DAY * max(0, day.weekday() - _FRIDAY))


def next_announcement(now: datetime) -> datetime:
    """Return the date of the first announcement after `now`: an Eastern midnight, in UTC."""
    return _midnight(_weekday_on_or_after(now.astimezone(EASTERN).date() + _DAY))


def _weekday_on_or_after(day: date) -> date:
    """Return the day, or the following Monday if it is on a weekend."""
    return day + _DAY * (7 - day.weekday()) if day.weekday() > _FRIDAY else day


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), EASTERN).astimezone(UTC)
