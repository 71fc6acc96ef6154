"""The scheduler's tick: what is due is woken, once, whoever ticks.

    only the holder of the lease ticks           any number of schedulers may run
    settle ingests that were cut short
    plan: every configured task is in the due set, and nothing else
    claim what is due, which moves its time on, and wake a worker for it

A wake-up (an RQ job) may be lost: then the claim runs out and the task is due again. It may come
twice or late: then `workers.jobs` finds the task done since, and does nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from redis import Redis

from papers.config.settings import Seconds, Settings
from papers.redis_backend import keys
from papers.state.communities import Communities, community_task
from papers.state.keywords import Keywords, initial_fetch_task
from papers.state.task_states import TaskStates
from papers.store import Store
from workers.notify import websub
from workers.notify.mail import mail_tasks
from workers.schedule.lease import Lease
from workers.tasks import backfill, compaction, reconcile, retention

log = logging.getLogger(__name__)

CLAIM_TTL: Final = timedelta(seconds=60)
"""How long a worker has from a wake-up, and from each beat of its run, to be heard of."""

LEASE_SECONDS: Final[Seconds] = 30.0

MAX_PLAN_AHEAD: Final = timedelta(days=5)
"""No task is planned for later: such a time is from a clock that was wrong, and has been set."""

EnqueueTask = Callable[[str, datetime], None]
"""Send a worker a wake-up for a task, saying when."""

QueueLength = Callable[[], int]
"""How many wake-ups no worker has taken yet."""


class Scheduler:
    """One of any number of schedulers."""

    def __init__(
        self, redis: Redis, settings: Settings, enqueue: EnqueueTask, queue_length: QueueLength
    ) -> None:
        self._settings, self._enqueue, self._queue_length = settings, enqueue, queue_length
        self._lease = Lease(redis, keys.SCHEDULER_LEASE, LEASE_SECONDS)
        self._states, self._keywords = TaskStates(redis), Keywords(redis)
        self._communities = Communities(redis, settings)
        self._store = Store(redis)
        self._backfill_plans = backfill.BackfillPlans(redis)

    def tick(self, now: datetime) -> list[str]:
        """See the module; the tasks that were woken. Raises StoreAway."""
        if not self._lease.acquire():
            return []
        self._store.settle(now=now)
        planned = self._sync_due_set(now)
        if self._queue_length() >= 2 * planned:
            return []  # no worker is there: more wake-ups would only pile up
        due = self._states.due_tasks(now)
        woken = [task for task in due if self._states.claim(task, now, now + CLAIM_TTL)]
        for task in woken:
            self._enqueue(task, now)
        return woken

    def resign(self) -> None:
        """Let another scheduler tick at once. Raises StoreAway."""
        self._lease.release()

    def _sync_due_set(self, now: datetime) -> int:
        """Make the due set hold what is configured; how many tasks that is."""
        times = self._states.due_times()
        planned = set(times)
        standing = set(recurring_tasks(self._communities.effective_settings()))
        if self._backfill_plans.get():
            standing.add(backfill.BACKFILL_TASK)
        fills = {initial_fetch_task(keyword.slug) for keyword in self._keywords.all()}
        filled = {state.name for state in self._states.all() if state.succeeded_at}
        for task in sorted((standing | (fills - filled)) - planned):
            self._states.schedule(task, now)
        for task in [task for task, at in times.items() if at > now + MAX_PLAN_AHEAD]:
            log.warning("%s was due at a time that cannot be; it is due now", task)
            self._states.schedule(task, now)
        for task in sorted(planned - standing - fills):
            log.info("%s is no longer configured", task)
            self._states.delete_task(task)
        return len(standing | fills)


def recurring_tasks(settings: Settings) -> list[str]:
    """The tasks that settings ask for; the first fills of keywords come and go beside them.

    Saved communities are in `Communities.settings()`.
    """
    huggingface = ["hf:today", "hf:recent"] if settings.huggingface else []
    return [
        *(f"announcements:{category}" for category in settings.categories),
        *([reconcile.RECONCILE_TASK] if reconcile.is_reconciliation_enabled(settings) else []),
        *huggingface,
        *map(community_task, settings.communities),
        "enrich",
        *([retention.RETENTION_TASK] if settings.keep_months else []),
        compaction.COMPACTION_TASK,
        *([websub.WEBSUB_TASK] if settings.websub_hub else []),
        *mail_tasks(settings),
    ]
