"""Health check of this process."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from papers.redis_backend import health as store_health
from service.context import context

health = Blueprint("health", __name__)


@health.get("/healthz")
def healthz() -> Response:
    """Serve 200 while the process works, with the status of the store.

    A store that is unavailable is no reason to restart this process: it serves the last good
    responses. `cause` is there if the store refuses and says why.
    """
    found = store_health.check_health(context().redis)
    cause = {"cause": found.stated_cause} if found.stated_cause else {}
    response = jsonify(status="ok", store=str(found.status), **cause)
    response.headers["Cache-Control"] = "no-store"
    return response
