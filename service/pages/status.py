"""The status page: the sources, what they bring, what is under way, what is due."""

from __future__ import annotations

from typing import Final

from flask import Response

from papers.redis_backend import health
from service.context import context
from service.pages.parts.page_response import pages, uncached_page
from service.pages.parts.plots import day_plot
from service.source_status import task_title
from service.workload import read_workload

PLOT_DAYS: Final = 28


@pages.get("/status")
def status() -> Response:
    """The sources, what they bring, what is under way, what is due."""
    ctx = context()
    days = ctx.counter.papers_per_day(ctx.source_names, PLOT_DAYS)
    return uncached_page(
        "status.html",
        states=ctx.source_states.all(),
        runs=ctx.source_states.list_progress(),
        planned=ctx.source_states.due_times(),
        aside=ctx.source_states.quarantine_size(),
        size=ctx.store.count_papers(),
        store=health.check_health(ctx.redis),
        work=read_workload(ctx.redis, ctx.now()),
        plots={source: day_plot(told) for source, told in days.items()},
        name=task_title,
    )
