"""The one job that RQ runs: `workers.jobs.run`, a task by name.

A job is a wake-up call that may be lost, late or repeated. What makes it right is here: a lock of
the task's own, a look whether the task was done since the call, and a claim in the due set that
runs out if nobody is heard of.

`run` stands in Redis by its dotted name: it is never renamed.
"""

from __future__ import annotations

import logging
import os
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, Final

from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from papers.config.settings import Seconds, Settings, discover
from papers.errors import BadInput, NotFound, StoreError
from papers.index.compaction.compactor import Closing
from papers.maintenance import migrations
from papers.maintenance.retention import Retention
from papers.redis_backend import keys
from papers.redis_backend.connection import connect
from papers.state.communities import Communities
from papers.state.keywords import Keywords
from papers.state.task_states import SourceState, SourceStates
from papers.store import Store
from workers.ingest.expected_volume import Usual
from workers.ingest.pipeline import Clock, Ingest, Report
from workers.notify.mail import Digests
from workers.notify.websub import WebSub
from workers.registry import SOURCES
from workers.schedule.lease import Lease, beating
from workers.schedule.scheduler import CLAIM
from workers.sources.result import Upstreams
from workers.tasks import announcements
from workers.tasks.backfill import Backfill, Plans
from workers.tasks.compaction import Closer
from workers.tasks.enrich import Enrichment
from workers.tasks.initial_fetch import FirstFill
from workers.tasks.reconcile import Reconciliation, is_wanted
from workers.tasks.retention import Removal

log = logging.getLogger(__name__)

QUEUE: Final = "paperwire"
RUN: Final = "workers.jobs.run"

LOCK: Final[Seconds] = CLAIM.total_seconds()
"""A task whose job died can run again after so long."""

FAILURE_TTL: Final = 3600
TIMEOUTS: Final = {
    **dict.fromkeys(("announcements", "enrich", "backfill"), 900),
    **dict.fromkeys(("oai", "retention", "closing"), 3600),
    "fill": 1800,
}
TIMEOUT: Final = 300
"""Seconds a job may take: those that ask arXiv many times wait long for their turns."""


class Stopping(BaseException):
    """The worker was told to stop; the task is to be run again by another."""


def run(task: str, asked_at: float | None = None) -> dict[str, Any]:
    """Run a task now, unless it was run since `asked_at` (seconds since 1970).

    Returns what happened, fit for JSON. Raises BadSettings, StoreError.
    """
    settings = discover(os.environ)
    with closing(connect(settings.redis_url, patient=True)) as redis:
        return TaskRun(redis, settings, lambda: datetime.now(UTC)).run(task, asked_at)


class TaskRun:
    """Runs tasks so that each runs once at a time, and is due again when it should be."""

    def __init__(self, redis: Redis, settings: Settings, clock: Clock) -> None:
        self._redis, self._clock = redis, clock
        self._states = SourceStates(redis)
        self._ingest = pipeline(redis, settings, clock)

    def run(self, task: str, asked_at: float | None) -> dict[str, Any]:
        """See `run`."""
        lock = Lease(self._redis, keys.task_lock(task), LOCK)
        if not lock.take():
            return _skipped(task, "it is being run")
        try:
            migrations.check(self._redis)
            state = self._states.get(task)
            if state and _was_run_since(state, asked_at, self._clock()):
                return _skipped(task, "it was run since")
            return self._attempt(task, lock)
        finally:
            lock.release()

    def _attempt(self, task: str, lock: Lease) -> dict[str, Any]:
        """Run with the lock and the claim kept alive, then plan the next time."""

        def beat() -> None:
            lock.take()
            self._states.make_due(task, self._clock() + CLAIM)

        try:
            with beating(beat, every=LOCK / 3):
                report = self._ingest.run(task)
        except (BadInput, NotFound) as error:
            self._states.forget(task)
            return _skipped(task, str(error))
        except StoreError:
            raise  # nothing can be recorded now; the claim runs out
        except Stopping:
            self._states.make_due(task, self._clock())
            raise
        except Exception as error:
            self._plan(task, self._ingest.fail(task, f"unexpected: {error!r}"))
            raise
        self._plan(task, report.state)
        return _summary(task, report)

    def _plan(self, task: str, state: SourceState) -> None:
        if state.next_at is None:
            self._states.unplan(task)
        else:
            self._states.make_due(task, state.next_at)


def pipeline(redis: Redis, settings: Settings, clock: Clock) -> Ingest:
    """Every source of the settings, and every saved one, joined to the store."""
    store = Store(redis)
    upstreams = Upstreams.over(redis, Communities(redis, settings).settings())
    sources = {
        **SOURCES,
        "announcements": announcements.fetch,
        "enrich": Enrichment(store, redis).fetch,
        "fill": FirstFill(Keywords(redis)).fetch,
        "oai": Reconciliation(store, SourceStates(redis)).fetch,
        "mail": Digests(store, Keywords(redis), redis).fetch,
        "websub": WebSub(store, Keywords(redis), redis).fetch,
        "backfill": Backfill(Plans(redis)).fetch,
        "retention": Removal(Retention(redis)).fetch,
        "closing": Closer(Closing(redis), Plans(redis)).fetch,
    }
    states = SourceStates(redis)
    usual = Usual(redis, states, reconciles=is_wanted(settings))
    return Ingest(store, states, upstreams, sources, usual, clock)


def _was_run_since(state: SourceState, asked_at: float | None, now: datetime) -> bool:
    """Whether a wake-up is done with; an attempt in the future is of a clock that was wrong."""
    return asked_at is not None and asked_at <= state.attempted_at.timestamp() <= now.timestamp()


def _skipped(task: str, why: str) -> dict[str, Any]:
    log.info("%s: nothing done: %s", task, why)
    return {"task": task, "skipped": why}


def _summary(task: str, report: Report) -> dict[str, Any]:
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
        "set_aside": report.set_aside,
        "next_at": state.next_at.isoformat() if state.next_at else None,
    }


def queue(redis: Redis) -> Queue:
    """The queue that workers listen on. JSON, never pickle."""
    return Queue(QUEUE, connection=redis, serializer=JSONSerializer)


def wake(redis: Redis, task: str, now: datetime) -> None:
    """Send a wake-up call for a task."""
    queue(redis).enqueue_call(
        func=RUN,
        args=(task, now.timestamp()),
        timeout=TIMEOUTS.get(task.partition(":")[0], TIMEOUT),
        result_ttl=0,
        failure_ttl=FAILURE_TTL,
        description=task,
    )
