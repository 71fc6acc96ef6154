"""Whether this process is alive, for whoever watches over it."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from papers.redis_backend import health as store_health
from service.context import context

health = Blueprint("health", __name__)


@health.get("/healthz")
def healthz() -> Response:
    """200 while the process answers, and what the store does: ok, reading, away.

    A store that is away is no reason to end this process: it serves its last good answers.
    """
    response = jsonify(status="ok", store=str(store_health.check_health(context().redis).status))
    response.headers["Cache-Control"] = "no-store"
    return response
