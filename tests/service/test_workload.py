from __future__ import annotations

from datetime import timedelta

from redis import Redis

from papers.redis_backend import keys
from papers.state.task_states import TaskStates
from service.workload import OVERDUE_AFTER, Workload, read_workload
from tests.service.made import NOW


def test_empty_store_has_no_workload(redis: Redis) -> None:
    assert read_workload(redis, NOW) == Workload(0, False, 0, 0, 0)


def test_workload_counts_queued_jobs_and_live_processes(redis: Redis) -> None:
    redis.sadd("rq:workers", "rq:worker:alive", "rq:worker:killed")
    redis.hset("rq:worker:alive", "birth", "now")
    redis.set(keys.SCHEDULER_LEASE, "token")
    redis.rpush("rq:queue:paperwire", "job 1", "job 2", "job 3")
    states = TaskStates(redis)
    states.schedule("hf:today", NOW)
    states.schedule("hf:days", NOW + timedelta(hours=1))
    states.schedule("oai:daily", NOW - OVERDUE_AFTER - timedelta(seconds=1))
    redis.zadd(keys.CUSTOM_RESPONSES, {"a": 1, "b": 2})
    assert read_workload(redis, NOW) == Workload(
        workers=1,
        has_scheduler=True,
        queued_jobs=3,
        due_tasks=2,
        cached_searches=2,
        overdue_tasks=1,
    )
