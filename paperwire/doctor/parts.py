"""Checks of what runs on the store: scheduler, workers, and the states of the sources."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from redis import Redis

from papers.command_name import command_line
from papers.config.settings import Settings
from papers.maintenance.backup_plan import (
    BACKUP_TASK,
    backup_age,
    backup_folder,
    format_backup_age,
    is_backup_overdue,
)
from papers.records.paper_size import ABSURD_SIZE
from papers.redis_backend import keys
from papers.redis_backend.store_clock import read_store_time
from papers.state.initial_fetch_states import InitialFetchStates
from papers.state.task_states import MAX_QUARANTINED, TaskState, TaskStates, TaskStatus
from paperwire.doctor.finding import Finding, fault, warning
from paperwire.run.probe import HEARTBEAT_TIMEOUT

FAILURES_TO_WARN = 3
"""Failures in a row before there is a warning: fewer may be a short outage."""

OVERDUE_AFTER: Final = timedelta(minutes=3)
"""A scheduler postpones a task when it wakes it: one that stays due for longer was not woken."""

MAX_INITIAL_FETCHES = 10
"""Failing initial fetches of keywords that are named; the status page lists them all."""


def check_processes(redis: Redis, now: datetime) -> Iterator[Finding]:
    """Check that a scheduler holds its lease, and for a recent heartbeat of any worker.

    `now` is aware UTC.
    """
    from rq import Worker

    heartbeats = [w.last_heartbeat for w in Worker.all(connection=redis) if w.last_heartbeat]
    has_worker = bool(heartbeats) and now - max(heartbeats) <= HEARTBEAT_TIMEOUT
    has_scheduler = redis.exists(keys.SCHEDULER_LEASE)
    if not has_scheduler and not has_worker:
        yield fault(
            "processes",
            "neither a scheduler nor a worker is running: nothing is fetched",
            f"run `{command_line('up')}`, or `python -m workers scheduler` and `worker` "
            "on any host",
        )
    elif not has_scheduler:
        yield fault(
            "scheduler",
            "no scheduler is running: nothing is fetched",
            f"run `{command_line('up')}`, or `python -m workers scheduler` on any host",
        )
    elif not has_worker:
        yield fault(
            "worker",
            "no worker has sent a heartbeat in the last two minutes: nothing is fetched",
            f"run `{command_line('up')}`, or `python -m workers worker` on any host",
        )


def check_due_tasks(redis: Redis) -> Iterator[Finding]:
    """Check for overdue tasks that no scheduler has started, by the store's time."""
    late = read_store_time(redis) - OVERDUE_AFTER
    due = TaskStates(redis).due_times()
    overdue = [name for name, at in due.items() if at < late]
    if overdue:
        names = ", ".join(overdue[:5]) + (", …" if overdue[5:] else "")
        yield warning(
            "overdue",
            f"{len(overdue)} tasks are due and not woken since {due[overdue[0]]:%Y-%m-%d %H:%M} "
            f"UTC: {names}",
            "read the scheduler's log; wake-ups that no worker takes need more worker_processes",
        )


def check_backup_age(redis: Redis, settings: Settings, now: datetime) -> Iterator[Finding]:
    """Check that the last good backup is not too old, if backups are made; `now` is aware UTC."""
    if not settings.backup_dir:
        return
    age = backup_age(redis, now)
    if is_backup_overdue(age):
        yield warning(
            "backup",
            f"the last good backup in {backup_folder(settings)}: {format_backup_age(age)}",
            f"see what `{command_line('status')}` says of {BACKUP_TASK}; "
            f"`{command_line(f'fetch {BACKUP_TASK}')}` makes one now",
        )


def check_paper_sizes(redis: Redis) -> Iterator[Finding]:
    """Count the papers that were set aside because they are of absurd size."""
    quarantined = TaskStates(redis).list_quarantined(MAX_QUARANTINED)
    oversized = [record for record in quarantined if record.reason.startswith(ABSURD_SIZE)]
    if oversized:
        tasks = ", ".join(sorted({record.task for record in oversized}))
        yield warning(
            "paper-size",
            f"{len(oversized)} papers of absurd size were set aside, from {tasks}: "
            f"{oversized[0].reason}",
            f"see `{command_line('quarantine')}`: the source is broken or hostile; "
            "--clear forgets them",
        )


def check_source_states(redis: Redis) -> Iterator[Finding]:
    """Check for tasks that have failed repeatedly, and for the first such initial fetches.

    Tasks that fail for the same reason are one finding.
    """
    failing, _ = InitialFetchStates(redis).scan("failing", 0, MAX_INITIAL_FETCHES)
    initial_fetches = TaskStates.decode_all(failing[:MAX_INITIAL_FETCHES])
    by_reason: dict[str, list[TaskState]] = {}
    for state in [*TaskStates(redis).all(), *initial_fetches]:
        if state.state is TaskStatus.FAILING and state.failures >= FAILURES_TO_WARN:
            by_reason.setdefault(_ADDRESS.sub("", state.said), []).append(state)
    for states in by_reason.values():
        first = states[0]
        others = f" (and so did {', '.join(s.name for s in states[1:])})" if states[1:] else ""
        yield warning(
            f"source {first.name}",
            f"failed {first.failures} times since {first.since:%Y-%m-%d %H:%M} UTC{others}: "
            f"{first.said}",
            f"resolve this error; `{command_line(f'fetch {first.name}')}` retries now",
        )


_ADDRESS: Final = re.compile(r"^[\w.-]+(:\d+)?(/\S*)?(?=[: ])")
"""The address at the beginning of an error, in which tasks of one host differ."""
