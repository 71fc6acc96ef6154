"""The status page: sources, maintenance, papers per day, progress, queue and store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import Response

from papers.config.sources import is_source_task
from papers.redis_backend import health, keys
from papers.redis_backend.connection import translate_store_errors
from service.context import AppContext, context
from service.pages.parts.page_response import pages, uncached_page
from service.pages.parts.plots import day_plot
from service.routes.metrics import QUEUE_KEY, live_worker_count
from service.source_status import task_title

PLOT_DAYS: Final = 28


@dataclass(frozen=True, slots=True)
class Workload:
    """Processes and queues: workers, the scheduler, queued jobs, due tasks, cached searches."""

    workers: int
    has_scheduler: bool
    queued_jobs: int
    due_tasks: int
    cached_searches: int


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
        workload=_read_workload(ctx),
        plots={source: day_plot(counts) for source, counts in days.items()},
        task_title=task_title,
    )


def _read_workload(ctx: AppContext) -> Workload:
    with translate_store_errors(ctx.redis), ctx.redis.pipeline(transaction=False) as pipe:
        pipe.exists(keys.SCHEDULER_LEASE)
        pipe.llen(QUEUE_KEY)
        pipe.zcount(keys.DUE_TASKS, "-inf", ctx.now().timestamp())
        pipe.zcard(keys.CUSTOM_RESPONSES)
        leases, queued, due, cached = map(int, pipe.execute())
        return Workload(live_worker_count(ctx.redis), bool(leases), queued, due, cached)
