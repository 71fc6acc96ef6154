"""Paths that are nearly a route: `/feeds/reward-model.ATOM/` redirects to what was meant."""

from __future__ import annotations

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import RequestRedirect

from service.http.error_pages import http_error_response
from service.http.responses import redirect_to_canonical, requested_path
from service.urls.forgiving import forgiven_path


def register_forgiving_paths(app: Flask) -> None:
    """Answer requests for a path without a route."""
    app.register_error_handler(NotFound, _handle_not_found)


def _handle_not_found(error: NotFound) -> Response:
    path = forgiven_path(request.path)
    if request.method not in ("GET", "HEAD") or path == request.path or not _has_route(path):
        return http_error_response(error)
    target = requested_path(request, path)
    return redirect_to_canonical(request, target) or http_error_response(error)


def _has_route(path: str) -> bool:
    adapter = current_app.create_url_adapter(request)
    assert adapter, "a request is being handled"
    try:
        adapter.match(path, method="GET")
    except RequestRedirect:
        return True
    except HTTPException:
        return False
    return True
