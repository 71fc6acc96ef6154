"""Checks of what runs on the store: scheduler, workers, and the states of the sources."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from redis import Redis

from papers.redis_backend import keys
from papers.state.initial_fetch_states import InitialFetchStates
from papers.state.task_states import TaskStates, TaskStatus
from paperwire.doctor.finding import Finding, fault, warning
from paperwire.run.probe import HEARTBEAT_TIMEOUT

FAILURES_TO_WARN = 3
"""Failures in a row before there is a warning: fewer may be a short outage."""

MAX_INITIAL_FETCHES = 10
"""Failing initial fetches of keywords that are named; the status page lists them all."""


def check_scheduler(redis: Redis) -> Iterator[Finding]:
    """Check that a scheduler holds its lease."""
    if not redis.exists(keys.SCHEDULER_LEASE):
        yield fault(
            "scheduler",
            "no scheduler is running: nothing is fetched",
            "run `paperwire up`, or `python -m workers scheduler` on any host",
        )


def check_workers(redis: Redis, now: datetime) -> Iterator[Finding]:
    """Check for a recent heartbeat of any worker; `now` is aware UTC."""
    from rq import Worker

    heartbeats = [w.last_heartbeat for w in Worker.all(connection=redis) if w.last_heartbeat]
    if not heartbeats or now - max(heartbeats) > HEARTBEAT_TIMEOUT:
        yield fault(
            "worker",
            "no worker has sent a heartbeat in the last two minutes: nothing is fetched",
            "run `paperwire up`, or `python -m workers worker` on any host",
        )


def check_source_states(redis: Redis) -> Iterator[Finding]:
    """Check for tasks that have failed repeatedly; of initial fetches, for the first of them."""
    failing, _ = InitialFetchStates(redis).scan("failing", 0, MAX_INITIAL_FETCHES)
    initial_fetches = TaskStates.decode_all(failing[:MAX_INITIAL_FETCHES])
    for state in [*TaskStates(redis).all(), *initial_fetches]:
        if state.state is TaskStatus.FAILING and state.failures >= FAILURES_TO_WARN:
            yield warning(
                f"source {state.name}",
                f"failed {state.failures} times since {state.since:%Y-%m-%d %H:%M} UTC: "
                f"{state.said}",
                f"resolve this error; `paperwire fetch {state.name}` retries now",
            )
