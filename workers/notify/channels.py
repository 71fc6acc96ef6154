"""The table of notification channels: how subscribers learn of new papers.

A new channel is a module in this package, a row here, and its settings. What it has sent is
recorded in a `DeliveryLog` under the name of the channel; its tasks are named `NAME` or
`NAME:SUBJECT`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from papers.state.keywords import Keywords
from papers.state.task_states import TaskStates
from workers.notify.mail import MAIL_KIND, DigestMailer, mail_tasks
from workers.notify.websub import WEBSUB_TASK, WebSubPublisher, schedule_ping, websub_tasks
from workers.schedule import cadence
from workers.schedule.task_kind import TaskContext, TaskKind, TaskRole
from workers.sources.result import FetchFunction


@dataclass(frozen=True, slots=True)
class NotificationChannel:
    """A channel: the task that sends, and what happens at once when papers change."""

    task: TaskKind
    on_change: Callable[[TaskStates, datetime], None] | None = None
    """Called after an ingest that changed the store; it may move the task forward, and no more."""


def changed(states: TaskStates, now: datetime) -> None:
    """Let every channel react to a change of the store. Raises StoreError."""
    for channel in CHANNELS.values():
        if channel.on_change:
            channel.on_change(states, now)


def _build_websub(context: TaskContext) -> FetchFunction:
    return WebSubPublisher(context.store, Keywords(context.redis), context.redis).fetch


def _build_mail(context: TaskContext) -> FetchFunction:
    return DigestMailer(context.store, Keywords(context.redis), context.redis).fetch


CHANNELS: Final[dict[str, NotificationChannel]] = {
    WEBSUB_TASK: NotificationChannel(
        TaskKind(
            build_fetch=_build_websub,
            cadence=cadence.every(5 * cadence.MINUTE),  # finds changes made during a ping
            role=TaskRole.NOTIFICATION,
            recurring=websub_tasks,
        ),
        on_change=schedule_ping,
    ),
    MAIL_KIND: NotificationChannel(
        TaskKind(
            build_fetch=_build_mail,
            cadence=cadence.after_midnight,
            role=TaskRole.NOTIFICATION,
            recurring=mail_tasks,
        )
    ),
}
"""Kind of task to channel, in the order of `paperwire refresh`."""
