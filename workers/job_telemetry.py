"""Counts what jobs do: waits in the queue, tasks by outcome, papers, and the delay of news."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from papers.model.arxiv_calendar import newest_announcement
from papers.model.dates import to_epoch
from papers.telemetry.metric_recorder import MetricRecorder
from papers.telemetry.metric_table import (
    ANNOUNCEMENT_SECONDS,
    INGESTED_PAPERS,
    QUEUE_SECONDS,
    TASK_SECONDS,
)
from workers.ingest.pipeline import TaskReport
from workers.schedule.task_kind import kind_of

_ANNOUNCEMENTS: Final = "announcements"
_KNOWN_WITHIN: Final = timedelta(hours=1)


def record_wait(recorder: MetricRecorder, enqueued_at: float | None, now: datetime) -> None:
    """Count how long a wake-up waited for a worker."""
    if enqueued_at is not None:
        recorder.observe(QUEUE_SECONDS, max(0.0, to_epoch(now) - enqueued_at))


def record_task(
    recorder: MetricRecorder, report: TaskReport, missing_at: datetime | None, now: datetime
) -> None:
    """Count a task that ended at `now`; `missing_at`: when announcements were last missing."""
    state = report.state
    kind = kind_of(state.name)
    seconds = (now - state.attempted_at).total_seconds()
    recorder.observe(TASK_SECONDS, max(0.0, seconds), kind, str(state.state))
    for result, amount in (("new", report.new), ("changed", report.changed)):
        if amount:
            recorder.count(INGESTED_PAPERS, kind, result, amount=amount)
    if kind == _ANNOUNCEMENTS and report.new:
        _record_delay(recorder, missing_at, now)


def _record_delay(recorder: MetricRecorder, missing_at: datetime | None, now: datetime) -> None:
    """Count the delay of an announcement, if it is known when it was not there yet.

    It was not before midnight; but of one found much later without a request in between, as after
    an outage, nobody knows when it came.
    """
    midnight = newest_announcement(now)
    since = max(midnight, missing_at) if missing_at else midnight
    if since > midnight or now - midnight < _KNOWN_WITHIN:
        recorder.observe(ANNOUNCEMENT_SECONDS, max(0.0, (now - since).total_seconds()))
