"""Run every task once, in this process: for installations without a scheduler."""

from __future__ import annotations

from papers.state.communities import Communities
from papers.state.initial_fetches import unfinished_initial_fetches
from papers.state.keyword_record import initial_fetch_task
from papers.state.keywords import Keywords
from papers.state.task_states import TaskStatus
from paperwire.operations.session import CommandSession


def refresh_sources(session: CommandSession) -> list[str]:
    """Save the configured keywords, then run every recurring task and every missing initial fetch.

    For more than a hundred of these, a backfill is planned in their place, and each call fetches a
    page of it. Returns a line for each task that failed. Raises BadInput, StoreError.
    """
    from workers.jobs import run  # slow to import: loads the clients of all sources
    from workers.registry import recurring_tasks
    from workers.tasks.backfill import BACKFILL_TASK, BackfillPlans
    from workers.tasks.initial_fetch_plan import plan_initial_fetches

    saved = Keywords(session.redis)
    saved.seed(session.settings.keywords, now=session.now)
    initial_fetches = sorted(initial_fetch_task(keyword.slug) for keyword in saved.all())
    missing = unfinished_initial_fetches(session.redis, initial_fetches)
    settings = Communities(session.redis, session.settings).effective_settings()
    fetches = plan_initial_fetches(session.redis, missing, settings, session.now)
    backfills = [BACKFILL_TASK] if BackfillPlans(session.redis).get() else []
    reports = [run(task) for task in (*recurring_tasks(settings), *fetches, *backfills)]
    failed = [report for report in reports if report.get("state") == TaskStatus.FAILING]
    return [f"{report['task']}: {report['said']}" for report in failed]
