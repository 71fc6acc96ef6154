"""The pages' blueprint, and responses with pages: cached, rendered per request, redirects."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, render_template, request

from service.cache.render_request import Renderer
from service.context import context
from service.http.responses import redirect_to_canonical

pages = Blueprint("pages", __name__)
HTML_CONTENT_TYPE: Final = "text/html; charset=utf-8"
PAGE_MAX_AGE: Final = 60
"""Seconds a browser may reuse a page; shorter than for feeds, as people reload pages."""
STATIC_PAGE_MAX_AGE: Final = 3600
"""Seconds a client may reuse a page that only a release changes."""


def cached_page(
    path: str,
    render: Renderer,
    *,
    keywords: tuple[str, ...] = (),
    archive: bool = False,
    redirect: bool = True,
    period: str = "",
    is_polled: bool = False,
) -> Response:
    """Return a page from the cache, or render and cache it.

    `path` is the canonical path with query string; another form of it is redirected there unless
    `redirect` is false. `keywords` and `archive` are as in `service.cache.lookup.CacheKey`; with
    `period` it is rendered again when that changes, and always when the year does, as dates of this
    year are shown without it. Clients may not reuse a page that `is_polled`.
    """
    ctx = context()
    elsewhere = redirect_to_canonical(request, path) if redirect else None
    return elsewhere or ctx.serve(
        path,
        render,
        content_type=HTML_CONTENT_TYPE,
        keywords=keywords,
        period=f"{ctx.now().year}{period}",
        is_archive=archive,
        headers={"Cache-Control": "no-cache"} if is_polled else None,
        max_age=PAGE_MAX_AGE,
    )


def uncached_page(template: str, *, status: int = 200, max_age: int = 0, **values: Any) -> Response:
    """Render a template for this request; clients may reuse it for `max_age` seconds, if any."""
    page = render_template(template, **{"q": "", **values})
    cache_control = f"public, max-age={max_age}" if max_age else "no-store"
    return Response(page, status, {"Cache-Control": cache_control}, content_type=HTML_CONTENT_TYPE)


def redirect_to_newest(path: str) -> Response:
    """Redirect for a minute to the page of the newest period."""
    headers = {"Location": request.script_root + path, "Cache-Control": "public, max-age=60"}
    return Response(f"The newest is at {path}\n", 302, headers, content_type="text/plain")
