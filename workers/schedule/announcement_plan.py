"""When announcements are requested: about when they are usually there, the busiest category first.

The busiest category is requested from then on every 80 seconds, later less often, until its batch
is there. The first category that finds a batch makes the others due; without that they are
requested 20 minutes after its first request by themselves, then hourly. Requests are conditional,
and pass arXiv's rate limiter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from papers.config.settings import Seconds
from papers.model.arxiv_calendar import EASTERN, newest_announcement, next_announcement

DEFAULT_DELAY: Final[Seconds] = 120.0
"""From Eastern midnight to the first request while nothing is learnt."""

MAX_DELAY: Final[Seconds] = 300.0
"""The first request is not later: a late morning is no reason to be late on the next one."""

MIN_SAMPLES: Final = 3
"""Announcements of a weekday that must be known; with fewer, those of all weekdays count."""

EARLIER: Final = 0.85
"""A batch that the first request found may have been there before: the share of the time since
midnight that is taken, so that an estimate that is too late comes down within days."""

FOLLOWER_DELAY: Final = timedelta(minutes=20)
"""How much later than the busiest category the others are requested at latest."""

FOLLOWER_INTERVAL: Final = timedelta(hours=1)
"""Between their requests while the batch is missing: the busiest category looks out for it."""

_INTERVALS: Final = (
    (timedelta(minutes=6), timedelta(seconds=80)),
    (timedelta(minutes=30), timedelta(minutes=3)),
    (timedelta(hours=3), timedelta(minutes=8)),
)
"""Time since the first request of a day, and the interval of requests until then."""

_LATER_INTERVAL: Final = timedelta(hours=1)


def usual_delay(delays: Mapping[int, Sequence[Seconds]], weekday: int) -> Seconds:
    """Return the seconds from midnight after which a batch may be there: the lower quartile."""
    samples = sorted(delays.get(weekday, ()))
    if len(samples) < MIN_SAMPLES:
        samples = sorted(seconds for known in delays.values() for seconds in known)
    return min(samples[len(samples) // 4], MAX_DELAY) if samples else DEFAULT_DELAY


def first_request(midnight: datetime, delays: Mapping[int, Sequence[Seconds]]) -> datetime:
    """Return when a batch is requested first; `midnight` is the Eastern one, in UTC."""
    weekday = midnight.astimezone(EASTERN).weekday()
    return midnight + timedelta(seconds=usual_delay(delays, weekday))


def next_batch(now: datetime, delays: Mapping[int, Sequence[Seconds]]) -> datetime:
    """Return when the next batch after the newest one is requested first."""
    return first_request(next_announcement(now), delays)


def next_try(now: datetime, delays: Mapping[int, Sequence[Seconds]]) -> datetime:
    """Return when a batch that is due and was not found is requested again."""
    first = first_request(newest_announcement(now), delays)
    if now < first:
        return first
    for until, interval in _INTERVALS:
        if now - first < until:
            return now + interval
    return now + _LATER_INTERVAL


def batch_delay(now: datetime, missing_at: datetime | None) -> Seconds:
    """Return how long after midnight a batch found now was there, as well as that is known.

    Halfway between the last request without it and now; if there was none, some time before now.
    """
    midnight = newest_announcement(now)
    since_midnight = max(0.0, (now - midnight).total_seconds())
    if missing_at is None or missing_at < midnight:
        return EARLIER * since_midnight
    return since_midnight - (now - missing_at).total_seconds() / 2
