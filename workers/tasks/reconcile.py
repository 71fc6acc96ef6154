"""The task `oai:daily`: what arXiv's OAI-PMH has of the last days, and what the feeds missed.

Everything is merged as ever, so that a gap is filled by being found: a paper announced in these
days that the store did not hold was missing from the announcements. The count is told, and the
state is stale until the next run, minutes later, finds none missing. What the very first run finds
is no gap: nobody was here to read the announcements.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from papers.config.settings import Settings
from papers.errors import BadParameter
from papers.maintenance.retention import first_kept
from papers.model.arxiv_calendar import EASTERN, announced_after, newest_announcement
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper, Sighting
from papers.state.task_states import SourceStates
from papers.store import Store
from workers.sources.arxiv import oai
from workers.sources.arxiv.oai import Span, set_of
from workers.sources.result import Fetched, Upstreams

TASK: Final = "oai:daily"
DAYS: Final = timedelta(days=4)
"""How far back every run looks: over a long week-end."""
LONGEST: Final = timedelta(days=31)
"""How far back a run looks after an outage; `backfill` is for more."""

SETTLED: Final = timedelta(hours=2)
"""After an announcement, until when its feeds may not be read yet and OAI-PMH may not have it."""


@dataclass(slots=True)
class Gap:
    """New papers announced from `since` to `newest`, and of them those not here, by category.

    Months before `first` (YYYYMM) are not kept, so that nothing of them is missing.
    """

    since: date
    newest: datetime
    first: int = 0
    announced: set[ArxivId] = field(default_factory=set)
    missing: dict[str, int] = field(default_factory=dict)

    def fresh(self, sightings: Iterable[Sighting]) -> list[ArxivId]:
        """The papers that were announced in these days and are not counted yet."""
        return [s.id for s in sightings if s.id not in self.announced and self._covers(s)]

    def count(self, category: str, fresh: Sequence[ArxivId], known: Sequence[Paper | None]) -> None:
        """Count papers of a category's set in, with what is here of them."""
        self.announced.update(fresh)
        missing = sum(not (paper and paper.from_arxiv) for paper in known)
        if missing:
            self.missing[category] = self.missing.get(category, 0) + missing

    def _covers(self, sighting: Sighting) -> bool:
        if sighting.version != 1 or sighting.submitted_at is None:
            return False
        at = announced_after(sighting.submitted_at)
        day = at.astimezone(EASTERN).date()
        return day >= self.since and at <= self.newest and sighting.id.month >= self.first

    @property
    def said(self) -> str:
        """The counts, in words."""
        papers = f"{len(self.announced)} papers announced since {self.since}"
        if not self.missing:
            return f"{papers}, none of them missing here"
        where = ", ".join(f"{count} in {category}" for category, count in self.missing.items())
        count = sum(self.missing.values())
        return f"{papers}, {count} of them missing here and filled in ({where})"


class Reconciliation:
    """The source of the task `oai:daily`."""

    def __init__(self, store: Store, states: SourceStates) -> None:
        self._store, self._states = store, states

    def fetch(self, subject: str, upstreams: Upstreams, now: datetime) -> Iterator[Fetched]:
        """The last days of every configured category, one part per answer.

        Raises BadParameter, SourceError, StoreAway.
        """
        if subject != "daily":
            raise BadParameter("task", f"'oai:{subject}': there is only {TASK}")
        before = self._states.get(TASK)
        succeeded_at = before.succeeded_at if before else None
        since = since_when(succeeded_at, now)
        first = first_kept(upstreams.settings.keep_months, now)
        gap = Gap(since, newest_announcement(now - SETTLED), first)
        for category in upstreams.settings.categories:
            for page in oai.pages(Span(since, set=set_of(category)), upstreams, now):
                fresh = gap.fresh(page.sightings)
                gap.count(category, fresh, self._store.papers(fresh))
                yield Fetched(
                    sightings=page.sightings,
                    rejected=page.rejected,
                    got=page.got,
                    passed_over=page.deleted,
                    stale=bool(gap.missing and succeeded_at),
                    summary=gap.said,
                )


def is_wanted(settings: Settings) -> bool:
    """Whether settings ask for a daily reconciliation."""
    return bool(settings.categories and settings.arxiv_oai_url)


def since_when(succeeded_at: datetime | None, now: datetime) -> date:
    """The first day to ask for: the last days, and all since the day before the last success."""
    wanted = now - DAYS
    if succeeded_at:
        wanted = min(wanted, succeeded_at - timedelta(days=1))
    return max(wanted, now - LONGEST).date()
