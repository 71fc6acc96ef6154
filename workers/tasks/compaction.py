"""The task `closing`: compacts the postings of past months, once a day.

It fetches nothing, but has a state like any other task, which pages and commands show. During a
backfill nothing is compacted: growing months are written faster on their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final, TypeVar

from papers.errors import BadParameter
from papers.index.compaction.compactor import CompactionSlice, Compactor, first_open_month
from workers.sources.result import FetchResult, UpstreamClients
from workers.tasks.backfill import BackfillPlans

T = TypeVar("T")

COMPACTION_TASK: Final = "closing"


class CompactionTask:
    """Compacts the segments of past months, one slice in each attempt: other tasks run between."""

    def __init__(self, compactor: Compactor, plans: BackfillPlans) -> None:
        self._compactor, self._plans = compactor, plans

    def fetch(
        self, subject: str, upstreams: UpstreamClients, now: datetime
    ) -> Iterator[FetchResult]:
        """Compact a slice; yield one result. Raises BadParameter, StoreError."""
        if subject:
            raise BadParameter(
                "task", f"'{COMPACTION_TASK}:{subject}': there is only {COMPACTION_TASK}"
            )
        if self._plans.get():
            yield FetchResult(message="waits for the backfill to end")
            return
        done = self._compactor.compact_slice(first_open_month(now))
        message = _summary(done)
        count = int(done.changed_year is not None)
        yield FetchResult(record_count=count, message=message, has_more=done.has_more)


def compact_behind(compactor: Compactor, progress: Iterable[T]) -> Iterator[T]:
    """Pass on the progress of a load, and compact the years that it leaves behind.

    Months that are not compacted take half as much memory again. A load in the order of months
    leaves a year behind when the newest month is of another; one that returns to older months
    compacts none.
    """
    year, _ = divmod(compactor.newest_month(), 100)
    for step in progress:
        newest_year, month = divmod(compactor.newest_month(), 100)
        if newest_year > year and month > 1:  # earlier months are stored by then
            compactor.compact_before(newest_year * 100)
            year = newest_year
        yield step


def _summary(done: CompactionSlice) -> str:
    if done.changed_year:
        return f"compacted the months of {done.changed_year}"
    return "compacting the months of a year" if done.has_more else "nothing to compact"
