"""What every way into the store has in common: poison is set aside alone, old months stay away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from papers.model.paper import Paper, Sighting
from papers.store import Ingested, Store

_POISON: Final = (ValueError, TypeError, LookupError, ArithmeticError)
"""What a record raises that cannot be merged or packed."""

_NOTHING: Final = Ingested((), (), 0)


@dataclass(frozen=True, slots=True)
class Poison:
    """What could not be stored, and why."""

    said: Sighting | Paper
    reason: str

    @property
    def excerpt(self) -> str:
        """What a person needs to see of it."""
        return repr(self.said)[:500]


@dataclass(frozen=True, slots=True)
class Stored:
    """What storing did, what it could not store, and how many papers are of months too old."""

    done: Ingested = _NOTHING
    poison: tuple[Poison, ...] = ()
    too_old: int = 0


def stored(store: Store, said: Sequence[Sighting | Paper], now: datetime, first: int = 0) -> Stored:
    """Store all of the months (YYYYMM) since `first`. Raises StoreError."""
    kept = [one for one in said if one.id.month >= first]
    too_old = {one.id for one in said if one.id.month < first}
    return _stored(store, kept, now, len(too_old))


def _stored(
    store: Store, said: Sequence[Sighting | Paper], now: datetime, too_old: int = 0
) -> Stored:
    """Store all; where one is poisonous, half by half, so that it alone is left out."""
    try:
        return Stored(store.ingest(said, now=now), too_old=too_old)
    except _POISON as error:
        if len(said) == 1:
            return Stored(poison=(Poison(said[0], f"cannot be stored: {error!r}"),))
    middle = len(said) // 2
    a, b = _stored(store, said[:middle], now), _stored(store, said[middle:], now)
    one, other = a.done, b.done
    both = Ingested(
        one.new + other.new, one.changed + other.changed, one.unchanged + other.unchanged
    )
    return Stored(both, a.poison + b.poison, too_old)
