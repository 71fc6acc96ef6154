"""Four real worker processes share one rate limit for arXiv, with its real interval."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from redis import Redis

from papers.state.task_states import TaskStates, TaskStatus
from papers.store import Store
from paperwire.simulator.server.request_log import overlapping_requests, start_gaps
from paperwire.simulator.upstream import ARXIV_PATHS, Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from workers import jobs

CATEGORIES: Final = ("cs.AI", "cs.CL", "cs.CV", "cs.LG", "cs.RO", "cs.IR", "stat.ML", "eess.IV")
WORKERS: Final = 4
ROOT: Final = Path(__file__).parents[2]


def test_four_workers_request_arxiv_one_at_a_time_three_seconds_apart(
    redis: Redis, store_url: str
) -> None:
    with Upstream(datetime.now(UTC), rests=False) as world:
        for category in CATEGORIES:
            world.announce(Manuscript(title=f"A paper of {category}", categories=(category,)))
        tasks = [f"announcements:{category}" for category in CATEGORIES]
        with _workers(store_url, world):
            for task in tasks:
                jobs.enqueue_task(redis, task, datetime.now(UTC))
            _wait_for(lambda: sum(_jobs_done(redis)) == len(tasks), seconds=60)
            assert len(_jobs_done(redis)) == WORKERS
            assert min(_jobs_done(redis)) > 0
        requests = world.requests_to(*ARXIV_PATHS)
    assert {state.state for state in TaskStates(redis).all()} == {TaskStatus.OK}
    assert Store(redis).count_papers() == len(requests) == len(tasks)
    assert min(start_gaps(requests)) >= 3.0
    assert overlapping_requests(requests) == []
    assert len({request.connection for request in requests}) == len(requests)


def _jobs_done(redis: Redis) -> list[int]:
    """Return how many jobs each worker has completed."""
    workers: Any = redis.smembers("rq:workers")
    counts: Any = [redis.hget(worker, "successful_job_count") for worker in workers]
    return [int(count or 0) for count in counts]


@contextmanager
def _workers(store_url: str, world: Upstream) -> Iterator[None]:
    environment = {
        **os.environ,
        "PAPERWIRE_REDIS_URL": store_url,
        "PAPERWIRE_ARXIV_FEED_URL": world.settings()["arxiv_feed_url"],
        "PAPERWIRE_ARXIV_INTERVAL": "3.0",
        "PAPERWIRE_ALLOWED_NETWORKS": "127.0.0.0/8",
    }
    command = [sys.executable, "-m", "workers", "worker"]
    workers = [subprocess.Popen(command, env=environment, cwd=ROOT) for _ in range(WORKERS)]
    try:
        yield
    finally:
        for worker in workers:
            worker.send_signal(signal.SIGTERM)
        codes = [worker.wait(20) for worker in workers]
    assert codes == [0] * WORKERS


def _wait_for(condition: Callable[[], bool], seconds: float) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, f"not within {seconds} s"
        time.sleep(0.1)
