"""The task `retention`: months that are older than what is kept are removed, once a day.

It is no source, but a task like theirs: it has a state, and pages and commands tell how it went.
What sources, loads and backfills say of older months is passed over (`workers.ingest.store_batch`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from papers.errors import BadParameter
from papers.maintenance.retention import Removed, Retention, first_kept
from workers.sources.result import Fetched, Upstreams

TASK: Final = "retention"


class Removal:
    """Removes what `keep_months` of the settings says."""

    def __init__(self, retention: Retention) -> None:
        self._retention = retention

    def fetch(self, subject: str, upstreams: Upstreams, now: datetime) -> Iterator[Fetched]:
        """Nothing is fetched; one part tells what went. Raises BadParameter, StoreError."""
        if subject:
            raise BadParameter("task", f"'{TASK}:{subject}': there is only {TASK}")
        keep = upstreams.settings.keep_months
        first = first_kept(keep, now)
        removed = self._retention.remove_before(first, now=now) if first else Removed((), 0)
        kept = f"{keep} months are kept" if keep else "everything is kept"
        yield Fetched(got=removed.papers, said=f"{kept}; {_said(removed)}")


def _said(removed: Removed) -> str:
    if not removed.months:
        return "nothing was older"
    first, last = removed.months[0], removed.months[-1]
    span = f"{first}" if first == last else f"{first} to {last}"
    return f"removed {removed.papers:,} papers of {len(removed.months)} months ({span})"
