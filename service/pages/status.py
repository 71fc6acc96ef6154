"""The status page: the sources, what they bring, what is under way, what is due."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import Response

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
    """What there is to do, and who does it."""

    workers: int
    has_scheduler: bool
    queued_jobs: int
    due_tasks: int
    cached_searches: int


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
        work=_read_workload(ctx),
        plots={source: day_plot(told) for source, told in days.items()},
        name=task_title,
    )


def _read_workload(ctx: AppContext) -> Workload:
    with translate_store_errors(ctx.redis), ctx.redis.pipeline(transaction=False) as pipe:
        pipe.exists(keys.SCHEDULER_LEASE)
        pipe.llen(QUEUE_KEY)
        pipe.zcount(keys.DUE_TASKS, "-inf", ctx.now().timestamp())
        pipe.zcard(keys.CUSTOM_RESPONSES)
        scheduled, waiting, overdue, answers = (int(told) for told in pipe.execute())
        return Workload(live_worker_count(ctx.redis), bool(scheduled), waiting, overdue, answers)
