"""What every way into the store has in common: poison is set aside alone, old months stay away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from papers.model.paper import Paper, Sighting
from papers.store import IngestResult, Store

_POISON_ERRORS: Final = (ValueError, TypeError, LookupError, ArithmeticError)
"""What a record raises that cannot be merged or packed."""

_NOTHING_INGESTED: Final = IngestResult((), (), 0)


@dataclass(frozen=True, slots=True)
class Poison:
    """What could not be stored, and why."""

    record: Sighting | Paper
    reason: str

    @property
    def excerpt(self) -> str:
        """What a person needs to see of it."""
        return repr(self.record)[:500]


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What storing did, what it could not store, and how many papers are of months too old."""

    ingested: IngestResult = _NOTHING_INGESTED
    poison: tuple[Poison, ...] = ()
    too_old: int = 0


def store_batch(
    store: Store, records: Sequence[Sighting | Paper], now: datetime, first_month: int = 0
) -> BatchResult:
    """Store all of the months (YYYYMM) since `first`. Raises StoreError."""
    kept = [one for one in records if one.id.month >= first_month]
    too_old = {one.id for one in records if one.id.month < first_month}
    return _store_or_bisect(store, kept, now, len(too_old))


def _store_or_bisect(
    store: Store, records: Sequence[Sighting | Paper], now: datetime, too_old: int = 0
) -> BatchResult:
    """Store all; where one is poisonous, half by half, so that it alone is left out."""
    try:
        return BatchResult(store.ingest(records, now=now), too_old=too_old)
    except _POISON_ERRORS as error:
        if len(records) == 1:
            return BatchResult(poison=(Poison(records[0], f"cannot be stored: {error!r}"),))
    middle = len(records) // 2
    a, b = (
        _store_or_bisect(store, records[:middle], now),
        _store_or_bisect(store, records[middle:], now),
    )
    one, other = a.ingested, b.ingested
    both = IngestResult(
        one.new + other.new, one.changed + other.changed, one.unchanged + other.unchanged
    )
    return BatchResult(both, a.poison + b.poison, too_old)
