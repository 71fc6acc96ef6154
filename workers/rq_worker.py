"""RQ's worker, restricted to the jobs of this package.

RQ imports whatever dotted name a job in Redis contains, for the function and for callbacks, and
calls web hooks: anyone who can write to the queue could run anything. So jobs are of a class that
knows two functions and nothing else.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import RedisError
from rq import Queue, Worker, worker_registration
from rq.exceptions import StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer

from papers.errors import BadParameter, PaperwireError
from papers.maintenance import migrations
from papers.redis_backend.connection import disable_retries
from papers.redis_backend.store_errors import explain_error
from workers import jobs, trial

log = logging.getLogger(__name__)

ALLOWED_JOBS: Final[dict[str, Callable[..., Any]]] = {
    jobs.RUN_TASK_JOB: jobs.run,
    trial.FEED_TRIAL_JOB: trial.run,
}
"""Dotted names that a job may have. They are stored in Redis: add, never rename."""

WORKER_TTL: Final = 45
MAINTENANCE_INTERVAL: Final = 30
"""Seconds: a job that died with its worker leaves the registries after about a minute."""

STOP_GRACE_SECONDS: Final = 5
"""Seconds that an interrupted task has to save its state in the store."""

_PR_SET_PDEATHSIG: Final = 1


class AllowedJob(Job):
    """A job that can run only the allowed functions."""

    @property
    def func(self) -> Callable[..., Any]:
        """The function, looked up and never imported. Raises BadParameter."""
        name = self.func_name
        if self.instance is not None or name not in ALLOWED_JOBS:
            raise BadParameter("job", f"{name!r} is not a job of Paperwire; it is not run")
        return ALLOWED_JOBS[name]

    @property
    def success_callback(self) -> None:
        """None: a job cannot name code."""

    @property
    def failure_callback(self) -> None:
        """None, as above."""

    @property
    def stopped_callback(self) -> None:
        """None, as above."""

    def send_webhooks(self, *args: object, **kwargs: object) -> None:
        """Do nothing: a job cannot name addresses."""


class PaperwireWorker(Worker):
    """A worker on both queues that stops at once at a signal: tasks can be run again.

    `stopping` is set at that signal.
    """

    def __init__(self, redis: Redis, stopping: threading.Event) -> None:
        queues = [
            Queue(name, connection=redis, serializer=JSONSerializer, job_class=AllowedJob)
            for name in (jobs.QUEUE_NAME, jobs.BACKGROUND_QUEUE_NAME)
        ]
        super().__init__(
            queues,
            connection=redis,
            serializer=JSONSerializer,
            job_class=AllowedJob,
            worker_ttl=WORKER_TTL,
            maintenance_interval=MAINTENANCE_INTERVAL,
            log_job_description=False,
        )
        self._stopping = stopping

    def handle_warm_shutdown_request(self) -> None:
        """Stop the task under way too."""
        self._stopping.set()
        if self.horse_pid:
            self.kill_horse(signal.SIGTERM)

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run a job; leave it to a newer worker, and stop, once the store is a newer one's."""
        if migrations.has_newer_writer(self.connection):
            queue.push_job_id(job.id, at_front=True)
            raise StopRequested
        super().execute_job(job, queue)

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Send the heartbeat, and register again with a store that was emptied since."""
        super().heartbeat(timeout, pipeline)
        worker_registration.register(self, pipeline)

    def teardown(self) -> None:
        """Deregister from the store, without waiting for one that is unavailable."""
        disable_retries(self.connection)
        super().teardown()  # type: ignore[no-untyped-call]

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """Log a job's failure: our own errors in one line, others with their traceback."""
        error = exc_info[1]
        if isinstance(error, jobs.TaskInterrupted):
            log.info("%s: stopped on the way; it is run again", job.description)
        elif isinstance(error, PaperwireError):
            log.warning("%s: %s", job.description, error)
        elif isinstance(error, RedisError) and (refusal := explain_error(error)):
            message = "%s: the store %s; %s"
            log.warning(message, job.description, refusal.summary, refusal.remedy)
        else:
            log.error("%s: a bug, please report it", job.description, exc_info=error)

    def setup_work_horse_signals(self) -> None:
        """Stop the forked process cleanly at a signal, and when the worker is gone."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, self._on_sigterm)
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != self.pid:  # it died before the request to the kernel
                os._exit(1)

    def _on_sigterm(self, number: int, frame: FrameType | None) -> None:
        """Interrupt the task, without waiting long for the store, which may be gone as well.

        The alarm ends a task that still waits for the store; RQ cancels it once the task has ended.
        """
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(STOP_GRACE_SECONDS)
        disable_retries(self.connection)
        raise jobs.TaskInterrupted
