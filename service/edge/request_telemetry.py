"""Counts and, if wanted, logs each request: the outermost WSGI middleware.

`service.context` records in the environ what answered a cacheable request.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from flask import Flask

from papers.telemetry.log_events import client_network, event_id, format_event
from papers.telemetry.metric_recorder import MetricRecorder
from papers.telemetry.metric_table import CACHE_OUTCOMES, REQUEST_SECONDS

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

CACHE_OUTCOME: Final = "paperwire.cache_outcome"
"""Key in the environ of what answered a cacheable request."""

_ROUTES: Final = {
    "feeds": "feed",
    "archive": "feed",
    "papers": "paper",
    "api": "api",
    "static": "static",
    "export": "export",
    "opml": "export",
    "metrics": "monitoring",
    "healthz": "monitoring",
}
"""The kind of route by the first part of the path; all others are pages."""

_STATUS_CLASSES: Final = {digit: f"{digit}xx" for digit in "12345"}
_log = logging.getLogger("paperwire.requests")


def install_request_telemetry(
    app: Flask,
    recorder_of_app: Callable[[], MetricRecorder],
    *,
    log_requests: bool,
    clock: Callable[[], float] = time.perf_counter,
) -> None:
    """Wrap the app. `clock` returns seconds that never go back."""
    inner = app.wsgi_app

    def counted(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        began = clock()
        status = "500"

        def note_status(line: str, headers: list[tuple[str, str]], *exc: Any) -> Any:
            nonlocal status
            status = line[:3]
            return start_response(line, headers, *exc)

        try:
            return inner(environ, note_status)
        finally:
            seconds = clock() - began
            recorder = recorder_of_app()
            route = route_kind(environ["PATH_INFO"])
            recorder.observe(REQUEST_SECONDS, seconds, route, _STATUS_CLASSES[status[0]])
            if outcome := environ.get(CACHE_OUTCOME):
                recorder.count(CACHE_OUTCOMES, outcome)
            recorder.flush_if_due()
            if log_requests:
                _log.info(_request_line(environ, status, seconds))

    def logged(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with event_id():
            return counted(environ, start_response)

    app.wsgi_app = logged if log_requests else counted  # type: ignore[method-assign]  # as Flask says


def route_kind(path: str) -> str:
    """Return the kind of route of a path, one of a fixed set."""
    return _ROUTES.get(path[1:].partition("/")[0], "page")


def _request_line(environ: WSGIEnvironment, status: str, seconds: float) -> str:
    return format_event(
        "request",
        method=environ["REQUEST_METHOD"],
        path=environ["PATH_INFO"],
        status=status,
        seconds=seconds,
        cache=environ.get(CACHE_OUTCOME),
        client=client_network(environ.get("REMOTE_ADDR", "")),
    )
