"""The task `lists`: papers join the pick lists, every hour.

    daily, weekly, monthly  for each period that is over and was not evaluated yet
    trending                now
    (picked                 with the ingest that stores the pick)

It fetches nothing, but has a state like any other task, which pages and commands show. After an
outage the periods that ended meanwhile are evaluated, oldest first, and their papers join now: a
reader that polled in the meantime finds them above what it has seen. A new installation begins with
the periods that are running.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

from papers.errors import BadParameter
from papers.model.paper import Paper
from papers.model.periods import Period, PeriodKind
from papers.query.parser import parse_query
from papers.query.request import ALL_ANNOUNCE_TYPES, ListName, SearchRequest
from papers.state.voting.pick_lists import PickLists
from papers.state.voting.popularity import rank_by_votes, rank_trending
from papers.store import Store
from workers.sources.result import FetchResult, UpstreamClients

PICK_LISTS_TASK: Final = "lists"
TOP_PAPERS: Final = 50
"""Papers of a day, week or month that join its list."""
TOP_TRENDING: Final = 20
TRENDING_WINDOW: Final = timedelta(days=14)
"""The age of the picks that the hourly ranking covers."""
MAX_RANKED_PICKS: Final = 10_000
MAX_MISSED_PERIODS: Final = 60
"""Periods that are evaluated after an outage, the newest; older ones are passed over."""
_KINDS: Final[dict[ListName, PeriodKind]] = {"daily": "day", "weekly": "week", "monthly": "month"}


class PickListsTask:
    """Evaluates the pick lists."""

    def __init__(self, store: Store, lists: PickLists) -> None:
        self._store, self._lists = store, lists

    def fetch(
        self, subject: str, upstreams: UpstreamClients, now: datetime
    ) -> Iterator[FetchResult]:
        """Evaluate; yield one result that says what joined. Raises BadParameter, StoreError."""
        if subject:
            raise BadParameter(
                "task", f"'{PICK_LISTS_TASK}:{subject}': there is only {PICK_LISTS_TASK}"
            )
        joined = {name: self.evaluate_periods(name, now) for name in _KINDS}
        joined["trending"] = self.evaluate_trending(now)
        new = ", ".join(f"{count} in {name}" for name, count in joined.items() if count)
        yield FetchResult(
            record_count=sum(joined.values()), message=f"joined: {new}" if new else "none joined"
        )

    def evaluate_periods(self, name: ListName, now: datetime) -> int:
        """Add the best papers of ended periods to their lists; return how many."""
        kind = _KINDS[name]
        last = Period.containing(kind, now.date()).previous
        stored = self._lists.evaluated_period(name)
        if not stored:
            self._lists.join(name, [], now=now, evaluated=last.name)
            return 0
        joined = 0
        for period in missed_periods(Period.parse(kind, stored), last):
            papers = rank_by_votes(self._picked_between(period.first_day, period.last_day))
            ids = [paper.id for paper in papers[:TOP_PAPERS]]
            joined += self._lists.join(name, ids, now=now, evaluated=period.name)
        return joined

    def evaluate_trending(self, now: datetime) -> int:
        """Add the papers that trend now; return how many."""
        today = now.date()
        papers = rank_trending(self._picked_between(today - TRENDING_WINDOW, today), today)
        voted = [paper.id for paper in papers[:TOP_TRENDING] if paper.votes]
        return self._lists.join("trending", voted, now=now)

    def _picked_between(self, first: date, last: date) -> list[Paper]:
        """Return the papers first picked between two days."""
        request = SearchRequest(
            query=parse_query("is:picked"),
            order="picked",
            types=ALL_ANNOUNCE_TYPES,
            since=first,
            until=last,
            limit=1_000,
        )
        found = list[Paper]()
        while len(found) < MAX_RANKED_PICKS:
            page = self._store.search(request)
            found += page.papers
            if page.next_cursor is None:
                break
            request = replace(request, before=page.next_cursor)
        return found


def missed_periods(evaluated: Period, last: Period) -> list[Period]:
    """Return the periods after one up to another, oldest first, the newest if there are many."""
    periods = list[Period]()
    period = evaluated.next
    while period.first_day <= last.first_day:
        periods.append(period)
        period = period.next
    return periods[-MAX_MISSED_PERIODS:]
