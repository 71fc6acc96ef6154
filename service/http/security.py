"""What every response carries, and which requests are listened to at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from flask import Flask, Response, request
from werkzeug.datastructures import Headers
from werkzeug.middleware.proxy_fix import ProxyFix

from papers.config.settings import Settings

PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; "
    "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_THUMBNAILS: Final = PAGE_POLICY.replace("img-src 'self'", "img-src 'self' https:")
DATA_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
Pairs = tuple[tuple[str, str], ...]
_LOCAL: Final = ("localhost", "127.0.0.1", "[::1]")
_READABLE: Final = ("/feeds/", "/api/", "/papers/", "/export/", "/opml")
"""What other sites' scripts may read."""
_EVERYWHERE: Final = (
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
)
_DATA_HEADERS: Final = (("Content-Security-Policy", DATA_POLICY), *_EVERYWHERE)
_READABLE_HEADERS: Final = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", "ETag, Link, Retry-After"),
)
_PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "GET, HEAD",
    "Access-Control-Allow-Headers": "If-Modified-Since, If-None-Match",
    "Access-Control-Max-Age": "86400",
}
"""What a browser asks before it lets a script send conditional requests."""


def secure(app: Flask, settings: Settings) -> None:
    """Set the headers of every response, the hosts answered, the proxies believed."""
    app.config["TRUSTED_HOSTS"] = _hosts(settings)
    if settings.trusted_proxies:
        trusted = settings.trusted_proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # Flask's own way of doing this
            app.wsgi_app, x_for=trusted, x_proto=trusted, x_host=trusted, x_prefix=trusted
        )
    policy = _THUMBNAILS if settings.thumbnails else PAGE_POLICY
    app.after_request(_securing(_page_headers(policy)))


def _hosts(settings: Settings) -> list[str]:
    """The public host, the address listened on, this machine's own names, and those configured."""
    public = urlsplit(settings.base_url).hostname or ""
    hosts = [public, *settings.trusted_hosts, settings.host, *_LOCAL]
    return list(dict.fromkeys(f"[{h}]" if ":" in h and h[0] != "[" else h for h in hosts if h))


def _page_headers(policy: str) -> Pairs:
    """The headers of pages, with a policy for what they may load."""
    opener = ("Cross-Origin-Opener-Policy", "same-origin")
    return (("Content-Security-Policy", policy), *_EVERYWHERE, opener)


def _securing(page_headers: Pairs) -> Callable[[Response], Response]:
    """What gives a response its headers."""

    def secured(response: Response) -> Response:
        page, path = response.mimetype == "text/html", request.path
        harden(response.headers, path, page_headers if page else _DATA_HEADERS)
        if request.method == "OPTIONS" and path.startswith(_READABLE):
            response.headers.update(_PREFLIGHT)
        return response

    return secured


def harden(headers: Headers, path: str, own: Pairs = _DATA_HEADERS) -> None:
    """Add what every response carries, and its `own`: nobody else sets any, so none is replaced."""
    headers.extend(own)
    if path.startswith(_READABLE):
        headers.extend(_READABLE_HEADERS)
