"""The task `announcements:CATEGORY`: new papers, completed by OAI-PMH before anybody sees them.

arXiv's feeds have no comment, and the authors in one string. Shown as they are, each paper of the
day would change before its readers' eyes a few hours later, when the reconciliation brings the
rest. So the announcements of a category are stored together with the OAI-PMH records of the same
papers: one more request per category and day. If OAI-PMH fails, or does not have them yet, the
announcements are stored alone, and the reconciliation completes them.

When they are requested is learnt (`workers.schedule.announcement_plan`): the busiest category looks
out for the day's batch, and the first category that finds it makes the others due.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

from redis import Redis

from papers.errors import SourceError
from papers.model.arxiv_calendar import newest_announcement
from papers.model.paper import Sighting
from papers.state.task_states import TaskStates, TaskStatus
from workers.schedule.announcement_plan import (
    FOLLOWER_DELAY,
    FOLLOWER_INTERVAL,
    batch_delay,
    next_batch,
    next_try,
)
from workers.schedule.announcement_times import AnnouncementTimes
from workers.sources.arxiv import announcements, oai
from workers.sources.arxiv.oai import HarvestRange, oai_set
from workers.sources.result import FetchResult, UpstreamClients

MAX_OAI_PAGES: Final = 2
"""Pages of OAI-PMH, of 2,500 records: more than a category has in two days."""

_KIND: Final = "announcements"
_FAILING: Final = TaskStatus.FAILING
_DAY: Final = timedelta(days=1)
"""Datestamps are days of UTC, announcements days of Eastern time."""


def fetch_completed_announcements(
    subject: str, upstreams: UpstreamClients, now: datetime
) -> Iterator[FetchResult]:
    """Yield the announcements of a category, `subject`, completed. Raises SourceError."""
    for result in announcements.fetch_announcements(subject, upstreams, now):
        is_fresh = result.sightings and result.day and not result.stale
        if result.day and is_fresh and upstreams.settings.arxiv_oai_url:
            yield _add_oai_records(result, result.day, subject, upstreams, now)
        else:
            yield result


class AnnouncementTask:
    """Fetches a category's announcements, and decides when each category is requested next."""

    def __init__(self, redis: Redis) -> None:
        self._times, self._states = AnnouncementTimes(redis), TaskStates(redis)

    def fetch(
        self, subject: str, upstreams: UpstreamClients, now: datetime
    ) -> Iterator[FetchResult]:
        """Yield the announcements of a category, `subject`. Raises SourceError, StoreError."""
        for result in fetch_completed_announcements(subject, upstreams, now):
            if result.stale:
                self._times.note_missing(now)
            elif result.sightings and result.day:
                self._times.note_size(subject, result.record_count)
                self._note_batch(subject, result.day, upstreams.settings.categories, now)
            yield replace(result, next_at=self._next_at(subject, result, upstreams, now))

    def _next_at(
        self, category: str, result: FetchResult, upstreams: UpstreamClients, now: datetime
    ) -> datetime:
        """Return when a category is requested next."""
        busiest, categories = self._times.busiest(), upstreams.settings.categories
        is_busiest = category == (
            busiest if busiest in categories else next(iter(categories), category)
        )
        delays = self._times.delays()
        if result.stale:
            return next_try(now, delays) if is_busiest else now + FOLLOWER_INTERVAL
        return next_batch(now, delays) + (timedelta() if is_busiest else FOLLOWER_DELAY)

    def _note_batch(
        self, found_in: str, day: date, categories: Iterable[str], now: datetime
    ) -> None:
        """Note when a day's batch was there; whoever does makes the other categories due."""
        states = {name: self._states.get(announcement_task(name)) for name in categories}
        reliable = [
            name for name, state in states.items() if not state or state.state is not _FAILING
        ]
        if not self._times.add(day, batch_delay(now, self._times.missing_at()), reliable):
            return
        for name, state in states.items():
            seen_at = state.succeeded_at if state else None
            is_missing = seen_at is None or seen_at < newest_announcement(now)
            if is_missing and name != found_in:
                self._states.schedule(announcement_task(name), now)


def announcement_task(category: str) -> str:
    """Return the name of the task of a category."""
    return f"{_KIND}:{category}"


def _add_oai_records(
    result: FetchResult, day: date, category: str, upstreams: UpstreamClients, now: datetime
) -> FetchResult:
    """Add the OAI-PMH records of a result's papers; a failure is only mentioned in the message."""
    missing = {sighting.id for sighting in result.sightings}
    completing: list[Sighting] = []
    harvest_range = HarvestRange(day - _DAY, set=oai_set(category))
    try:
        for number, page in enumerate(oai.harvest_pages(harvest_range, upstreams, now), start=1):
            found = [sighting for sighting in page.sightings if sighting.id in missing]
            completing += found
            missing -= {sighting.id for sighting in found}
            if not missing or number == MAX_OAI_PAGES:
                break
    except SourceError as error:
        result = replace(
            result, message=f"{result.message}; what OAI-PMH adds comes later: {error}"
        )
    return replace(result, sightings=(*result.sightings, *completing))
