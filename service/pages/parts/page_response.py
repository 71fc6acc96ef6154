"""What all pages share: their blueprint, and how a page is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from flask import Blueprint, Response, render_template, request

from service.context import desk
from service.http.responses import redirected

pages = Blueprint("pages", __name__)
HTML: Final = "text/html; charset=utf-8"
PAGE_SECONDS: Final = 60
"""How long a browser may show a page again without asking: people, unlike readers, look twice."""


def kept(
    path: str,
    render: Callable[[], bytes],
    *,
    keywords: tuple[str, ...] = (),
    archive: bool = False,
) -> Response:
    """A page from the cache, or rendered into it; another spelling of its path is redirected.

    `keywords` and `archive` are what `service.cache.render_cache.Wanted` says of them.
    """
    return redirected(request, path) or desk().serve(
        path,
        render,
        content_type=HTML,
        keywords=keywords,
        archive=archive,
        most_seconds=PAGE_SECONDS,
    )


def fresh(template: str, **shown: Any) -> Response:
    """A page that is rendered for every request and kept by nobody."""
    page = render_template(template, **{"q": "", **shown})
    return Response(page, headers={"Cache-Control": "no-store"}, content_type=HTML)


def unchanging(template: str, **shown: Any) -> Response:
    """A page that only another release changes."""
    page = render_template(template, **{"q": "", **shown})
    return Response(page, headers={"Cache-Control": "public, max-age=3600"}, content_type=HTML)


def moved(path: str) -> Response:
    """Sends on to where the newest of something stands now."""
    headers = {"Location": request.script_root + path, "Cache-Control": "public, max-age=60"}
    return Response(f"The newest is at {path}\n", 302, headers, content_type="text/plain")
