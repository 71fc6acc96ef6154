"""The task `retention`: removes months older than `keep_months`, once a day.

It fetches nothing, but has a state like any other task, which pages and commands show. Records of
older months from sources, loads and backfills are skipped (`workers.ingest.store_batch`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from papers.counted import format_counted
from papers.errors import BadParameter
from papers.maintenance.retention import RemovalResult, Retention, first_kept_month
from workers.sources.result import FetchResult, UpstreamClients

RETENTION_TASK: Final = "retention"


class RetentionTask:
    """Removes the months beyond the setting `keep_months`."""

    def __init__(self, retention: Retention) -> None:
        self._retention = retention

    def fetch(
        self, subject: str, upstreams: UpstreamClients, now: datetime
    ) -> Iterator[FetchResult]:
        """Remove; yield one result that says what was removed. Raises BadParameter, StoreError."""
        if subject:
            raise BadParameter(
                "task", f"'{RETENTION_TASK}:{subject}': there is only {RETENTION_TASK}"
            )
        keep_months = upstreams.settings.keep_months
        first = first_kept_month(keep_months, now)
        removed = self._retention.remove_before(first, now=now) if first else RemovalResult((), 0)
        policy = f"keep_months is {keep_months}" if keep_months else "everything is kept"
        yield FetchResult(record_count=removed.papers, message=f"{policy}; {_summary(removed)}")


def _summary(removed: RemovalResult) -> str:
    if not removed.months:
        return "nothing was older"
    first, last = removed.months[0], removed.months[-1]
    span = f"{first}" if first == last else f"{first} to {last}"
    papers = format_counted(removed.papers, "paper")
    months = format_counted(len(removed.months), "month")
    return f"removed {papers} of {months} ({span})"
