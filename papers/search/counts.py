"""Counts: how many papers match, by month and recently, from cardinalities of bitmaps.

    newest day of the store ─▶ the twelve months up to it ─▶ candidates of each, and of the days

A candidate that postings leave uncertain (long phrases, phrases of titles, rare phrases of earlier
years, votes) counts as a match, and then `exact` is False: the count of a phrase is about one
percent too high, a count by votes may be far too high. Papers that are blocked by id are not
counted, those blocked for what they say are, and such a count is not exact.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise, product
from typing import Final, NamedTuple

from pyroaring import BitMap

from papers.index.terms import ALL_DAY_TERMS, label_term
from papers.model.arxiv_id import month_ordinal
from papers.model.labels import month_day_range
from papers.query.ast import Label, LabelKind, Node
from papers.redis_backend.connection import translate_store_errors
from papers.search.evaluate import Candidates
from papers.search.index_cache import IndexCache
from papers.search.plan import QueryPlan
from papers.search.reader import IndexReader, ReadSession

COUNTED_MONTHS: Final = 12
WEEK: Final = timedelta(days=7)
FOUR_WEEKS: Final = timedelta(days=28)
COUNTED_WEEKS: Final = 8
RECENT_MONTHS: Final = 3
"""The months that can have papers of the last four weeks: a paper counts within 60 days of the
start of its id's month."""

_PapersByDay = Mapping[date, BitMap]
"""Days, and the doc ids of the papers that count on each."""


class MonthCount(NamedTuple):
    """A month (YYYYMM) and how many of its papers match."""

    month: int
    papers: int


class DayCount(NamedTuple):
    """A day and how many papers count on it."""

    day: date
    papers: int


@dataclass(frozen=True, slots=True)
class MatchCounts:
    """How many papers match in the days up to `until`, the newest day the store has papers of.

    `day` is that day alone, `month` four weeks; `year` the twelve months of `months`, oldest first.
    `weeks` has the papers of each of the last weeks, oldest first; the last ends with `until`.
    `exact` is False if some of the counted papers may not match.
    """

    until: date
    week: int
    month: int
    year: int
    months: tuple[MonthCount, ...]
    exact: bool
    weeks: tuple[int, ...] = ()
    day: int = 0


class TotalCount(NamedTuple):
    """How many papers match of all; `exact` is False if some of them may not match."""

    papers: int
    exact: bool


class MatchCounter:
    """Counts the papers that match a query. Raises StoreUnavailable."""

    def __init__(self, reader: IndexReader) -> None:
        self._redis, self._reader = reader.redis, reader

    def count(self, root: Node) -> MatchCounts | None:
        """Count the matches in the days up to the newest; None if the store has no papers."""
        with translate_store_errors(self._redis):
            plan = QueryPlan.of(root)
            session = self._reader.open_session(
                lambda cache: [*cache.month_requests(), *cache.term_requests(plan)]
            )
            days = _recent_days(session)
            if not days:
                return None
            until = max(days)
            months = last_months(until, COUNTED_MONTHS)
            exact, possible = _read_candidates(plan, session, months)
        if blocks := session.cache.known_blocks:
            possible = possible - BitMap(blocks.doc_ids)
            exact = exact - BitMap(blocks.doc_ids)
        counts = tuple(
            MonthCount(month, possible.range_cardinality(*_doc_id_range(month))) for month in months
        )
        return MatchCounts(
            until=until,
            week=_count_after(until - WEEK, days, possible),
            month=_count_after(until - FOUR_WEEKS, days, possible),
            year=sum(count.papers for count in counts),
            months=counts,
            exact=exact == possible and (not blocks or blocks.is_by_id),
            weeks=_count_weeks(until, days, possible),
            day=_overlap(days[until], possible),
        )

    def count_all(self, root: Node) -> TotalCount:
        """Count the matches of all months: it reads what a search to its last page does."""
        with translate_store_errors(self._redis):
            plan = QueryPlan.of(root)
            session = self._reader.open_session(
                lambda cache: [*cache.month_requests(), *cache.term_requests(plan)]
            )
            exact, possible = _read_candidates(plan, session, session.cache.months or ())
        if blocks := session.cache.known_blocks:
            possible, exact = possible - BitMap(blocks.doc_ids), exact - BitMap(blocks.doc_ids)
        return TotalCount(len(possible), exact == possible and (not blocks or blocks.is_by_id))

    def papers_per_day(self, sources: Sequence[str], days: int) -> dict[str, list[DayCount]]:
        """Count the papers that each source listed on each of the store's last days, oldest first.

        Empty if the store has no papers.
        """
        with translate_store_errors(self._redis):
            session = self._reader.open_session(IndexCache.month_requests)
            recent = _recent_days(session)
            if not recent:
                return {}
            newest = max(recent)
            terms = {name: label_term(Label(LabelKind.SOURCE, name.casefold())) for name in sources}
            wanted = tuple(terms.values())
            read = session.read_postings([(session.newest_months(RECENT_MONTHS), wanted)])
        span = [newest - timedelta(days=n) for n in reversed(range(days))]
        return {
            name: [DayCount(day, _overlap(recent.get(day), read.bitmap_of(term))) for day in span]
            for name, term in terms.items()
        }

    def papers_per_category(self, categories: Sequence[str], days: int) -> dict[str, int]:
        """Count the papers of each category in the store's last days; without those with none."""
        with translate_store_errors(self._redis):
            session = self._reader.open_session(IndexCache.month_requests)
            recent = _recent_days(session)
            if not recent:
                return {}
            after = max(recent) - timedelta(days=days)
            terms = {name: label_term(Label(LabelKind.CATEGORY, name)) for name in categories}
            wanted = tuple(terms.values())
            read = session.read_postings([(session.newest_months(RECENT_MONTHS), wanted)])
        counted = BitMap.union(*(papers for day, papers in recent.items() if day > after))
        counts = {name: _overlap(read.bitmap_of(term), counted) for name, term in terms.items()}
        return {name: count for name, count in counts.items() if count}


