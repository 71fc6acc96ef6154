"""Tasks that run in a simulated world."""

from __future__ import annotations

from typing import Any

from redis import Redis

from papers.config.settings import Settings
from papers.store import Store
from paperwire.simulator.upstream import Upstream
from workers.jobs import TaskRunner


class Harness:
    """Runs tasks in a simulated world at its time, initially 18 November 2026."""

    def __init__(self, redis: Redis, world: Upstream) -> None:
        self.redis, self.world, self.store = redis, world, Store(redis)

    def run(self, task: str, keep_months: int) -> dict[str, Any]:
        settings = Settings(
            **self.world.settings(arxiv_interval=0.0, categories=("cs.CL",), keywords={}),
            keep_months=keep_months,
        )
        return TaskRunner(self.redis, settings, lambda: self.world.now).run(task, None)
