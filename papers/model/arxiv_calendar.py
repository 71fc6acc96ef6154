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

All that is announced together has one date, and readers that sort by date would mix it. So feeds
(and only feeds) spread it, in order of ids, over the four hours before the Eastern midnight: these
are on the same day in UTC, and begin when arXiv announces (`feed_date`):

| part | ids | microseconds apart |
| --- | --- | --- |
| first half | of the 200 months before that of the announcement, 31 seconds each | 1,000 |
| | of the months before these, one second each | 10 |
| second half | of the announcement's month | 100,000 |
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from papers.model.arxiv_id import ArxivId, month_ordinal

EASTERN: Final = ZoneInfo("America/New_York")
_SUBMISSION_CLOSE: Final = time(14)
_DAY: Final = timedelta(days=1)
_HOUR: Final = 3_600
_FRIDAY: Final = 4

_WINDOW: Final = timedelta(hours=4)
_HALF: Final = 7_200_000_000
"""Microseconds of half the window; so are all numbers here."""
_NUMBER_STEP: Final = 100_000
_RECENT_MONTHS: Final = 200
_RECENT_MONTH: Final = 31_000_000
_RECENT_NUMBERS: Final = 30_000
"""Numbers of a recent month that are a millisecond apart; no month has had as many, and any
beyond are a microsecond apart."""
_PAST_MONTH: Final = 1_000_000
_PAST_NUMBER_STEP: Final = 10
_LATER_MONTHS: Final = 1_200
_LATER_MONTH: Final = 500_000
_LATER_NUMBER_STEP: Final = 5


def announcement_for_submission(submitted: datetime) -> datetime:
    """Return the date of the announcement of a submission: an Eastern midnight, in UTC."""
    return _announcement_for_hour(int(submitted.timestamp()) // _HOUR)


@lru_cache(maxsize=16_384)
def _announcement_for_hour(hour: int) -> datetime:
    """Return the date for a submission in an hour since 1970: submissions close on the hour."""
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


def feed_date(id: ArxivId, moment: datetime) -> datetime:
    """Return the date in feeds of what happened to a paper at `moment`, aware UTC.

    Dates are equal only for equal ids and moments, and never after the moment of an announcement.
    """
    announced = _announcement_window(moment)
    if announced is None:
        whole = moment.astimezone(UTC).replace(microsecond=0)
        return whole + timedelta(microseconds=id.number * _PAST_NUMBER_STEP)
    start, ordinal = announced
    return start + timedelta(microseconds=_offset(ordinal - month_ordinal(id.month), id.number))


def _weekday_on_or_after(day: date) -> date:
    """Return the day, or the following Monday if it is on a weekend."""
    return day + _DAY * (7 - day.weekday()) if day.weekday() > _FRIDAY else day


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), EASTERN).astimezone(UTC)


@lru_cache(maxsize=4_096)
def _announcement_window(moment: datetime) -> tuple[datetime, int] | None:
    """Return the start of an announcement's window and its month; None if `moment` is not one."""
    local = moment.astimezone(EASTERN)
    if local.timetz().replace(tzinfo=None) != time():
        return None
    return moment.astimezone(UTC) - _WINDOW, month_ordinal(local.year * 100 + local.month)


def _offset(months_before: int, number: int) -> int:
    """Return the offset in the window of a paper, by the age of its month and its number."""
    if months_before < 0:  # no such id is announced, but anything can be stated
        later = min(-months_before, _LATER_MONTHS) - _LATER_MONTHS - 1
        return 2 * _HALF + later * _LATER_MONTH + number * _LATER_NUMBER_STEP
    if months_before == 0:
        return _HALF + number * _NUMBER_STEP
    if months_before <= _RECENT_MONTHS:
        usual = min(number, _RECENT_NUMBERS)
        return _HALF - months_before * _RECENT_MONTH + usual * 1_000 + number - usual
    past = (months_before - _RECENT_MONTHS) * _PAST_MONTH
    start = _HALF - _RECENT_MONTHS * _RECENT_MONTH
    return max(0, start - past) + number * _PAST_NUMBER_STEP
