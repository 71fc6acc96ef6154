"""The status page: sources, maintenance, papers per day, progress, queue and store."""

from __future__ import annotations

from typing import Final

from flask import Response

from papers.config.sources import is_source_task
from papers.redis_backend import health
from service.context import context
from service.pages.parts.page_response import pages, uncached_page
from service.pages.parts.plots import day_plot
from service.source_status import task_title
from service.workload import read_workload

PLOT_DAYS: Final = 28


@pages.get("/status")
def status() -> Response:
    """Return the state of sources and other tasks, and of the store."""
    ctx = context()
    days = ctx.counter.papers_per_day(ctx.source_names, PLOT_DAYS)
    states = ctx.source_states.all()
    return uncached_page(
        "status.html",
        sources=[state for state in states if is_source_task(state.name)],
        other_tasks=[state for state in states if not is_source_task(state.name)],
        runs=ctx.source_states.list_progress(),
        planned=ctx.source_states.due_times(),
        quarantined=ctx.source_states.quarantine_size(),
        paper_count=ctx.store.count_papers(),
        store=health.check_health(ctx.redis),
        workload=read_workload(ctx.redis, ctx.now()),
        plots={source: day_plot(counts) for source, counts in days.items()},
        task_title=task_title,
    )
