"""Exports: the saved keywords as a subscription list (`/opml`) and as daily Markdown tables."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, request

from service.cache.version_stamp import ALL_KEYWORDS, StoreVersion
from service.context import AppContext, context
from service.exports import keyword_lists, markdown, opml
from service.exports.selection import ExportSelection, parse_export_selection
from service.http.responses import redirect_to_canonical

exports = Blueprint("exports", __name__)

MAX_TABLE_ROWS: Final = 5_000
"""Rows of the daily tables in all; the keywords share them evenly."""
MAX_SELECTED_ROWS: Final = 500
"""The same if keywords or rows are chosen: clients can make up any number of choices."""


@exports.get("/opml")
def subscriptions() -> Response:
    """Serve the feeds of all saved keywords, or of those in `k=`, with a folder for each order."""
    ctx, choice = context(), parse_export_selection(request.args, ("k", "when"))
    path = choice.path("/opml")
    return redirect_to_canonical(request, path) or ctx.serve(
        path,
        lambda version: keyword_lists.subscriptions_opml(
            ctx.settings.base_url, version.keywords_by_name, choice.orders
        ),
        content_type=opml.CONTENT_TYPE,
        keywords=choice.slugs or (ALL_KEYWORDS,),
        headers={"Content-Disposition": 'attachment; filename="paperwire.opml"'},
    )


@exports.get("/export/daily.md")
def daily() -> Response:
    """Serve the newest papers of all saved keywords, or of those in `k=`, as Markdown tables."""
    ctx, choice = context(), parse_export_selection(request.args, ("k", "n"))
    path = choice.path("/export/daily.md")
    return redirect_to_canonical(request, path) or ctx.serve(
        path,
        lambda version: _render_daily(ctx, version, choice),
        content_type=markdown.CONTENT_TYPE,
        keywords=choice.slugs or (ALL_KEYWORDS,),
    )


def _render_daily(ctx: AppContext, version: StoreVersion, choice: ExportSelection) -> bytes:
    """Render the tables; the keywords share the maximum of rows."""
    keywords = version.keywords_by_name
    max_rows = MAX_TABLE_ROWS if choice == ExportSelection() else MAX_SELECTED_ROWS
    rows = max(1, min(choice.rows, max_rows // max(1, len(keywords))))
    return keyword_lists.daily_markdown(
        ctx.store, keywords, rows=rows, site_url=ctx.settings.base_url
    )
