"""The one job that RQ runs: `workers.jobs.run`, a task by name.

A job is a wake-up that may be lost, late or repeated. Correctness is ensured here: by a lock per
task, a check whether the task ran since the wake-up was sent, and a claim in the due set that
expires unless it is renewed.

`run` is stored in Redis by its dotted name: it is never renamed.
"""

from __future__ import annotations

import logging
import os
from contextlib import closing
from datetime import datetime
from typing import Any, Final

from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from papers.config.settings import Seconds, Settings, discover_settings
from papers.errors import BadInput, NotFound, StoreError
from papers.maintenance import migrations
from papers.redis_backend import keys
from papers.redis_backend.cluster.client import connect_store
from papers.redis_backend.connection import translate_store_errors
from papers.redis_backend.store_clock import store_clock
from papers.state.communities import Communities
from papers.state.task_states import TaskState, TaskStates
from papers.store import Store
from papers.telemetry.log_events import event_id
from papers.telemetry.metric_recorder import MetricRecorder
from workers import job_telemetry
from workers.ingest.expected_volume import VolumeCheck
from workers.ingest.pipeline import IngestPipeline, TaskReport
from workers.notify import channels
from workers.registry import task_kinds
from workers.schedule.announcement_times import AnnouncementTimes
from workers.schedule.clock import Clock
from workers.schedule.lease import Lease, heartbeat_thread
from workers.schedule.scheduler import CLAIM_TTL
from workers.schedule.task_kind import DEFAULT_JOB_TIMEOUT, TaskContext, kind_of
from workers.sources.result import UpstreamClients
from workers.tasks.reconcile import is_reconciliation_enabled

log = logging.getLogger(__name__)

QUEUE_NAME: Final = "paperwire"
BACKGROUND_QUEUE_NAME: Final = "paperwire-background"
"""The queue of initial fetches and backfills: workers read it when the other is empty."""
RUN_TASK_JOB: Final = "workers.jobs.run"

LOCK_SECONDS: Final[Seconds] = CLAIM_TTL.total_seconds()
"""The time after which a task whose job died can run again."""

FAILURE_TTL: Final = 3600
"""Seconds that a failed job stays in Redis."""


class TaskInterrupted(BaseException):
    """The worker was stopped; another one is to run the task again."""


def run(task: str, enqueued_at: float | None = None) -> dict[str, Any]:
    """Run a task now, unless it ran since `enqueued_at` (seconds since 1970).

    Returns a summary fit for JSON. Raises BadSettings, StoreError.
    """
    settings = discover_settings(os.environ)
    with (
        closing(connect_store(settings.redis_url, settings.store_url, retry=True)) as redis,
        event_id(),
    ):
        return TaskRunner(redis, settings, store_clock(redis)).run(task, enqueued_at)


