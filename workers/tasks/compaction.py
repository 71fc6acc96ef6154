"""The task `closing`: the postings of months that are over are put together, once a day.

It is no source, but a task like theirs: it has a state, and pages and commands tell how it went.
While years are filled backwards nothing is closed: months that grow are written faster alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final, TypeVar

from papers.errors import BadParameter
from papers.index.compaction.compactor import Compactor, first_open_month
from workers.sources.result import FetchResult, UpstreamClients
from workers.tasks.backfill import BackfillPlans

T = TypeVar("T")

COMPACTION_TASK: Final = "closing"


class CompactionTask:
    """Closes the months that are over."""

    def __init__(self, closing: Compactor, plans: BackfillPlans) -> None:
        self._closing, self._plans = closing, plans

    def fetch(
        self, subject: str, upstreams: UpstreamClients, now: datetime
    ) -> Iterator[FetchResult]:
        """Nothing is fetched; one part tells what was done. Raises BadParameter, StoreError."""
        if subject:
            raise BadParameter(
                "task", f"'{COMPACTION_TASK}:{subject}': there is only {COMPACTION_TASK}"
            )
        if self._plans.get():
            yield FetchResult(message="waits for the backfill to end")
            return
        years = self._closing.compact_before(first_open_month(now))
        yield FetchResult(record_count=len(years), message=_summary(years))


def compact_behind(closing: Compactor, moments: Iterable[T]) -> Iterator[T]:
    """Go through the moments of a load, and close the years that it leaves behind.

    Open months take half as much memory again. A load that goes in the order of months leaves a
    year behind when its newest is in another; one that comes back to months closes none.
    """
    year, _ = divmod(closing.newest_month(), 100)
    for moment in moments:
        now, month = divmod(closing.newest_month(), 100)
        if now > year and month > 1:  # what came before is stored by then
            closing.compact_before(now * 100)
            year = now
        yield moment


def _summary(years: Sequence[int]) -> str:
    if not years:
        return "nothing was open that is over"
    return f"put together the months of {', '.join(map(str, years))}"
