"""The initial fetch of a keyword on its page: what is fetched, how far it is, how long it takes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from papers.state.initial_fetches import InitialFetchStatus
from papers.state.task_states import Progress
from service.markup.day_format import format_moment

UNATTENDED_AFTER: Final = timedelta(minutes=10)
"""A fetch that waits for so long is not polled for: no worker runs, or its turn is far."""


@dataclass(frozen=True, slots=True)
class FirstFetch:
    """The initial fetch under way on a page.

    `is_watched`: the page updates itself until it is over. `failure` is why the last attempt
    failed, `next_at` when the next one is, in words.
    """

    progress: Progress | None
    is_watched: bool
    failure: str = ""
    next_at: str = ""

    @property
    def seconds_left(self) -> int | None:
        """About how long it takes; None while that is unknown."""
        run = self.progress
        if run is None or run.remaining is None or not run.records_per_second:
            return None
        return max(1, round(run.remaining / run.records_per_second))


def first_fetch(status: InitialFetchStatus, now: datetime) -> FirstFetch | None:
    """Return what a page says of an initial fetch; None if it is over, or none is planned."""
    if status.is_done or status.due_at is None:
        return None
    failed = status.state if status.state and status.state.failures else None
    waits = failed is not None or now - status.due_at > UNATTENDED_AFTER
    return FirstFetch(
        status.progress,
        is_watched=status.progress is not None or not waits,
        failure=failed.said if failed else "",
        next_at=format_moment(status.due_at, now.year) if failed else "",
    )


def fetch_period(status: InitialFetchStatus, fetch: FirstFetch | None) -> str:
    """Return a text that changes with what a page says of the fetch: its cached page ends then."""
    if fetch is None:
        return "done" if status.is_done else "none"
    return f"fetch {fetch!r}"
