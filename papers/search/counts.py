"""How many papers match, by month and of late: cardinalities of bitmaps, no paper is read.

    newest day of the store ─▶ the twelve months up to it ─▶ candidates of each, and of the days

What postings leave in doubt (phrases of three words or of titles, rare ones of years before, votes)
is counted as if it matched, and `exact` says so: a phrase's count is a percent or so too high, one
by votes may be far too high.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import product
from typing import Final, NamedTuple

from pyroaring import BitMap

from papers.index.terms import ALL_DAY_TERMS, label_term
from papers.model.arxiv_id import month_ordinal
from papers.model.labels import month_day_range
from papers.query.ast import Label, LabelKind, Node
from papers.redis_backend.connection import translate_store_errors
from papers.search.asked import QueryLeaves
from papers.search.evaluate import Candidates
from papers.search.index_cache import IndexCache
from papers.search.plan import QueryPlan
from papers.search.reader import IndexReader, ReadSession

COUNTED_MONTHS: Final = 12
WEEK: Final = timedelta(days=7)
FOUR_WEEKS: Final = timedelta(days=28)
RECENT_MONTHS: Final = 3
"""So many months can have papers of the last four weeks: one counts within 60 days of its month."""

_PapersByDay = dict[date, BitMap]
"""The papers, as places, that count under each day."""


class MonthCount(NamedTuple):
    """A month (YYYYMM) and how many of its papers match."""

    month: int
    papers: int


class DayCount(NamedTuple):
    """A day and how many papers count under it."""

    day: date
    papers: int


@dataclass(frozen=True, slots=True)
class MatchCounts:
    """How many papers match in the days up to `until`, the newest the store has papers of.

    `month` are four weeks; `year` the twelve months of `months`, oldest first. `exact` is False
    where some of what is counted may not match.
    """

    until: date
    week: int
    month: int
    year: int
    months: tuple[MonthCount, ...]
    exact: bool


class MatchCounter:
    """Counts what a reader reads; remembers the days of the newest revision. Raises StoreAway."""

    def __init__(self, reader: IndexReader) -> None:
        self._redis, self._reader = reader.redis, reader
        self._days_of_cache: tuple[IndexCache | None, _PapersByDay] = (None, {})

    def count(self, tree: Node) -> MatchCounts | None:
        """How many papers a tree finds in the days up to the newest; None of an empty store."""
        with translate_store_errors(self._redis):
            asked = QueryLeaves.of(tree)
            reading = self._reader.open_session(
                lambda m: [*m.month_requests(), *m.term_requests(asked)]
            )
            days = self._recent_days(reading)
            if not days:
                return None
            until = max(days)
            months = last_months(until, COUNTED_MONTHS)
            sure, maybe = _read_candidates(asked, reading, months)
        bars = tuple(
            MonthCount(month, maybe.range_cardinality(*_doc_id_range(month))) for month in months
        )
        return MatchCounts(
            until=until,
            week=_count_after(until - WEEK, days, maybe),
            month=_count_after(until - FOUR_WEEKS, days, maybe),
            year=sum(bar.papers for bar in bars),
            months=bars,
            exact=sure == maybe,
        )

    def papers_per_day(self, sources: Sequence[str], days: int) -> dict[str, list[DayCount]]:
        """How many papers each source named of each of the store's last days, oldest first."""
        with translate_store_errors(self._redis):
            reading = self._reader.open_session(IndexCache.month_requests)
            late = self._recent_days(reading)
            if not late:
                return {}
            newest = max(late)
            terms = {name: label_term(Label(LabelKind.SOURCE, name.casefold())) for name in sources}
            asked = list(terms.values())
            read = reading.read_postings([(reading.newest_months(RECENT_MONTHS), asked)])
        span = [newest - timedelta(days=n) for n in reversed(range(days))]
        return {
            name: [DayCount(day, _overlap(late.get(day), read.bitmap_of(term))) for day in span]
            for name, term in terms.items()
        }

    def _recent_days(self, reading: ReadSession) -> _PapersByDay:
        """The papers of each day of the newest months; put together once a revision."""
        memory, days = self._days_of_cache
        if memory is not reading.cache:
            months = reading.newest_months(RECENT_MONTHS)
            read = reading.read_postings([(months, ALL_DAY_TERMS)])
            found: defaultdict[date, BitMap] = defaultdict(BitMap)
            for month, term in product(months, ALL_DAY_TERMS):
                if papers := read.bitmap_of(term, [month]):
                    found[month_day_range(month)[0] + timedelta(days=int(term[1:]))] |= papers
            days = dict(found)
            self._days_of_cache = (reading.cache, days)
        return days


def _read_candidates(
    query_leaves: QueryLeaves, session: ReadSession, months: Sequence[int]
) -> Candidates:
    """What may match in some months."""
    expansions = session.cache.prefix_expansions(query_leaves)
    assert expansions is not None, "asked for before"
    plan, possible = (
        QueryPlan(query_leaves, expansions),
        set(session.cache.candidate_months(query_leaves)),
    )
    here = tuple(month for month in months if month in possible)
    return session.read_candidates(plan, here, lambda _: plan.with_probe_terms())[1]


def _doc_id_range(month: int) -> tuple[int, int]:
    """Where a month's places begin, and the next one's."""
    return month_ordinal(month) << 16, (month_ordinal(month) + 1) << 16


def _overlap(papers: BitMap | None, others: BitMap) -> int:
    return papers.intersection_cardinality(others) if papers else 0


def _count_after(after: date, days: _PapersByDay, found: BitMap) -> int:
    """How many candidates are of days after one."""
    return sum(_overlap(papers, found) for day, papers in days.items() if day > after)


def last_months(until: date, count: int) -> list[int]:
    """The last months (YYYYMM) up to that of a day, oldest first."""
    at = until.year * 12 + until.month - 1
    return [(n // 12) * 100 + n % 12 + 1 for n in range(at - count + 1, at + 1)]
