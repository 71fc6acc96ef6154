"""Every source asked once, here and now: for those who run no scheduler."""

from __future__ import annotations

from typing import Any

from papers.state.communities import Communities
from papers.state.keywords import Keywords, fill_task
from papers.state.task_states import SourceStates, State
from paperwire.operations.session import Session


def refresh(session: Session) -> list[str]:
    """Save the configured keywords, then run every task there is; what failed, in words.

    A keyword's first papers are fetched where they never were. Raises BadInput, StoreError.
    """
    from workers.jobs import run
    from workers.schedule.scheduler import standing_tasks  # brings the clients of all sources along

    saved, states = Keywords(session.redis), SourceStates(session.redis)
    saved.seed(session.settings.keywords, now=session.now)
    filled = {state.name for state in states.all() if state.succeeded_at}
    fills = {fill_task(keyword.slug) for keyword in saved.all()} - filled
    standing = standing_tasks(Communities(session.redis, session.settings).settings())
    reports = [run(task) for task in (*standing, *sorted(fills))]
    return [_said(report) for report in reports if report.get("state") == State.FAILING]


def _said(report: dict[str, Any]) -> str:
    return f"{report['task']}: {report['said']}"
