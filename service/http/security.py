"""Security headers of every response, and the hosts and proxies that are trusted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from flask import Flask, Response, request
from werkzeug.datastructures import Headers
from werkzeug.middleware.proxy_fix import ProxyFix

from papers.config.settings import Settings

PAGE_CSP: Final = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; "
    "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_THUMBNAIL_PAGE_CSP: Final = PAGE_CSP.replace("img-src 'self'", "img-src 'self' https:")
DATA_CSP: Final = "default-src 'none'; frame-ancestors 'none'"
HeaderPairs = tuple[tuple[str, str], ...]
_LOOPBACK_HOSTS: Final = ("localhost", "127.0.0.1", "[::1]")
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
    """Set the headers of every response, the hosts served and the proxies trusted."""
    app.config["TRUSTED_HOSTS"] = _trusted_hosts(settings)
    if settings.trusted_proxies:
        trusted = settings.trusted_proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # Flask documents this assignment
            app.wsgi_app, x_for=trusted, x_proto=trusted, x_host=trusted, x_prefix=trusted
        )
    policy = _THUMBNAIL_PAGE_CSP if settings.thumbnails else PAGE_CSP
    app.after_request(_security_hook(_page_headers(policy)))


def is_public_instance(settings: Settings) -> bool:
    """Return True if others than this machine's users are served: `public_url` names its host."""
    host = urlsplit(settings.public_url).hostname or ""
    return bool(host) and host not in ("localhost", "127.0.0.1", "::1")


def _trusted_hosts(settings: Settings) -> list[str]:
    """Return the public host, the address listened on, loopback names, and configured hosts."""
    public = urlsplit(settings.base_url).hostname or ""
    hosts = [public, *settings.trusted_hosts, settings.host, *_LOOPBACK_HOSTS]
    return list(dict.fromkeys(f"[{h}]" if ":" in h and h[0] != "[" else h for h in hosts if h))


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
