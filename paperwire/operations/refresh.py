"""Every source asked once, here and now: for those who run no scheduler."""

from __future__ import annotations

from typing import Any

from papers.state.communities import Communities
from papers.state.keywords import Keywords, initial_fetch_task
from papers.state.task_states import TaskStates, TaskStatus
from paperwire.operations.session import CommandSession


def refresh_sources(session: CommandSession) -> list[str]:
    """Save the configured keywords, then run every task there is; what failed, in words.

    A keyword's first papers are fetched where they never were. Raises BadInput, StoreError.
    """
    from workers.jobs import run
    from workers.registry import recurring_tasks  # brings the clients of all sources along

    saved, states = Keywords(session.redis), TaskStates(session.redis)
    saved.seed(session.settings.keywords, now=session.now)
    filled = {state.name for state in states.all() if state.succeeded_at}
    fills = {initial_fetch_task(keyword.slug) for keyword in saved.all()} - filled
    standing = recurring_tasks(Communities(session.redis, session.settings).effective_settings())
    reports = [run(task) for task in (*standing, *sorted(fills))]
    return [
        _failure_text(report) for report in reports if report.get("state") == TaskStatus.FAILING
    ]


def _failure_text(report: dict[str, Any]) -> str:
    return f"{report['task']}: {report['said']}"
