"""The task `oai:daily`: what arXiv's OAI-PMH has of the last days, and what the feeds missed.

Everything is merged as ever, so that a gap is filled by being found: a paper announced in these
days that the store did not hold was missing from the announcements, and the count is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from papers.announcing import EASTERN, announced_after, newest_announcement
from papers.arxiv_id import ArxivId
from papers.errors import BadParameter
from papers.paper import Sighting
from papers.settings import Settings
from papers.source_states import SourceStates
from papers.store import Store
from workers.sources import arxiv_oai
from workers.sources.arxiv_oai import Span, set_of
from workers.sources.result import Fetched, Upstreams

TASK: Final = "oai:daily"
DAYS: Final = timedelta(days=4)
"""How far back every run looks: over a long week-end."""
LONGEST: Final = timedelta(days=31)
"""How far back a run looks after an outage; `backfill` is for more."""


@dataclass(slots=True)
class Gap:
    """New papers of the days since `since`: those announced, and of them those not here."""

    since: date
    newest: datetime
    announced: set[ArxivId] = field(default_factory=set)
    missing: set[ArxivId] = field(default_factory=set)

    def fresh(self, sightings: Iterable[Sighting]) -> list[ArxivId]:
        """The papers that were announced in these days and are not counted yet."""
        return [s.id for s in sightings if s.id not in self.announced and self._covers(s)]

    def _covers(self, sighting: Sighting) -> bool:
        if sighting.version != 1 or sighting.submitted_at is None:
            return False
        at = announced_after(sighting.submitted_at)
        return at.astimezone(EASTERN).date() >= self.since and at <= self.newest

    @property
    def said(self) -> str:
        """The counts, in words."""
        papers = f"{len(self.announced)} papers announced since {self.since}"
        if not self.missing:
            return f"{papers}, none of them missing here"
        return f"{papers}, {len(self.missing)} of them missing here and filled in"


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
        since = since_when(before.succeeded_at if before else None, now)
        gap = Gap(since, newest_announcement(now))
        for category in upstreams.settings.categories:
            for page in arxiv_oai.pages(Span(since, set=set_of(category)), upstreams, now):
                self._compare(page.sightings, gap)
                yield Fetched(
                    sightings=page.sightings,
                    rejected=page.rejected,
                    got=page.got,
                    passed_over=page.deleted,
                    summary=gap.said,
                )

    def _compare(self, sightings: Iterable[Sighting], gap: Gap) -> None:
        fresh = gap.fresh(sightings)
        known = self._store.papers(fresh)
        gap.announced.update(fresh)
        gap.missing.update(
            id for id, paper in zip(fresh, known, strict=True) if not (paper and paper.from_arxiv)
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
