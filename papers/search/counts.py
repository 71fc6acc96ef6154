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

from papers.index.terms import EVERY_DAY, label_term
from papers.model.arxiv_id import month_place
from papers.query.ast import Kind, Label, Node
from papers.query.match import month_days
from papers.redis_backend.connection import store_errors
from papers.search.asked import Asked
from papers.search.evaluate import Candidates
from papers.search.index_cache import Memory
from papers.search.plan import Plan
from papers.search.reader import Reader, Reading

MONTHS: Final = 12
WEEK: Final = timedelta(days=7)
FOUR_WEEKS: Final = timedelta(days=28)
LATE_MONTHS: Final = 3
"""So many months can have papers of the last four weeks: one counts within 60 days of its month."""

_Days = dict[date, BitMap]
"""The papers, as places, that count under each day."""


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
    """Counts what a reader reads; remembers the days of the newest revision. Raises StoreAway."""

    def __init__(self, reader: Reader) -> None:
        self._redis, self._reader = reader.redis, reader
        self._days: tuple[Memory | None, _Days] = (None, {})

    def count(self, tree: Node) -> Counts | None:
        """How many papers a tree finds in the days up to the newest; None of an empty store."""
        with store_errors(self._redis):
            asked = Asked.of(tree)
            reading = self._reader.begin(lambda m: [*m.months_asked(), *m.words_asked(asked)])
            days = self._late_days(reading)
            if not days:
                return None
            until = max(days)
            months = last_months(until, MONTHS)
            sure, maybe = _found(asked, reading, months)
        bars = tuple(Bar(month, maybe.range_cardinality(*_places(month))) for month in months)
        return Counts(
            until=until,
            week=_since(until - WEEK, days, maybe),
            month=_since(until - FOUR_WEEKS, days, maybe),
            year=sum(bar.papers for bar in bars),
            months=bars,
            exact=sure == maybe,
        )

    def per_day(self, sources: Sequence[str], days: int) -> dict[str, list[Day]]:
        """How many papers each source named of each of the store's last days, oldest first."""
        with store_errors(self._redis):
            reading = self._reader.begin(Memory.months_asked)
            late = self._late_days(reading)
            if not late:
                return {}
            newest = max(late)
            terms = {name: label_term(Label(Kind.SOURCE, name.casefold())) for name in sources}
            asked = list(terms.values())
            read = reading.postings([(reading.newest_months(LATE_MONTHS), asked)])
        span = [newest - timedelta(days=n) for n in reversed(range(days))]
        return {
            name: [Day(day, _shared(late.get(day), read.of(term))) for day in span]
            for name, term in terms.items()
        }

    def _late_days(self, reading: Reading) -> _Days:
        """The papers of each day of the newest months; put together once a revision."""
        memory, days = self._days
        if memory is not reading.memory:
            months = reading.newest_months(LATE_MONTHS)
            read = reading.postings([(months, EVERY_DAY)])
            found: defaultdict[date, BitMap] = defaultdict(BitMap)
            for month, term in product(months, EVERY_DAY):
                if papers := read.of(term, [month]):
                    found[month_days(month)[0] + timedelta(days=int(term[1:]))] |= papers
            days = dict(found)
            self._days = (reading.memory, days)
        return days


def _found(asked: Asked, reading: Reading, months: Sequence[int]) -> Candidates:
    """What may match in some months."""
    expansions = reading.memory.expansions(asked)
    assert expansions is not None, "asked for before"
    plan, possible = Plan(asked, expansions), set(reading.memory.possible(asked))
    here = tuple(month for month in months if month in possible)
    return reading.candidates(plan, here, lambda _: plan.with_words())[1]


def _places(month: int) -> tuple[int, int]:
    """Where a month's places begin, and the next one's."""
    return month_place(month) << 16, (month_place(month) + 1) << 16


def _shared(papers: BitMap | None, others: BitMap) -> int:
    return papers.intersection_cardinality(others) if papers else 0


def _since(before: date, days: _Days, found: BitMap) -> int:
    """How many candidates are of days after one."""
    return sum(_shared(papers, found) for day, papers in days.items() if day > before)


def last_months(until: date, count: int) -> list[int]:
    """The last months (YYYYMM) up to that of a day, oldest first."""
    at = until.year * 12 + until.month - 1
    return [(n // 12) * 100 + n % 12 + 1 for n in range(at - count + 1, at + 1)]
