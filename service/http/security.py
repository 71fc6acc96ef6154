"""Security headers: WSGI middleware that adds them to every response, whichever layer made it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from flask import Flask

from papers.config.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PAGE_CSP: Final = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; "
    "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
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
_PREFLIGHT_HEADERS: Final = (
    ("Access-Control-Allow-Methods", "GET, HEAD"),
    ("Access-Control-Allow-Headers", "If-Modified-Since, If-None-Match"),
    ("Access-Control-Max-Age", "86400"),
)
"""Answers a browser's preflight, which it sends before a script's conditional request."""


def install_security_headers(app: Flask, settings: Settings) -> None:
    """Wrap the app. No layer inside sets any of these headers, so none occurs twice."""
    inner = app.wsgi_app
    page_headers = _page_headers(PAGE_CSP)

    def security_headers(
        environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            added = page_headers if _is_page(headers) else _DATA_HEADERS
            if status.startswith("304"):  # it replaces headers of a 200, but has no content
                headers = [pair for pair in headers if pair[0] != "Content-Type"]
            # Read now: a layer inside may have taken the prefix of the public address off.
            cors = _cors_headers(environ["PATH_INFO"], environ["REQUEST_METHOD"])
            return start_response(status, [*headers, *added, *cors], exc_info)

        return inner(environ, start)

    app.wsgi_app = security_headers  # type: ignore[method-assign]  # Flask documents this


def _page_headers(policy: str) -> HeaderPairs:
    """Return the headers of pages, with a Content-Security-Policy."""
    opener = ("Cross-Origin-Opener-Policy", "same-origin")
    return (("Content-Security-Policy", policy), *_COMMON_HEADERS, opener)


def _is_page(headers: list[tuple[str, str]]) -> bool:
    """Return whether the headers of a response name HTML."""
    return any(name == "Content-Type" and value.startswith("text/html") for name, value in headers)


def _cors_headers(path: str, method: str) -> HeaderPairs:
    """Return the headers of a path that scripts of other sites may read."""
    if not path.startswith(_CORS_PREFIXES):
        return ()
    return _CORS_HEADERS + _PREFLIGHT_HEADERS if method == "OPTIONS" else _CORS_HEADERS
