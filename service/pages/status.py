"""The status page: the sources, what is under way, what is due."""

from __future__ import annotations

from flask import Response

from papers import condition
from service.desk import desk
from service.pages.site import fresh, pages
from service.source_lines import task_name


@pages.get("/status")
def status() -> Response:
    """The sources, what is under way, what is due."""
    at = desk()
    return fresh(
        "status.html",
        states=at.states.all(),
        runs=at.states.progress(),
        planned=at.states.planned(),
        aside=len(at.states.quarantined(1_000)),
        size=at.store.size(),
        store=condition.look(at.redis),
        name=task_name,
    )
