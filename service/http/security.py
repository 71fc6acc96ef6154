"""Security headers of every response."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from flask import Flask, Response, request
from werkzeug.datastructures import Headers

from papers.config.settings import Settings

PAGE_CSP: Final = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; "
    "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_THUMBNAIL_PAGE_CSP: Final = PAGE_CSP.replace("img-src 'self'", "img-src 'self' https:")
DATA_CSP: Final = "default-src 'none'; frame-ancestors 'none'"
HeaderPairs = tuple[tuple[str, str], ...]
_CORS_PREFIXES: Final = ("/feeds/", "/api/", "/papers/", "/export/", "/opml")
"""Paths that scripts of other sites may read."""
_COMMON_HEADERS: Final = (
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
)
_DATA_HEADERS: Final = (("Content-Security-Policy", DATA_CSP), *_COMMON_HEADERS)
_CORS_HEADERS: Final = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", "ETag, Link, RateLimit, RateLimit-Policy, Retry-After"),
)
_PREFLIGHT_HEADERS: Final = {
    "Access-Control-Allow-Methods": "GET, HEAD",
    "Access-Control-Allow-Headers": "If-Modified-Since, If-None-Match",
    "Access-Control-Max-Age": "86400",
}
"""Answers a browser's preflight, which it sends before a script's conditional request."""


def configure_security(app: Flask, settings: Settings) -> None:
    """Set the headers of every response."""
    policy = _THUMBNAIL_PAGE_CSP if settings.thumbnails else PAGE_CSP
    app.after_request(_security_hook(_page_headers(policy)))


def _page_headers(policy: str) -> HeaderPairs:
    """Return the headers of pages, with a Content-Security-Policy."""
    opener = ("Cross-Origin-Opener-Policy", "same-origin")
    return (("Content-Security-Policy", policy), *_COMMON_HEADERS, opener)


def _security_hook(page_headers: HeaderPairs) -> Callable[[Response], Response]:
    """Return the function that adds the headers to a response."""

    def add_headers(response: Response) -> Response:
        is_page, path = response.mimetype == "text/html", request.path
        add_security_headers(response.headers, path, page_headers if is_page else _DATA_HEADERS)
        if request.method == "OPTIONS" and path.startswith(_CORS_PREFIXES):
            response.headers.update(_PREFLIGHT_HEADERS)
        return response

    return add_headers


def add_security_headers(headers: Headers, path: str, extra: HeaderPairs = _DATA_HEADERS) -> None:
    """Add the headers of a path. No view sets any of them, so none occurs twice."""
    headers.extend(extra)
    if path.startswith(_CORS_PREFIXES):
        headers.extend(_CORS_HEADERS)
