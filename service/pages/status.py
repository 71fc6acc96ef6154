"""The status page: sources, maintenance, papers per day, progress, queue and store."""

from __future__ import annotations

from typing import Final

from flask import Response, request

from papers.config.sources import is_source_task
from papers.errors import BadParameter
from papers.maintenance.backup_plan import backup_age, format_backup_age, is_backup_overdue
from papers.redis_backend import health
from papers.redis_backend.store_clock import read_store_time
from papers.telemetry.metric_recorder import RecordedMetrics
from service.context import context
from service.pages.parts.page_response import pages, uncached_page
from service.pages.parts.plots import day_plot
from service.source_status import task_title
from service.urls.params import abbreviate
from service.workload import read_workload

PLOT_DAYS: Final = 28
FAILING_PER_PAGE: Final = 50
_CURSOR_LIMIT: Final = 2**64


@pages.get("/status")
def status() -> Response:
    """Return the state of sources and other tasks, and of the store.

    Initial fetches are counted; those that fail are listed from the cursor `fills` on.
    """
    ctx, cursor = context(), _parse_cursor(request.args.get("fills", ""))
    failing = ctx.initial_fetches.scan("failing", cursor, FAILING_PER_PAGE)
    days = ctx.counter.papers_per_day(ctx.source_names, PLOT_DAYS)
    states = ctx.source_states.all()
    age = backup_age(ctx.redis, ctx.now()) if ctx.settings.backup_dir else None
    return uncached_page(
        "status.html",
        sources=[state for state in states if is_source_task(state.name)],
        other_tasks=[state for state in states if not is_source_task(state.name)],
        initial_fetches=ctx.initial_fetches.counts(),
        failing_fetches=ctx.source_states.decode_all(failing.values),
        next_failing=failing.next_cursor,
        runs=ctx.source_states.list_progress(),
        planned=ctx.source_states.due_times(),
        quarantined=ctx.source_states.quarantine_size(),
        backup=format_backup_age(age) if ctx.settings.backup_dir else "",
        is_backup_overdue=is_backup_overdue(age),
        paper_count=ctx.store.count_papers(),
        store=health.check_health(ctx.redis),
        workload=read_workload(ctx.redis, read_store_time(ctx.redis)),
        delays=RecordedMetrics(ctx.redis).announcement_delays(),
        plots={source: day_plot(counts) for source, counts in days.items()},
        task_title=task_title,
    )


def _parse_cursor(text: str) -> int:
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(_CURSOR_LIMIT))
    if text and not (is_number and int(text) < _CURSOR_LIMIT):
        raise BadParameter("fills", f"{abbreviate(text)!r} is no cursor; follow the link to more")
    return int(text or 0)
