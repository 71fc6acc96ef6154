"""The row of a kind of task: everything that the scheduler, the jobs and the ingest need of it.

A task's name is its kind, or `kind:subject`. The rows themselves are in `workers.registry` and
`workers.notify.channels`; they are passed to the code that uses them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from redis import Redis

from papers.config.settings import Settings
from papers.store import Store
from workers.schedule.cadence import Cadence
from workers.sources.result import FetchFunction

DEFAULT_JOB_TIMEOUT: Final = 300
"""Seconds."""


class TaskRole(Enum):
    """What a kind of task is for."""

    SOURCE = "source"
    """Brings papers or picks: papers are missing while it fails."""
    COMPLETION = "completion"
    """Brings old papers on demand: a backfill, the initial fetch of a keyword."""
    MAINTENANCE = "maintenance"
    """Works on the store alone: retention, compaction."""
    NOTIFICATION = "notification"
    """Reports changes to subscribers: a channel of `workers.notify`."""

    @property
    def is_background(self) -> bool:
        """Whether its tasks give way while tasks of other roles are waiting."""
        return self is TaskRole.COMPLETION


@dataclass(frozen=True, slots=True)
class TaskContext:
    """What fetch functions are built from."""

    store: Store
    redis: Redis


def _no_tasks(_: object) -> Iterable[str]:
    return ()


@dataclass(frozen=True, slots=True)
class TaskKind:
    """How the tasks of one kind are planned, run and judged."""

    build_fetch: Callable[[TaskContext], FetchFunction]
    cadence: Cadence
    role: TaskRole
    timeout: int = DEFAULT_JOB_TIMEOUT
    """Seconds a job may take; many requests to arXiv wait long for its rate limiter."""
    recurring: Callable[[Settings], Iterable[str]] = _no_tasks
    """The tasks that the effective settings call for, in order."""
    pending: Callable[[Redis], Iterable[str]] = _no_tasks
    """The tasks that the store calls for, beside the settings. Raises StoreError."""
    sweep: Callable[[Redis, int, Settings, datetime], tuple[int, Iterable[str]]] | None = None
    """`sweep(redis, cursor, settings, now)`: the tasks to plan, of some that run only until their
    first success, and the cursor of the next ones (0: all were seen). A tick sees a bounded number
    of them."""
    names_papers: bool = False
    """Whether it brings ids of papers that may still lack arXiv's description (see `enrich`)."""
    obeys_max_age: bool = False
    """Whether `Cache-Control: max-age` of its responses delays the next run."""
    confirmed_by_oai: bool = False
    """Whether OAI-PMH can confirm that a day with few records is complete."""


def kind_of(task: str) -> str:
    """Return the kind of a task: its name up to the colon."""
    return task.partition(":")[0]
