"""What an ingest did, by month and in all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper


@dataclass(frozen=True, slots=True)
class MonthResult:
    """Ids of new papers, ids of visibly changed ones, and the number of all others.

    `replaced` are the changed ones as they were before. `may_hide_changes`: the connection broke in
    an attempt, which may have been carried out; then the next one found less to change.
    """

    new: tuple[ArxivId, ...] = ()
    changed: tuple[ArxivId, ...] = ()
    unchanged: int = 0
    replaced: tuple[Paper, ...] = ()
    may_hide_changes: bool = False


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What an ingest did: new ids, ids that changed for readers, and the number of other papers."""

    new: tuple[ArxivId, ...]
    changed: tuple[ArxivId, ...]
    unchanged: int

    @classmethod
    def of(cls, months: Sequence[MonthResult]) -> IngestResult:
        """Add up the results of months, in their order."""
        return cls(
            new=tuple(id for month in months for id in month.new),
            changed=tuple(id for month in months for id in month.changed),
            unchanged=sum(month.unchanged for month in months),
        )
