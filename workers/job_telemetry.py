"""Counts what jobs do: waits in the queue, tasks by outcome, papers, and the delay of news."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from papers.model.epoch import to_epoch
from papers.state.task_states import TaskState
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


def record_wait(recorder: MetricRecorder, enqueued_at: float | None, now: datetime) -> None:
    """Count how long a wake-up waited for a worker."""
    if enqueued_at is not None:
        recorder.observe(QUEUE_SECONDS, max(0.0, to_epoch(now) - enqueued_at))


def record_task(
    recorder: MetricRecorder, report: TaskReport, previous: TaskState | None, now: datetime
) -> None:
    """Count a task that ended at `now`; `previous` is its state before."""
    state = report.state
    kind = kind_of(state.name)
    seconds = (now - state.attempted_at).total_seconds()
    recorder.observe(TASK_SECONDS, max(0.0, seconds), kind, str(state.state))
    for result, amount in (("new", report.new), ("changed", report.changed)):
        if amount:
            recorder.count(INGESTED_PAPERS, kind, result, amount=amount)
    if kind == _ANNOUNCEMENTS and report.new and previous:
        delay = (now - previous.attempted_at).total_seconds()
        recorder.observe(ANNOUNCEMENT_SECONDS, max(0.0, delay))
