"""Storing a batch: poison records are isolated, and papers of expired months are skipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from papers.index.writing.ingest_result import IngestResult
from papers.model.paper import Paper, Sighting
from papers.records.paper_size import size_problem
from papers.store import Store

_POISON_ERRORS: Final = (ValueError, TypeError, LookupError, ArithmeticError)
"""What a record raises that cannot be merged or packed."""

_NOTHING_INGESTED: Final = IngestResult((), (), 0)


@dataclass(frozen=True, slots=True)
class Poison:
    """A record that could not be stored, and why."""

    record: Sighting | Paper
    reason: str

    @property
    def excerpt(self) -> str:
        """The record, truncated for display."""
        title = self.record.title[:200]
        return repr(self.record._replace(title=title, abstract=self.record.abstract[:200]))[:500]


@dataclass(frozen=True, slots=True)
class BatchResult:
    """The papers stored, the poison records, and the number of papers of expired months."""

    ingested: IngestResult = _NOTHING_INGESTED
    poison: tuple[Poison, ...] = ()
    too_old: int = 0


def store_batch(
    store: Store, records: Sequence[Sighting | Paper], now: datetime, first_month: int = 0
) -> BatchResult:
    """Store the records of months since `first_month` (YYYYMM), but those of absurd size.

    Raises StoreError.
    """
    current = [record for record in records if record.id.month >= first_month]
    too_old = {record.id for record in records if record.id.month < first_month}
    problems = [(record, size_problem(record)) for record in current]
    storable = [record for record, problem in problems if not problem]
    result = _store_or_bisect(store, storable, now, len(too_old))
    oversized = tuple(Poison(record, problem) for record, problem in problems if problem)
    return replace(result, poison=(*result.poison, *oversized))


def _store_or_bisect(
    store: Store, records: Sequence[Sighting | Paper], now: datetime, too_old: int = 0
) -> BatchResult:
    """Store all records; bisect at an error, so that only the poison ones are left out."""
    try:
        return BatchResult(store.ingest(records, now=now), too_old=too_old)
    except _POISON_ERRORS as error:
        if len(records) == 1:
            poison = Poison(records[0], f"cannot be stored: {error!r}")
            return BatchResult(poison=(poison,), too_old=too_old)
    middle = len(records) // 2
    first = _store_or_bisect(store, records[:middle], now)
    second = _store_or_bisect(store, records[middle:], now)
    a, b = first.ingested, second.ingested
    ingested = IngestResult(a.new + b.new, a.changed + b.changed, a.unchanged + b.unchanged)
    return BatchResult(ingested, first.poison + second.poison, too_old)
