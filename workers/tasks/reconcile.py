"""The task `oai:daily`: reconciles the store with arXiv's OAI-PMH over the last days.

Records are merged as always, so that finding a gap fills it: a paper announced in these days that
the store lacked was missing from the announcements. The count is reported, and the state is stale
until the next run, minutes later, finds none missing. Papers found by the very first run are no
gap: nothing read the announcements before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from papers.config.settings import Settings
from papers.counted import format_counted
from papers.errors import BadParameter
from papers.maintenance.retention import first_kept_month
from papers.model.arxiv_calendar import EASTERN, announcement_for_submission, newest_announcement
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper, Sighting
from papers.state.task_states import TaskStates
from papers.store import Store
from workers.sources.arxiv import oai
from workers.sources.arxiv.oai import HarvestRange, oai_set
from workers.sources.result import FetchResult, UpstreamClients

RECONCILE_TASK: Final = "oai:daily"
LOOKBACK: Final = timedelta(days=4)
"""How far back every run goes: over a long weekend."""
MAX_LOOKBACK: Final = timedelta(days=31)
"""How far back a run goes after an outage; `backfill` is for more."""

ANNOUNCEMENT_SETTLE_TIME: Final = timedelta(hours=2)
"""The time after an announcement in which its feeds may be unread and OAI-PMH may lack it."""


@dataclass(slots=True)
class AnnouncementGap:
    """New papers announced from `since` until `until`, and how many were missing, by category.

    Months before `first_month` (YYYYMM) are not kept, so that nothing of them is missing.
    """

    since: date
    until: datetime
    first_month: int = 0
    announced_ids: set[ArxivId] = field(default_factory=set)
    missing_by_category: dict[str, int] = field(default_factory=dict)

    def uncounted(self, sightings: Iterable[Sighting]) -> list[ArxivId]:
        """Return the papers that were announced in these days and are not counted yet."""
        return [s.id for s in sightings if s.id not in self.announced_ids and self._covers(s)]

    def add(self, category: str, ids: Sequence[ArxivId], stored: Sequence[Paper | None]) -> None:
        """Count papers of a category's set, given what the store has of them."""
        self.announced_ids.update(ids)
        missing = sum(not (paper and paper.is_from_arxiv) for paper in stored)
        if missing:
            self.missing_by_category[category] = self.missing_by_category.get(category, 0) + missing

    def _covers(self, sighting: Sighting) -> bool:
        if sighting.version != 1 or sighting.submitted_at is None:
            return False
        at = announcement_for_submission(sighting.submitted_at)
        day = at.astimezone(EASTERN).date()
        return day >= self.since and at <= self.until and sighting.id.month >= self.first_month

    @property
    def message(self) -> str:
        """The counts in words."""
        papers = f"{format_counted(len(self.announced_ids), 'paper')} announced since {self.since}"
        if not self.missing_by_category:
            return f"{papers}, none of them missing here"
        where = ", ".join(
            f"{count} in {category}" for category, count in self.missing_by_category.items()
        )
        count = sum(self.missing_by_category.values())
        return f"{papers}, {count} of them missing here and filled in ({where})"


class Reconciliation:
    """Fetches the task `oai:daily`."""

    def __init__(self, store: Store, states: TaskStates) -> None:
        self._store, self._states = store, states

    def fetch(
        self, subject: str, upstreams: UpstreamClients, now: datetime
    ) -> Iterator[FetchResult]:
        """Yield the last days of every configured category, one result per response.

        Raises BadParameter, SourceError, StoreUnavailable.
        """
        if subject != "daily":
            raise BadParameter("task", f"'oai:{subject}': there is only {RECONCILE_TASK}")
        previous = self._states.get(RECONCILE_TASK)
        succeeded_at = previous.succeeded_at if previous else None
        since = lookback_start(succeeded_at, now)
        first = first_kept_month(upstreams.settings.keep_months, now)
        gap = AnnouncementGap(since, newest_announcement(now - ANNOUNCEMENT_SETTLE_TIME), first)
        for category in upstreams.settings.categories:
            for page in oai.harvest_pages(
                HarvestRange(since, set=oai_set(category)), upstreams, now
            ):
                fresh = gap.uncounted(page.sightings)
                gap.add(category, fresh, self._store.get_records(fresh))
                yield FetchResult(
                    sightings=page.sightings,
                    rejected=page.rejected,
                    record_count=page.record_count,
                    skipped=page.deleted,
                    stale=bool(gap.missing_by_category and succeeded_at),
                    summary=gap.message,
                )


def is_reconciliation_enabled(settings: Settings) -> bool:
    """True if settings call for a daily reconciliation."""
    return bool(settings.categories and settings.arxiv_oai_url)


def lookback_start(succeeded_at: datetime | None, now: datetime) -> date:
    """Return the first day to harvest: that of `LOOKBACK`, or before the last success."""
    start = now - LOOKBACK
    if succeeded_at:
        start = min(start, succeeded_at - timedelta(days=1))
    return max(start, now - MAX_LOOKBACK).date()
