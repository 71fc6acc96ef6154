"""When the batches of announcements were there."""

from __future__ import annotations

from datetime import date

from redis import Redis

from workers.schedule.announcement_times import MAX_SAMPLES, AnnouncementTimes

WEDNESDAY = date(2026, 11, 18)
THURSDAY = date(2026, 11, 19)


def test_batch_is_noted_once_a_day_by_the_first_that_finds_it(redis: Redis) -> None:
    times = AnnouncementTimes(redis)
    assert times.add(WEDNESDAY, 600.04, ["cs.CL"])
    assert not times.add(WEDNESDAY, 900.0, ["cs.LG"])
    assert (times.delays(), times.busiest()) == ({2: (600.0,)}, "cs.CL")


def test_batch_of_an_earlier_day_comes_too_late(redis: Redis) -> None:
    times = AnnouncementTimes(redis)
    assert times.add(THURSDAY, 700.0, [])
    assert not times.add(WEDNESDAY, 600.0, [])
    assert times.delays() == {3: (700.0,)}


def test_busiest_category_of_the_candidates_is_kept(redis: Redis) -> None:
    times = AnnouncementTimes(redis)
    for category, count in (("cs.CL", 100), ("cs.LG", 300), ("cs.AI", 200)):
        times.note_size(category, count)
    times.add(WEDNESDAY, 600.0, ["cs.CL", "cs.AI"])
    assert times.busiest() == "cs.AI"


def test_last_two_months_of_a_weekday_are_kept(redis: Redis) -> None:
    times = AnnouncementTimes(redis)
    first = WEDNESDAY.toordinal()
    for week in range(MAX_SAMPLES + 2):
        times.add(date.fromordinal(first + 7 * week), float(week), [])
    assert times.delays() == {2: tuple(map(float, range(2, MAX_SAMPLES + 2)))}
