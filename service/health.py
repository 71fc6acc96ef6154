"""Whether this process is alive, for whoever watches over it."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from papers.connection import store_errors
from papers.errors import StoreError
from service.desk import desk

health = Blueprint("health", __name__)


@health.get("/healthz")
def healthz() -> Response:
    """200 while the process answers, and whether the store does.

    A store that is away is no reason to end this process: it serves its last good answers.
    """
    redis = desk().redis
    try:
        with store_errors(redis):
            redis.ping()
        store = "ok"
    except StoreError:
        store = "away"
    response = jsonify(status="ok", store=store)
    response.headers["Cache-Control"] = "no-store"
    return response
