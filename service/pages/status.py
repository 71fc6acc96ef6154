"""The status page: the sources, what they bring, what is under way, what is due."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import Response

from papers.redis_backend import health, keys
from papers.redis_backend.connection import store_errors
from service.context import Desk, desk
from service.pages.parts.page_response import fresh, pages
from service.pages.parts.plots import day_plot
from service.routes.metrics import QUEUE, alive
from service.source_status import task_name

PLOTTED_DAYS: Final = 28


@dataclass(frozen=True, slots=True)
class Work:
    """What there is to do, and who does it."""

    workers: int
    scheduled: bool
    waiting: int
    overdue: int
    answers: int


@pages.get("/status")
def status() -> Response:
    """The sources, what they bring, what is under way, what is due."""
    at = desk()
    days = at.counter.per_day(at.sources, PLOTTED_DAYS)
    return fresh(
        "status.html",
        states=at.states.all(),
        runs=at.states.progress(),
        planned=at.states.planned(),
        aside=at.states.quarantine_size(),
        size=at.store.size(),
        store=health.look(at.redis),
        work=_work(at),
        plots={source: day_plot(told) for source, told in days.items()},
        name=task_name,
    )


def _work(at: Desk) -> Work:
    with store_errors(at.redis), at.redis.pipeline(transaction=False) as pipe:
        pipe.exists(keys.SCHEDULER_LEASE)
        pipe.llen(QUEUE)
        pipe.zcount(keys.DUE, "-inf", at.now().timestamp())
        pipe.zcard(keys.CUSTOM_FEEDS)
        scheduled, waiting, overdue, answers = (int(told) for told in pipe.execute())
        return Work(alive(at.redis), bool(scheduled), waiting, overdue, answers)
