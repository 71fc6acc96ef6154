"""What every response carries, and which requests are listened to at all."""

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
"""What other sites' scripts may read."""
_COMMON_HEADERS: Final = (
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
)
_DATA_HEADERS: Final = (("Content-Security-Policy", DATA_CSP), *_COMMON_HEADERS)
_CORS_HEADERS: Final = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", "ETag, Link, Retry-After"),
)
_PREFLIGHT_HEADERS: Final = {
    "Access-Control-Allow-Methods": "GET, HEAD",
    "Access-Control-Allow-Headers": "If-Modified-Since, If-None-Match",
    "Access-Control-Max-Age": "86400",
}
"""What a browser asks before it lets a script send conditional requests."""


def configure_security(app: Flask, settings: Settings) -> None:
    """Set the headers of every response, the hosts answered, the proxies believed."""
    app.config["TRUSTED_HOSTS"] = _trusted_hosts(settings)
    if settings.trusted_proxies:
        trusted = settings.trusted_proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # Flask's own way of doing this
            app.wsgi_app, x_for=trusted, x_proto=trusted, x_host=trusted, x_prefix=trusted
        )
    policy = _THUMBNAIL_PAGE_CSP if settings.thumbnails else PAGE_CSP
    app.after_request(_security_hook(_page_headers(policy)))


def _trusted_hosts(settings: Settings) -> list[str]:
    """The public host, the address listened on, this machine's own names, and those configured."""
    public = urlsplit(settings.base_url).hostname or ""
    hosts = [public, *settings.trusted_hosts, settings.host, *_LOOPBACK_HOSTS]
    return list(dict.fromkeys(f"[{h}]" if ":" in h and h[0] != "[" else h for h in hosts if h))


def _page_headers(policy: str) -> HeaderPairs:
    """The headers of pages, with a policy for what they may load."""
    opener = ("Cross-Origin-Opener-Policy", "same-origin")
    return (("Content-Security-Policy", policy), *_COMMON_HEADERS, opener)


def _security_hook(page_headers: HeaderPairs) -> Callable[[Response], Response]:
    """What gives a response its headers."""

    def secured(response: Response) -> Response:
        page, path = response.mimetype == "text/html", request.path
        add_security_headers(response.headers, path, page_headers if page else _DATA_HEADERS)
        if request.method == "OPTIONS" and path.startswith(_CORS_PREFIXES):
            response.headers.update(_PREFLIGHT_HEADERS)
        return response

    return secured


def add_security_headers(headers: Headers, path: str, extra: HeaderPairs = _DATA_HEADERS) -> None:
    """Add what every response carries, and its `own`: nobody else sets any, so none is replaced."""
    headers.extend(extra)
    if path.startswith(_CORS_PREFIXES):
        headers.extend(_CORS_HEADERS)
