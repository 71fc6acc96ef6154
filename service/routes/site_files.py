"""Files that clients look for at the root of every site: robots.txt, favicon.ico, sitemap.xml."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final
from xml.sax.saxutils import escape

from flask import Blueprint, Response, abort, request, url_for

from papers.config.networks import serves_only_this_machine
from papers.config.settings import Settings
from papers.state.keyword_record import Keyword
from service.cache.build_id import compute_build_id
from service.context import context
from service.http.responses import streamed_response
from service.urls.keyword_urls import SearchUrls
from service.urls.params import DEFAULT_PARAMS

site_files = Blueprint("site_files", __name__)

MAX_AGE: Final = 86_400
MAX_SITEMAP_URLS: Final = 50_000
"""The most URLs in one document, by https://www.sitemaps.org/protocol.html."""
_PAGES: Final = ("/", "/feeds", "/picked/daily", "/picked/weekly", "/picked/monthly", "/trending")
_URLS_PER_PART: Final = 500


@site_files.get("/robots.txt")
def robots() -> Response:
    """Serve the paths that crawlers may read: no search results, of which there is no end."""
    settings, root = context().settings, request.script_root
    rules = [
        f"Disallow: {root}{path}" for path in ("/search", "/feeds/search", "/export/", "/api/")
    ]
    lines = ["User-agent: *", *rules, f"Disallow: {root}/manage"]
    if not serves_only_this_machine(settings):
        lines.append(f"Sitemap: {settings.base_url}/sitemap.xml")
    headers = {"Cache-Control": f"public, max-age={MAX_AGE}"}
    return Response("\n".join(lines) + "\n", 200, headers, content_type="text/plain; charset=utf-8")


@site_files.get("/favicon.ico")
def favicon() -> Response:
    """Redirect to the icon."""
    headers = {
        "Location": url_for("static", filename="icon.svg"),
        "Cache-Control": f"public, max-age={MAX_AGE}",
    }
    return Response("The icon is an SVG\n", 301, headers, content_type="text/plain; charset=utf-8")


@site_files.get("/sitemap.xml")
def sitemap() -> Response:
    """Serve the pages of an instance that is public; elsewhere there is none."""
    ctx = context()
    if serves_only_this_machine(ctx.settings):
        abort(404)
    ctx.quota.require()
    listed = ctx.directory.read()
    stated = repr((listed.version, ctx.settings.base_url, compute_build_id()))
    return streamed_response(
        request.headers,
        _sitemap_parts(ctx.settings, listed.keywords),
        etag=hashlib.blake2b(stated.encode(), digest_size=12).hexdigest(),
        content_type="application/xml; charset=utf-8",
        max_age=ctx.settings.cache_seconds,
        headers={},
        quota=ctx.quota,
    )


def _sitemap_parts(settings: Settings, keywords: Sequence[Keyword]) -> Iterator[bytes]:
    yield b'<?xml version="1.0" encoding="utf-8"?>\n'
    yield b'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
    urls = islice(_page_urls(settings.base_url, keywords), MAX_SITEMAP_URLS)
    while part := list(islice(urls, _URLS_PER_PART)):
        yield "".join(f"<url><loc>{escape(url)}</loc></url>\n" for url in part).encode()
    yield b"</urlset>\n"


def _page_urls(base_url: str, keywords: Sequence[Keyword]) -> Iterator[str]:
    yield from (base_url + path for path in _PAGES)
    for keyword in keywords:
        yield SearchUrls(base_url, keyword.slug, DEFAULT_PARAMS).url("page")