def _recent_days(session: ReadSession) -> _PapersByDay:
    """Return the papers of each day of the newest months, read once per revision."""
    cached = session.cache.recent_days
    if cached is not None:
        return cached
    months = session.newest_months(RECENT_MONTHS)
    read = session.read_postings([(months, ALL_DAY_TERMS)])
    found: defaultdict[date, BitMap] = defaultdict(BitMap)
    for month, term in product(months, ALL_DAY_TERMS):
        if papers := read.bitmap_of(term, [month]):
            found[month_day_range(month)[0] + timedelta(days=int(term[1:]))] |= papers
    session.cache.add_recent_days(days := dict(found))
    return days


def _read_candidates(plan: QueryPlan, session: ReadSession, months: Sequence[int]) -> Candidates:
    """Return the candidates of some months; ambiguous phrases are probed by all their words."""
    plan = plan.without_absent_spellings(session.cache.term_months)
    expansions = session.cache.prefix_expansions(plan)
    assert expansions is not None, "the session began by reading the prefixes' words"
    possible = frozenset(session.cache.candidate_months(plan))
    wanted = tuple(month for month in months if month in possible)
    final, read = session.read_refined(plan.with_expansions(expansions).to_count(), wanted)
    return final.evaluate(read)


def _doc_id_range(month: int) -> tuple[int, int]:
    """Return the first doc id of a month, and that of the next month."""
    return month_ordinal(month) << 16, (month_ordinal(month) + 1) << 16


def _overlap(papers: BitMap | None, others: BitMap) -> int:
    return papers.intersection_cardinality(others) if papers else 0


def _count_after(after: date, days: _PapersByDay, found: BitMap) -> int:
    """Count the papers found that count on a day later than `after`."""
    return sum(_overlap(papers, found) for day, papers in days.items() if day > after)


def _count_weeks(until: date, days: _PapersByDay, found: BitMap) -> tuple[int, ...]:
    """Count the papers found in each of the weeks up to a day, oldest first."""
    after = [_count_after(until - n * WEEK, days, found) for n in range(COUNTED_WEEKS + 1)]
    return tuple(longer - shorter for shorter, longer in reversed(list(pairwise(after))))


def last_months(until: date, count: int) -> list[int]:
    """Return the last months (YYYYMM) up to the month of a day, oldest first."""
    newest = until.year * 12 + until.month - 1
    return [(n // 12) * 100 + n % 12 + 1 for n in range(newest - count + 1, newest + 1)]
