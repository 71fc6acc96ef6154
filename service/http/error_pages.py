"""Errors as HTTP responses: one table of statuses, and a body in the format of the route.

Feeds and files for other programs get plain text (never a feed that pretends to be empty), the API
problem details (https://www.rfc-editor.org/rfc/rfc9457), everything else a page.
"""

from __future__ import annotations

import json
import logging
from http import HTTPStatus
from typing import Final

from flask import Flask, Response, render_template, request
from werkzeug.exceptions import HTTPException

from papers import errors
from papers.errors import SILENT_CAUSES, BadQuery, PaperwireError, TooManyRequests
from service.urls.params import MAX_VALUE_LENGTH, abbreviate, replace_control_chars

STATUS_BY_ERROR: Final[dict[type[PaperwireError], int]] = {
    errors.BadId: 400,
    errors.BadQuery: 400,
    errors.BadParameter: 400,
    errors.FormerNameTaken: 400,
    errors.Unauthorized: 401,
    errors.ScopeMissing: 403,
    errors.TooManyRequests: 429,
    errors.UnknownKeyword: 404,
    errors.KeywordGone: 410,
    errors.BlockedPaper: 410,
    errors.CursorGone: 410,
    errors.UnknownPaper: 404,
    errors.UnknownToken: 404,
    errors.UnknownSource: 404,
    errors.StoreError: 503,
    errors.StoreUnavailable: 503,
    errors.StoreBusy: 503,
    errors.StoreTooNew: 503,
    # No request can raise these: settings are read before the first one, and none fetches from
    # upstream or makes a backup. If one does, that is a bug of ours.
    errors.BadSettings: 500,
    errors.BadBackup: 500,
    errors.SourceUnreachable: 500,
    errors.SourceRefused: 500,
    errors.SourceGarbled: 500,
    errors.SourceIncomplete: 500,
    errors.SourceOutcomeUnknown: 500,
    errors.AddressForbidden: 500,
}
"""Leaf of the error tree → HTTP status. A test walks the tree for leaves that are missing."""

RETRY_AFTER_SECONDS: Final = 30
"""Seconds in the Retry-After of a 503."""

_PUBLIC_DETAILS: Final = {
    500: "Something broke here; it is logged.",
    503: "The papers cannot be read at this moment: the store is unavailable; "
    f"try again in {RETRY_AFTER_SECONDS} seconds.",
}
"""Replace messages that name internals of this installation."""

_DATA_PATHS: Final = ("/api/", "/feeds/", "/healthz", "/metrics")
_DATA_SUFFIXES: Final = (".bib", ".ris")
_log = logging.getLogger(__name__)


def register_error_handlers(app: Flask) -> None:
    """Install the handlers that answer every error through this table."""
    app.register_error_handler(PaperwireError, error_response)
    app.register_error_handler(HTTPException, http_error_response)


def status_of(error: PaperwireError) -> int:
    """Return the status of an error: its own or that of its nearest ancestor."""
    return next(
        (STATUS_BY_ERROR[kind] for kind in type(error).__mro__ if kind in STATUS_BY_ERROR), 500
    )


def error_response(error: PaperwireError) -> Response:
    """Return the response to an error, in the format of the route."""
    status = status_of(error)
    if status >= 500:
        path = abbreviate(request.path)
        _log.error("%s %s: %s", request.method, path, error, exc_info=status == 500)
    response = _render_error(status, _public_detail(error, status), error)
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _public_detail(error: PaperwireError, status: int) -> str:
    """Return the message for clients; for a store that refuses, the name of the cause."""
    detail = _PUBLIC_DETAILS.get(status, str(error))
    if isinstance(error, errors.StoreError) and error.cause not in SILENT_CAUSES:
        return f"{detail} (Cause: {error.cause}.)"
    return detail


def http_error_response(error: HTTPException) -> Response:
    """Answer errors of Flask and werkzeug; an unexpected exception comes here as a 500."""
    response = _render_error(error.code or 500, _http_error_detail(error))
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def _http_error_detail(error: HTTPException) -> str:
    if error.code == 404:
        return f"There is nothing at {abbreviate(request.path)}."
    if error.code == 405:
        allowed = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
        return f"{request.method} is not allowed here; allowed are {allowed or 'other methods'}."
    return error.description or "Something broke here; it is logged."


def _render_error(status: int, detail: str, error: PaperwireError | None = None) -> Response:
    is_data = request.path.startswith(_DATA_PATHS) or request.path.endswith(_DATA_SUFFIXES)
    if is_data or request.blueprint == "paper_feeds":
        response = plain_error_response(request.path, status, detail)
    else:
        response = _error_page(status, detail, error)
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="Paperwire"'
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def plain_error_response(path: str, status: int, detail: str) -> Response:
    """Return an error as problem details for paths of the API, else as plain text."""
    title = HTTPStatus(status).phrase
    text, content_type = f"{title}: {detail}\n", "text/plain; charset=utf-8"
    if path.startswith("/api/"):
        problem = {"type": "about:blank", "title": title, "status": status, "detail": detail}
        text, content_type = json.dumps(problem, ensure_ascii=False), "application/problem+json"
    headers = {"Cache-Control": "no-store"}
    return Response(text, status=status, headers=headers, content_type=content_type)


def _error_page(status: int, detail: str, error: PaperwireError | None) -> Response:
    page = render_template(
        "error.html",
        status=status,
        title=HTTPStatus(status).phrase,
        detail=detail,
        q=replace_control_chars(request.args.get("q", "")[:MAX_VALUE_LENGTH]),
        error=error if isinstance(error, BadQuery) else None,
        cause=error,
    )
    headers = {"Cache-Control": "no-store"}
    return Response(page, status=status, headers=headers, content_type="text/html; charset=utf-8")
