"""What all pages share: their blueprint, and how a page is answered."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, render_template, request

from service.cache.render_cache import Renderer
from service.context import context
from service.http.responses import redirect_to_canonical

pages = Blueprint("pages", __name__)
HTML_CONTENT_TYPE: Final = "text/html; charset=utf-8"
PAGE_MAX_AGE: Final = 60
"""How long a browser may show a page again without asking: people, unlike readers, look twice."""


def cached_page(
    path: str,
    render: Renderer,
    *,
    keywords: tuple[str, ...] = (),
    archive: bool = False,
) -> Response:
    """A page from the cache, or rendered into it; another spelling of its path is redirected.

    `keywords` and `archive` are those of `service.cache.lookup.CacheKey`.
    """
    return redirect_to_canonical(request, path) or context().serve(
        path,
        render,
        content_type=HTML_CONTENT_TYPE,
        keywords=keywords,
        is_archive=archive,
        max_age=PAGE_MAX_AGE,
    )


def uncached_page(template: str, **shown: Any) -> Response:
    """A page that is rendered for every request and kept by nobody."""
    page = render_template(template, **{"q": "", **shown})
    return Response(page, headers={"Cache-Control": "no-store"}, content_type=HTML_CONTENT_TYPE)


def static_page(template: str, **shown: Any) -> Response:
    """A page that only another release changes."""
    page = render_template(template, **{"q": "", **shown})
    return Response(
        page, headers={"Cache-Control": "public, max-age=3600"}, content_type=HTML_CONTENT_TYPE
    )


def redirect_to_newest(path: str) -> Response:
    """Sends on to where the newest of something stands now."""
    headers = {"Location": request.script_root + path, "Cache-Control": "public, max-age=60"}
    return Response(f"The newest is at {path}\n", 302, headers, content_type="text/plain")
