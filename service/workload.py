"""Workload: queued jobs, due tasks, and the processes that work them off."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from redis import Redis

from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors

OVERDUE_AFTER: Final = timedelta(minutes=3)
"""A scheduler postpones a task when it wakes it: one that stays due for longer was not woken."""

QUEUE_NAME: Final = "paperwire"
"""RQ's queue that the workers read. Workers state it themselves: a test compares the two."""
QUEUE_KEYS: Final = (f"rq:queue:{QUEUE_NAME}", f"rq:queue:{QUEUE_NAME}-background")
_WORKERS_KEY: Final = "rq:workers"
"""RQ's set of the keys of workers. That of a worker that was killed stays, its value expires."""


@dataclass(frozen=True, slots=True)
class Workload:
    """Live workers and scheduler, jobs and tasks that wait, and how many searches are cached."""

    workers: int
    has_scheduler: bool
    queued_jobs: int
    due_tasks: int
    cached_searches: int
    overdue_tasks: int = 0
    """Tasks that have been due for longer than a scheduler takes to start them."""


def read_workload(redis: Redis, now: datetime) -> Workload:
    """Read the workload in one round trip, and in another which workers are alive.

    `now` is the store's time, by which tasks are scheduled. Raises StoreError.
    """
    late = now - OVERDUE_AFTER
    with translate_store_errors(redis), redis.pipeline(transaction=False) as pipe:
        pipe.exists(keys.SCHEDULER_LEASE)
        for key in QUEUE_KEYS:
            pipe.llen(key)
        pipe.zcount(keys.DUE_TASKS, "-inf", now.timestamp())
        pipe.zcount(keys.DUE_INITIAL_FETCHES, "-inf", now.timestamp())
        pipe.zcount(keys.DUE_TASKS, "-inf", late.timestamp())
        pipe.zcard(keys.CUSTOM_RESPONSES)
        pipe.smembers(_WORKERS_KEY)
        has_scheduler, queued, in_background, due, due_fetches, overdue, cached, names = (
            pipe.execute()
        )
        live, due_tasks = _count_live(redis, names), due + due_fetches
        waiting = queued + in_background
        return Workload(live, bool(has_scheduler), waiting, due_tasks, cached, overdue)


def _count_live(redis: Redis, worker_keys: set[bytes]) -> int:
    live: Any = redis.exists(*worker_keys) if worker_keys else 0
    return int(live)
