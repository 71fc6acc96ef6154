from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.model.arxiv_calendar import (
    EASTERN,
    announcement_for_submission,
    newest_announcement,
    next_announcement,
)


def eastern(day: str, clock: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=EASTERN).astimezone(UTC)


# (day and time of submission, Eastern; date of the announcement, UTC); 2026-11-16 is a Monday
WEEK = [
    ("2026-11-16", "13:59:59", "2026-11-17T05:00"),
    ("2026-11-16", "14:00", "2026-11-18T05:00"),
    ("2026-11-17", "13:59", "2026-11-18T05:00"),
    ("2026-11-17", "14:00", "2026-11-19T05:00"),
    ("2026-11-18", "14:00", "2026-11-20T05:00"),
    ("2026-11-19", "13:59", "2026-11-20T05:00"),
    ("2026-11-19", "14:00", "2026-11-23T05:00"),
    ("2026-11-20", "13:59", "2026-11-23T05:00"),
    ("2026-11-20", "14:00", "2026-11-24T05:00"),
    ("2026-11-21", "09:00", "2026-11-24T05:00"),
    ("2026-11-22", "23:00", "2026-11-24T05:00"),
    ("2026-11-23", "13:59", "2026-11-24T05:00"),
    # clocks go forward on Sunday 2026-03-08 and back on Sunday 2026-11-01
    ("2026-03-05", "14:00", "2026-03-09T04:00"),
    ("2026-03-06", "13:59", "2026-03-09T04:00"),
    ("2026-03-06", "14:00", "2026-03-10T04:00"),
    ("2026-03-05", "13:59", "2026-03-06T05:00"),
    ("2026-10-29", "13:59", "2026-10-30T04:00"),
    ("2026-10-30", "13:59", "2026-11-02T05:00"),
    ("2026-11-01", "01:30", "2026-11-03T05:00"),
]


@pytest.mark.parametrize(("day", "clock", "announced"), WEEK)
def test_when_a_submission_is_announced(day: str, clock: str, announced: str) -> None:
    expected = datetime.fromisoformat(announced).replace(tzinfo=UTC)
    assert announcement_for_submission(eastern(day, clock)) == expected


# (day and time now; day of the newest expected announcement; of the next one), all Eastern
ANNOUNCEMENTS = [
    ("2026-11-16", "00:00", "2026-11-16", "2026-11-17"),
    ("2026-11-16", "23:59", "2026-11-16", "2026-11-17"),
    ("2026-11-20", "12:00", "2026-11-20", "2026-11-23"),
    ("2026-11-21", "12:00", "2026-11-20", "2026-11-23"),
    ("2026-11-22", "23:59", "2026-11-20", "2026-11-23"),
    ("2026-03-08", "12:00", "2026-03-06", "2026-03-09"),
    ("2026-11-01", "12:00", "2026-10-30", "2026-11-02"),
]


@pytest.mark.parametrize(("day", "clock", "newest", "following"), ANNOUNCEMENTS)
def test_newest_and_next_announcement(day: str, clock: str, newest: str, following: str) -> None:
    now = eastern(day, clock)
    assert newest_announcement(now) == eastern(newest, "00:00")
    assert next_announcement(now) == eastern(following, "00:00")


MOMENTS = st.datetimes(datetime(2008, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants naive bounds


@given(MOMENTS, MOMENTS)
def test_announcements_are_in_order_of_submission(one: datetime, two: datetime) -> None:
    earlier, later = sorted((one, two))
    assert announcement_for_submission(earlier) <= announcement_for_submission(later)


@given(MOMENTS)
def test_announcement_follows_within_nine_hours_to_three_and_a_half_days(now: datetime) -> None:
    announced = announcement_for_submission(now)
    local = announced.astimezone(EASTERN)
    assert timedelta(hours=9) < announced - now <= timedelta(days=3, hours=11)
    assert (local.hour, local.minute) == (0, 0)
    assert local.weekday() < 5
    assert newest_announcement(announced) == announced
    assert newest_announcement(now) <= now < next_announcement(now)
