"""The task `closing`: the postings of months that are over are put together, once a day.

It is no source, but a task like theirs: it has a state, and pages and commands tell how it went.
While years are filled backwards nothing is closed: months that grow are written faster alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final, TypeVar

from papers.errors import BadParameter
from papers.index.compaction.compactor import Closing, first_open
from workers.sources.result import Fetched, Upstreams
from workers.tasks.backfill import Plans

T = TypeVar("T")

TASK: Final = "closing"


class Closer:
    """Closes the months that are over."""

    def __init__(self, closing: Closing, plans: Plans) -> None:
        self._closing, self._plans = closing, plans

    def fetch(self, subject: str, upstreams: Upstreams, now: datetime) -> Iterator[Fetched]:
        """Nothing is fetched; one part tells what was done. Raises BadParameter, StoreError."""
        if subject:
            raise BadParameter("task", f"'{TASK}:{subject}': there is only {TASK}")
        if self._plans.get():
            yield Fetched(said="waits for the backfill to end")
            return
        years = self._closing.close_before(first_open(now))
        yield Fetched(got=len(years), said=_said(years))


def closing_behind(closing: Closing, moments: Iterable[T]) -> Iterator[T]:
    """Go through the moments of a load, and close the years that it leaves behind.

    Open months take half as much memory again. A load that goes in the order of months leaves a
    year behind when its newest is in another; one that comes back to months closes none.
    """
    year, _ = divmod(closing.newest(), 100)
    for moment in moments:
        now, month = divmod(closing.newest(), 100)
        if now > year and month > 1:  # what came before is stored by then
            closing.close_before(now * 100)
            year = now
        yield moment


def _said(years: Sequence[int]) -> str:
    if not years:
        return "nothing was open that is over"
    return f"put together the months of {', '.join(map(str, years))}"
