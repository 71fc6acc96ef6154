"""How many papers match, by month and of late: cardinalities of bitmaps, no paper is read.

    newest day of the store ─▶ the twelve months up to it ─▶ candidates of each, and of the days

What postings leave in doubt (phrases, votes) is counted as if it matched, and `exact` says so: a
phrase's count is a percent or so too high, one by votes may be far too high.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from pyroaring import BitMap
from redis import Redis

from papers import keys
from papers.connection import store_errors
from papers.evaluate import Candidates
from papers.matching import month_days
from papers.month_reading import candidates, newest_months, term_postings
from papers.terms import EVERY_DAY, label_term
from papers.tree import Kind, Label, Node

MONTHS: Final = 12
WEEK: Final = timedelta(days=7)
FOUR_WEEKS: Final = timedelta(days=28)
LATE_MONTHS: Final = 3
"""So many months can have papers of the last four weeks: one counts within 60 days of its month."""

_Days = dict[tuple[int, date], BitMap]
"""Month (YYYYMM) and day to the papers of that month that count under that day."""


class Bar(NamedTuple):
    """A month (YYYYMM) and how many of its papers match."""

    month: int
    papers: int


class Day(NamedTuple):
    """A day and how many papers count under it."""

    day: date
    papers: int


@dataclass(frozen=True, slots=True)
class Counts:
    """How many papers match in the days up to `until`, the newest the store has papers of.

    `month` are four weeks; `year` the twelve months of `months`, oldest first. `exact` is False
    where some of what is counted may not match.
    """

    until: date
    week: int
    month: int
    year: int
    months: tuple[Bar, ...]
    exact: bool


class Counter:
    """Counts over one Redis; remembers the days of the newest revision. Raises StoreAway."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._days: tuple[bytes | None, _Days] = (None, {})

    def newest_day(self) -> date | None:
        """The newest day that papers count under; None of an empty store."""
        with store_errors(self._redis):
            return max((day for _, day in self._late_days()), default=None)

    def count(self, tree: Node) -> Counts | None:
        """How many papers a tree finds in the days up to the newest; None of an empty store."""
        with store_errors(self._redis):
            days = self._late_days()
            if not days:
                return None
            until = max(day for _, day in days)
            months = last_months(until, MONTHS)
            found = candidates(self._redis, tree, months)
        bars = tuple(Bar(m, len(found[m].maybe) if m in found else 0) for m in months)
        return Counts(
            until=until,
            week=_since(until - WEEK, days, found),
            month=_since(until - FOUR_WEEKS, days, found),
            year=sum(bar.papers for bar in bars),
            months=bars,
            exact=all(sure == maybe for sure, maybe in found.values()),
        )

    def per_day(self, sources: Sequence[str], days: int) -> dict[str, list[Day]]:
        """How many papers each source named of each of the store's last days, oldest first."""
        with store_errors(self._redis):
            late = self._late_days()
            newest = max((day for _, day in late), default=None)
            if newest is None:
                return {}
            terms = {name: label_term(Label(Kind.SOURCE, name.casefold())) for name in sources}
            months = {month for month, _ in late}
            found = term_postings(self._redis, ((m, t) for m in months for t in terms.values()))
        span = [newest - timedelta(days=n) for n in reversed(range(days))]
        return {
            name: [Day(day, _shared(late, day, found, term)) for day in span]
            for name, term in terms.items()
        }

    def _late_days(self) -> _Days:
        """The papers of each day of the newest months; read once a revision."""
        revision: Any = self._redis.get(keys.REVISION)
        known, days = self._days
        if known is None or known != revision:
            months = newest_months(self._redis, LATE_MONTHS)
            found = term_postings(self._redis, ((m, term) for m in months for term in EVERY_DAY))
            days = {(m, _day(m, term)): papers for (m, term), papers in found.items()}
            self._days = (revision, days)
        return days


def _day(month: int, term: bytes) -> date:
    return month_days(month)[0] + timedelta(days=int(term[1:]))


def _shared(days: _Days, day: date, found: Mapping[tuple[int, bytes], BitMap], term: bytes) -> int:
    """How many papers of a day have a term, in whatever month their ids are."""
    return sum(
        papers.intersection_cardinality(found[month, term])
        for (month, known), papers in days.items()
        if known == day and (month, term) in found
    )


def _since(before: date, days: _Days, found: dict[int, Candidates]) -> int:
    """How many candidates are of days after one."""
    return sum(
        found[month].maybe.intersection_cardinality(papers)
        for (month, day), papers in days.items()
        if day > before and month in found
    )


def last_months(until: date, count: int) -> list[int]:
    """The last months (YYYYMM) up to that of a day, oldest first."""
    at = until.year * 12 + until.month - 1
    return [(n // 12) * 100 + n % 12 + 1 for n in range(at - count + 1, at + 1)]
