"""What runs on the store: a scheduler, workers, and sources that answer them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from redis import Redis

from papers.redis_backend import keys
from papers.state.task_states import SourceStates, State
from paperwire.doctor.finding import Finding, fault, warning
from paperwire.run.probe import HEARD_OF

MANY = 3
"""Failures in a row that are more than a bad hour."""


def scheduler_ticks(redis: Redis) -> Iterator[Finding]:
    """Somebody says what is due."""
    if not redis.exists(keys.SCHEDULER_LEASE):
        yield fault(
            "scheduler",
            "no scheduler ticks: nothing is fetched",
            "run `paperwire up`, or `python -m workers scheduler` on some host",
        )


def worker_is_there(redis: Redis, now: datetime) -> Iterator[Finding]:
    """Somebody does what is due; `now` is aware UTC."""
    from rq import Worker

    heard = [w.last_heartbeat for w in Worker.all(connection=redis) if w.last_heartbeat]
    if not heard or now - max(heard) > HEARD_OF:
        yield fault(
            "worker",
            "no worker was heard of in the last two minutes: what is due is not fetched",
            "run `paperwire up`, or `python -m workers worker` on some host",
        )


def sources_answer(redis: Redis) -> Iterator[Finding]:
    """Sources that have failed for some time."""
    for state in SourceStates(redis).all():
        if state.state is State.FAILING and state.failures >= MANY:
            yield warning(
                f"source {state.name}",
                f"failed {state.failures} times since {state.since:%Y-%m-%d %H:%M} UTC: "
                f"{state.said}",
                f"see to what it says; `paperwire fetch {state.name}` tries again now",
            )
