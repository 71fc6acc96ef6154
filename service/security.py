"""What every response carries, and which requests are listened to at all."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, request
from werkzeug.datastructures import Headers
from werkzeug.middleware.proxy_fix import ProxyFix

from papers.settings import Settings

PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; "
    "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_THUMBNAILS: Final = PAGE_POLICY.replace("img-src 'self'", "img-src 'self' https:")
_POLICY: Final = "PAGE_POLICY"
DATA_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
_LOCAL: Final = ("localhost", "127.0.0.1", "[::1]")
_READABLE: Final = ("/feeds/", "/api/", "/papers/", "/export/", "/opml")
"""What other sites' scripts may read."""
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
    app.config[_POLICY] = _THUMBNAILS if settings.thumbnails else PAGE_POLICY
    app.after_request(_secured)


def _hosts(settings: Settings) -> list[str]:
    """The public host, the address listened on, this machine's own names, and those configured."""
    public = urlsplit(settings.base_url).hostname or ""
    hosts = [public, *settings.trusted_hosts, settings.host, *_LOCAL]
    return list(dict.fromkeys(f"[{h}]" if ":" in h and h[0] != "[" else h for h in hosts if h))


def _secured(response: Response) -> Response:
    headers = response.headers
    harden(headers, request.path)
    if response.mimetype == "text/html":
        headers["Content-Security-Policy"] = current_app.config[_POLICY]
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if request.method == "OPTIONS" and request.path.startswith(_READABLE):
        headers.update(_PREFLIGHT)
    return response


def harden(headers: Headers, path: str) -> None:
    """Set what every response carries that is no page."""
    headers["Content-Security-Policy"] = DATA_POLICY
    headers["Referrer-Policy"] = "no-referrer"
    headers["X-Content-Type-Options"] = "nosniff"
    headers["X-Frame-Options"] = "DENY"
    if path.startswith(_READABLE):
        headers["Access-Control-Allow-Origin"] = "*"
        headers["Access-Control-Expose-Headers"] = "ETag, Link, Retry-After"
