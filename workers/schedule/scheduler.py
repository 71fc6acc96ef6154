"""The scheduler's tick: enqueues every task that is due, once, however many schedulers run.

    only the holder of the lease ticks
    settle ingests that were interrupted
    synchronize: the due set contains the tasks called for, and no others
    sweep: plan initial fetches that nobody has planned, of some keywords in turn
    claim each due task, which postpones it, and enqueue a wake-up for it

A tick costs the same with any number of saved keywords. Of the initial fetches that are due, one is
sent to a worker at a time, on a queue of its own, so that no announcement waits for more.

A wake-up (an RQ job) may be lost: then the claim expires and the task is due again. It may be
repeated or late: then `workers.jobs` finds that the task ran since, and does nothing.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from redis import Redis

from papers.config.settings import Seconds, Settings
from papers.errors import StoreError
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors
from papers.redis_backend.revision import follow_failovers
from papers.state.communities import Communities
from papers.state.initial_fetches import move_initial_fetches
from papers.state.task_states import TaskStates
from papers.store import Store
from workers.schedule.lease import Lease
from workers.schedule.task_kind import TaskKind

log = logging.getLogger(__name__)

CLAIM_TTL: Final = timedelta(seconds=60)
"""How long a claim lasts after a wake-up, and after each heartbeat of its job."""

LEASE_SECONDS: Final[Seconds] = 30.0

MAX_PLAN_AHEAD: Final = timedelta(days=5)
"""No task is due later: such a time is from a clock that was wrong and has been set."""

MAX_INITIAL_FETCHES: Final = 1
"""Initial fetches that wait for a worker or run: arXiv's rate limit lets one request through at a
time, and more would only keep workers from other tasks."""

EnqueueTask = Callable[[str, datetime], None]
"""`enqueue(task, now)` sends a worker the wake-up for a task."""

QueueLength = Callable[[], int]
"""Returns the number of wake-ups that no worker has taken yet; for a background queue, also those
that run."""


class Scheduler:
    """One of any number of schedulers. `kinds` has the row of each kind of task.

    `queue_length` is of the queue of all but initial fetches and backfills, `background_count` of
    theirs.
    """

    def __init__(
        self,
        redis: Redis,
        settings: Settings,
        kinds: Mapping[str, TaskKind],
        enqueue: EnqueueTask,
        queue_length: QueueLength,
        background_count: QueueLength = lambda: 0,
    ) -> None:
        self._redis, self._kinds, self._settings = redis, kinds, settings
        self._enqueue, self._queue_length = enqueue, queue_length
        self._background_count = background_count
        self._lease = Lease(redis, keys.SCHEDULER_LEASE, LEASE_SECONDS)
        self._states, self._store = TaskStates(redis), Store(redis)
        self._communities = Communities(redis, settings)
        self._cursors: dict[str, int] = {}

    def tick(self, now: datetime) -> list[str]:
        """Perform one tick (see the module); return the tasks woken. Raises StoreUnavailable."""
        if not self._lease.acquire():
            return []
        self._store.settle(now=now)
        self._follow_failovers()
        move_initial_fetches(self._redis)
        planned = self._sync_due_set(now)
        self._plan_missing(now)
        if self._queue_length() >= 2 * planned:
            return []  # no worker is running: more wake-ups would only pile up
        budget = max(0, MAX_INITIAL_FETCHES - self._background_count())
        due = self._states.due_tasks(now, max_initial_fetches=budget)
        woken = [task for task in due if self._states.claim(task, now, now + CLAIM_TTL)]
        for task in woken:
            self._enqueue(task, now)
        return woken

    def _follow_failovers(self) -> None:
        """Have readers read again after a failover in the cluster; a cluster that is away can wait.

        Schedules and queues are in the plain Redis: sources are fetched on time.
        """
        with contextlib.suppress(StoreError), translate_store_errors(self._redis):
            follow_failovers(self._redis)

    def resign(self) -> None:
        """Release the lease, for another scheduler to tick at once. Raises StoreUnavailable."""
        self._lease.release()

    def _sync_due_set(self, now: datetime) -> int:
        """Make the due set hold the tasks called for; return how many those are."""
        times = self._states.due_times()
        planned = set(times)
        called_for = self._tasks_called_for()
        for task in sorted(called_for - planned):
            self._states.schedule(task, now)
        for task in [task for task, at in times.items() if at > now + MAX_PLAN_AHEAD]:
            log.warning("%s was due at an implausible time; it is due now", task)
            self._states.schedule(task, now)
        for task in sorted(planned - called_for):
            log.info("%s is no longer configured", task)
            self._states.delete_task(task)
        return len(called_for)

    def _tasks_called_for(self) -> set[str]:
        """The tasks that settings and store call for, but those that succeed once."""
        settings = self._communities.effective_settings()
        called_for = set[str]()
        for kind in self._kinds.values():
            called_for.update(kind.recurring(settings), kind.pending(self._redis))
        return called_for

    def _plan_missing(self, now: datetime) -> None:
        """Schedule the tasks that the next step of each sweep finds missing."""
        for name, kind in self._kinds.items():
            if kind.sweep:
                cursor = self._cursors.get(name, 0)
                cursor, missing = kind.sweep(self._redis, cursor, self._settings, now)
                self._cursors[name] = cursor
                for task in missing:
                    self._states.schedule(task, now)
