"""`python -m workers worker`, except that each task runs as of the time in its job.

Recorded responses belong to their day: on any other day an announcement is stale, and a pick is
dated to its arrival. So a test wakes a task "on 8 June", and the worker uses that time.
"""

from __future__ import annotations

import os
import sys
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from papers.config.settings import discover_settings
from papers.redis_backend.connection import connect
from workers import jobs
from workers.__main__ import main
from workers.rq_worker import ALLOWED_JOBS


def run_at(task: str, asked_at: float | None = None) -> dict[str, Any]:
    """Do what `workers.jobs.run` does, as of `asked_at` (seconds since 1970)."""
    assert asked_at is not None, "a test gives every task a time"
    settings, then = discover_settings(os.environ), datetime.fromtimestamp(asked_at, UTC)
    with closing(connect(settings.redis_url, retry=True)) as redis:
        return jobs.TaskRunner(redis, settings, lambda: then).run(task, None)


if __name__ == "__main__":
    ALLOWED_JOBS[jobs.RUN_TASK_JOB] = run_at
    sys.exit(main(["worker"]))