class TaskRunner:
    """Runs each task once at a time, and schedules its next run."""

    def __init__(self, redis: Redis, settings: Settings, clock: Clock) -> None:
        self._redis, self._clock = redis, clock
        self._states, self._recorder = TaskStates(redis), MetricRecorder(redis)
        self._ingest = build_pipeline(redis, settings, clock, self._recorder)

    def run(self, task: str, enqueued_at: float | None) -> dict[str, Any]:
        """Run a task: see the module's `run`."""
        lock = Lease(self._redis, keys.task_lock(task), LOCK_SECONDS)
        if not lock.acquire():
            return _skipped(task, "it is being run")
        try:
            migrations.check_version(self._redis)
            state = self._states.get(task)
            if state and _was_run_since(state, enqueued_at, self._clock()):
                return _skipped(task, "it was run since")
            job_telemetry.record_wait(self._recorder, enqueued_at, self._clock())
            return self._attempt(task, lock)
        finally:
            lock.release()
            self._recorder.flush()

    def _attempt(self, task: str, lock: Lease) -> dict[str, Any]:
        """Run with lock and claim renewed, then schedule the next run."""

        def renew() -> None:
            lock.acquire()
            self._states.schedule(task, self._clock() + CLAIM_TTL)

        try:
            with (
                translate_store_errors(self._redis),
                heartbeat_thread(renew, interval=LOCK_SECONDS / 3),
            ):
                report = self._ingest.run(task)
        except (BadInput, NotFound) as error:
            self._states.delete_task(task)
            return _skipped(task, str(error))
        except StoreError:
            raise  # nothing can be recorded now; the claim expires
        except TaskInterrupted:
            self._states.schedule(task, self._clock())
            raise
        except Exception as error:
            self._schedule_next(task, self._ingest.record_failure(task, f"unexpected: {error!r}"))
            raise
        self._schedule_next(task, report.state)
        missing_at = AnnouncementTimes(self._redis).missing_at()
        job_telemetry.record_task(self._recorder, report, missing_at, self._clock())
        return _summary(task, report)

    def _schedule_next(self, task: str, state: TaskState) -> None:
        if state.next_at is None:
            self._states.unschedule(task)
        else:
            self._states.schedule(task, state.next_at)


def build_pipeline(
    redis: Redis, settings: Settings, clock: Clock, recorder: MetricRecorder | None = None
) -> IngestPipeline:
    """Return the pipeline of every kind of task, under the effective settings."""
    states = TaskStates(redis)
    upstreams = UpstreamClients.from_settings(
        redis, Communities(redis, settings).effective_settings(), recorder
    )
    volume_check = VolumeCheck(redis, states, can_reconcile=is_reconciliation_enabled(settings))
    context = TaskContext(Store(redis), redis)
    return IngestPipeline(
        context, states, upstreams, task_kinds(), volume_check, channels.changed, clock
    )


def _was_run_since(state: TaskState, enqueued_at: float | None, now: datetime) -> bool:
    """True if the task ran since; an attempt in the future is of a clock that was wrong."""
    return (
        enqueued_at is not None and enqueued_at <= state.attempted_at.timestamp() <= now.timestamp()
    )


def _skipped(task: str, reason: str) -> dict[str, Any]:
    log.info("%s: nothing done: %s", task, reason)
    return {"task": task, "skipped": reason}


def _summary(task: str, report: TaskReport) -> dict[str, Any]:
    state = report.state
    counts = f" ({report.new} new, {report.changed} changed)" if state.got else ""
    log.info("%s: %s: %s%s", task, state.state, state.said, counts)
    return {
        "task": task,
        "state": str(state.state),
        "said": state.said,
        "got": state.got,
        "new": report.new,
        "changed": report.changed,
        "set_aside": report.quarantined,
        "next_at": state.next_at.isoformat() if state.next_at else None,
    }


def job_queue(redis: Redis, *, background: bool = False) -> Queue:
    """Return one of the queues that workers listen on. Jobs are JSON, never pickle."""
    name = BACKGROUND_QUEUE_NAME if background else QUEUE_NAME
    return Queue(name, connection=redis, serializer=JSONSerializer)


def background_job_count(redis: Redis) -> int:
    """Return how many jobs of the background queue wait or run."""
    queue = job_queue(redis, background=True)
    return int(queue.count) + int(queue.started_job_registry.get_job_count(cleanup=False))


def enqueue_task(redis: Redis, task: str, now: datetime) -> None:
    """Send the wake-up for a task. Raises StoreError."""
    kind = task_kinds().get(kind_of(task))
    is_background = kind is not None and kind.role.is_background
    with translate_store_errors(redis):
        job_queue(redis, background=is_background).enqueue_call(
            func=RUN_TASK_JOB,
            args=(task, now.timestamp()),
            timeout=kind.timeout if kind else DEFAULT_JOB_TIMEOUT,
            result_ttl=0,
            failure_ttl=FAILURE_TTL,
            description=task,
        )
