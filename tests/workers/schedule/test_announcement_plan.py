from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.model.arxiv_calendar import newest_announcement, next_announcement
from workers.schedule.announcement_plan import (
    DEFAULT_DELAY,
    MAX_DELAY,
    batch_delay,
    first_request,
    next_batch,
    next_try,
    usual_delay,
)

MIDNIGHT = datetime(2026, 11, 18, 5, tzinfo=UTC)  # of a Wednesday, in Eastern time
WEDNESDAY = 2
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)

moments = st.integers(0, 2 * 365 * 86_400).map(lambda seconds: MIDNIGHT + seconds * SECOND)
samples = st.dictionaries(
    st.integers(0, 4), st.lists(st.floats(0, 9_000), min_size=1, max_size=8).map(tuple)
)


@pytest.mark.parametrize(
    ("delays", "seconds"),
    [
        ({}, DEFAULT_DELAY),
        ({WEDNESDAY: (200.0, 180.0, 4_000.0, 190.0)}, 190.0),  # one late morning changes little
        ({WEDNESDAY: (200.0,), 3: (100.0, 110.0)}, 100.0),  # too few: those of all weekdays
        ({WEDNESDAY: (240.0,) * 3, 3: (20.0,) * 8}, 240.0),
        ({WEDNESDAY: (4_000.0,) * 8}, MAX_DELAY),
    ],
)
def test_first_request_is_about_when_batches_usually_are_there(
    delays: dict[int, tuple[float, ...]], seconds: float
) -> None:
    assert usual_delay(delays, WEDNESDAY) == seconds
    assert first_request(MIDNIGHT, delays) == MIDNIGHT + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("waited", "interval"),
    [
        (0 * MINUTE, 80 * SECOND),
        (5 * MINUTE, 80 * SECOND),
        (6 * MINUTE, 3 * MINUTE),
        (29 * MINUTE, 3 * MINUTE),
        (30 * MINUTE, 8 * MINUTE),
        (179 * MINUTE, 8 * MINUTE),
        (180 * MINUTE, 60 * MINUTE),
    ],
)
def test_requests_become_rarer_while_a_batch_is_missing(
    waited: timedelta, interval: timedelta
) -> None:
    now = MIDNIGHT + timedelta(seconds=DEFAULT_DELAY) + waited
    assert next_try(now, {}) == now + interval


def test_a_request_before_the_usual_time_is_repeated_then() -> None:
    assert next_try(MIDNIGHT + 10 * SECOND, {}) == MIDNIGHT + DEFAULT_DELAY * SECOND


@given(moments, samples)
def test_plans_lie_ahead_and_never_skip_a_batch(
    now: datetime, delays: dict[int, tuple[float, ...]]
) -> None:
    assert now < next_try(now, delays) <= now + timedelta(hours=1)
    following = next_announcement(now)
    assert following <= next_batch(now, delays) <= following + timedelta(seconds=MAX_DELAY)


def test_delay_lies_between_the_last_miss_and_the_find() -> None:
    now = MIDNIGHT + 300 * SECOND
    assert batch_delay(now, now - 80 * SECOND) == 260
    assert batch_delay(now, MIDNIGHT - 80 * SECOND) < 300  # missing on another day: not known
    assert batch_delay(now, None) == batch_delay(now, MIDNIGHT - 80 * SECOND)


@given(moments, st.none() | st.floats(0, 10_000))
def test_delay_is_never_negative_nor_later_than_now(now: datetime, before: float | None) -> None:
    missing_at = None if before is None else now - timedelta(seconds=before)
    assert 0 <= batch_delay(now, missing_at) <= (now - newest_announcement(now)).total_seconds()
