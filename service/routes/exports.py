"""Exports: the saved keywords as a subscription list (`/opml`) and as daily Markdown tables."""

from __future__ import annotations

import hashlib
from typing import Final

from flask import Blueprint, Response, request

from papers.errors import StoreError
from service.cache.build_id import compute_build_id
from service.cache.version_stamp import ALL_KEYWORDS, StoreVersion
from service.context import AppContext, context
from service.exports import keyword_lists, markdown, opml
from service.exports.selection import DEFAULT_ROWS, ExportSelection, parse_export_selection
from service.http.responses import redirect_to_canonical, streamed_response
from service.urls.paging import slice_page

exports = Blueprint("exports", __name__)

MAX_CACHED_FEEDS: Final = 500
"""A list of more keywords is streamed, and made anew for every client that does not have it."""
_OPML_HEADERS: Final = {"Content-Disposition": 'attachment; filename="paperwire.opml"'}
MAX_DAILY_KEYWORDS: Final = 100
"""Keywords on a page of the daily tables."""
MAX_TABLE_ROWS: Final = 1_000
"""Rows of the daily tables in all, some 0.8 MB; the keywords share them evenly."""
MAX_SELECTED_ROWS: Final = 500
"""The same if keywords or rows are chosen: clients can make up any number of choices."""


@exports.get("/opml")
def subscriptions() -> Response:
    """Serve the feeds of all saved keywords, or of those in `k=`, with a folder for each order."""
    ctx, choice = context(), parse_export_selection(request.args, ("k", "when"))
    path = choice.path("/opml")
    if elsewhere := redirect_to_canonical(request, path):
        return elsewhere
    if not choice.slugs and _count_keywords(ctx) > MAX_CACHED_FEEDS:
        return _stream_subscriptions(ctx, choice)
    return ctx.serve(
        path,
        lambda version: keyword_lists.subscriptions_opml(
            ctx.settings.base_url, version.keywords_by_name, choice.orders
        ),
        content_type=opml.CONTENT_TYPE,
        keywords=choice.slugs or (ALL_KEYWORDS,),
        headers=_OPML_HEADERS,
    )


def _count_keywords(ctx: AppContext) -> int:
    try:
        return ctx.keywords.count()
    except StoreError:
        return 0  # the last good response may be on disk


def _stream_subscriptions(ctx: AppContext, choice: ExportSelection) -> Response:
    """Return the list of all saved keywords in parts, so that its length takes no memory."""
    ctx.quota.require()
    listed, base_url = ctx.directory.read(), ctx.settings.base_url
    parts = keyword_lists.stream_subscriptions(base_url, listed.keywords, choice.orders)
    stated = repr((listed.version, base_url, choice.orders, compute_build_id()))
    return streamed_response(
        request.headers,
        parts,
        etag=hashlib.blake2b(stated.encode(), digest_size=12).hexdigest(),
        content_type=opml.CONTENT_TYPE,
        max_age=ctx.settings.cache_seconds,
        headers=_OPML_HEADERS,
        quota=ctx.quota,
    )


@exports.get("/export/daily.md")
def daily() -> Response:
    """Serve the newest papers of all saved keywords, or of those in `k=`, as Markdown tables."""
    ctx, choice = context(), parse_export_selection(request.args, ("k", "n", "page"))
    path = choice.path("/export/daily.md")
    return redirect_to_canonical(request, path) or ctx.serve(
        path,
        lambda version: _render_daily(ctx, version, choice),
        content_type=markdown.CONTENT_TYPE,
        keywords=choice.slugs or (ALL_KEYWORDS,),
    )


def _render_daily(ctx: AppContext, version: StoreVersion, choice: ExportSelection) -> bytes:
    """Render the tables; the keywords share the maximum of rows."""
    listed = slice_page(
        version.keywords_by_name,
        choice.page,
        MAX_DAILY_KEYWORDS,
        "/export/daily.md",
        {"n": str(choice.rows) if choice.rows != DEFAULT_ROWS else ""},
    )
    keywords, base_url = listed.items, ctx.settings.base_url
    is_plain = choice == ExportSelection(page=choice.page)
    max_rows = MAX_TABLE_ROWS if is_plain else MAX_SELECTED_ROWS
    rows = max(1, min(choice.rows, max_rows // max(1, len(keywords))))
    page = keyword_lists.daily_markdown(ctx.store, keywords, rows=rows, site_url=base_url)
    more = f"\nMore keywords: <{base_url}{listed.next_path}>\n" if listed.next_path else ""
    return page + more.encode()
