"""What runs on the store: a scheduler, workers, and sources that answer them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from redis import Redis

from papers.redis_backend import keys
from papers.state.task_states import TaskStates, TaskStatus
from paperwire.doctor.finding import Finding, fault, warning
from paperwire.run.probe import HEARTBEAT_TIMEOUT

FAILURES_TO_WARN = 3
"""Failures in a row that are more than a bad hour."""


def check_scheduler(redis: Redis) -> Iterator[Finding]:
    """Somebody says what is due."""
    if not redis.exists(keys.SCHEDULER_LEASE):
        yield fault(
            "scheduler",
            "no scheduler ticks: nothing is fetched",
            "run `paperwire up`, or `python -m workers scheduler` on some host",
        )


def check_workers(redis: Redis, now: datetime) -> Iterator[Finding]:
    """Somebody does what is due; `now` is aware UTC."""
    from rq import Worker

    heard = [w.last_heartbeat for w in Worker.all(connection=redis) if w.last_heartbeat]
    if not heard or now - max(heard) > HEARTBEAT_TIMEOUT:
        yield fault(
            "worker",
            "no worker was heard of in the last two minutes: what is due is not fetched",
            "run `paperwire up`, or `python -m workers worker` on some host",
        )


def check_source_states(redis: Redis) -> Iterator[Finding]:
    """Sources that have failed for some time."""
    for state in TaskStates(redis).all():
        if state.state is TaskStatus.FAILING and state.failures >= FAILURES_TO_WARN:
            yield warning(
                f"source {state.name}",
                f"failed {state.failures} times since {state.since:%Y-%m-%d %H:%M} UTC: "
                f"{state.said}",
                f"see to what it says; `paperwire fetch {state.name}` tries again now",
            )
