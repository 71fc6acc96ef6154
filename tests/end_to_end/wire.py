"""Paperwire as processes, on recorded upstreams: store, workers and web server.

with RunningSystem.running(upstream, folder, store_url) as wire:
    wire.run_tasks(["announcements:cs.CL", "hf:today"], at=noon)
    requests.get(f"{wire.url}/feeds/reasoning.atom")
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import requests
from redis import Redis

from papers.config.settings import Settings
from papers.state.task_states import TaskState, TaskStates
from paperwire.run import web
from paperwire.run.demo_runner import to_toml
from paperwire.run.ports import find_free_port
from tests.end_to_end.recorded_upstream import RecordedUpstream
from workers import jobs

ROOT: Final = Path(__file__).parents[2]
WORKERS: Final = 2


@dataclass(slots=True)
class RunningSystem:
    """A running system. Tasks are woken as by the scheduler, but as of a given time."""

    redis: Redis
    settings: Settings
    tasks_woken: int = 0

    @classmethod
    @contextmanager
    def running(
        cls, upstream: RecordedUpstream, folder: Path, store_url: str
    ) -> Iterator[RunningSystem]:
        """Start it, with its configuration in `folder`; stop it at the end."""
        port = find_free_port("127.0.0.1", 0)
        fields = upstream.settings(
            arxiv_feed_url=f"{upstream.url}/rss/any",
            arxiv_interval=0.02,
            fill_papers=100,
            redis_url=store_url,
            data_dir=str(folder),
            port=port,
            log_level="warning",
        )
        config = folder / "paperwire.toml"
        config.write_text(to_toml(fields), "utf-8")
        settings = Settings(**fields)
        with ExitStack() as stack:
            for _ in range(WORKERS):
                worker = (sys.executable, "-m", "tests.end_to_end.worker_at_time")
                stack.enter_context(running_process(worker, config))
            stack.enter_context(running_process(web.web_command(settings), config))
            redis = stack.enter_context(Redis.from_url(store_url))
            wait_for_web(settings.base_url)
            yield cls(redis, settings)

    @property
    def url(self) -> str:
        """The web server's address."""
        return self.settings.base_url

    def run_tasks(self, tasks: Sequence[str], at: datetime) -> list[TaskState]:
        """Have workers run tasks in parallel, as of a time; return the states they left."""
        for task in tasks:
            jobs.enqueue_task(self.redis, task, at)
        self.tasks_woken += len(tasks)
        ends = time.monotonic() + 30
        while (done := self._jobs(b"successful_job_count")) < self.tasks_woken:
            assert self._jobs(b"failed_job_count") == 0, "a job failed: see the log"
            assert time.monotonic() < ends, f"{self.tasks_woken - done} of {tasks} not done in 30 s"
            time.sleep(0.005)
        found = [TaskStates(self.redis).get(task) for task in tasks]
        states = [state for state in found if state]
        assert len(states) == len(tasks), "a task left no state"
        return states

    def _jobs(self, count: bytes) -> int:
        workers: Any = self.redis.smembers("rq:workers")
        counts: Any = [self.redis.hget(worker, count) for worker in workers]
        return sum(int(count or 0) for count in counts)


@contextmanager
def running_process(command: Sequence[str], config: Path) -> Iterator[None]:
    """Run a program with a configuration file, and stop it at the end."""
    environment = {**os.environ, "PAPERWIRE_CONFIG": str(config)}
    process = subprocess.Popen(command, env=environment, cwd=ROOT)
    try:
        yield
    finally:
        process.terminate()
        code = process.wait(20)
    assert code == 0, command


def wait_for_web(url: str) -> None:
    """Wait until a web server responds."""
    for _ in range(600):
        try:
            requests.get(f"{url}/healthz", timeout=1)
        except requests.ConnectionError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(url)
