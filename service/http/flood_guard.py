"""Who goes on asking after many refusals is refused here, before anybody looks at the request.

To refuse one more question costs nearly as much as a ready answer: it is parsed, and the store is
asked whether its answer is ready. A client that makes up thousands would take that from everybody
else. At the door it costs a fifth, and asks the store nothing. What has no parameters goes past:
nobody can make up many of those, and a saved keyword's readers may share the address of whoever
makes up the others.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask, Response

from papers.errors import TooManyRequests
from service.context import context_of
from service.http.error_pages import plain_error_response
from service.http.security import add_security_headers

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def install_flood_guard(app: Flask) -> None:
    """Put it before the app. What tells whose request it is must be put before it in turn."""
    inside = app.wsgi_app

    def flood_guard(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("QUERY_STRING") and not environ["PATH_INFO"].startswith("/static/"):
            refused = context_of(app).rate_limiter.flood_error(environ.get("REMOTE_ADDR", ""))
            if refused:
                return _too_many_response(environ["PATH_INFO"], refused)(environ, start_response)
        return inside(environ, start_response)

    app.wsgi_app = flood_guard  # type: ignore[method-assign]  # Flask's own way of doing this


def _too_many_response(path: str, error: TooManyRequests) -> Response:
    response = plain_error_response(path, 429, str(error))
    response.headers["Retry-After"] = str(error.retry_after)
    add_security_headers(response.headers, path)
    return response
