"""Exports: the saved keywords as a list of subscriptions (`/opml`) and as the table of the day."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, request

from papers.state.keywords import Keyword
from service.cache.version_stamp import ALL_KEYWORDS
from service.context import AppContext, context
from service.exports import keyword_lists, markdown, opml
from service.exports.selection import ExportSelection, parse_export_selection
from service.http.responses import redirect_to_canonical

exports = Blueprint("exports", __name__)

MAX_TABLE_ROWS: Final = 5_000
"""Rows of the table of the day in all; many keywords share them evenly."""
MAX_SELECTED_ROWS: Final = 500
"""The same where keywords or rows are chosen: anyone may make up any number of choices."""


@exports.get("/opml")
def subscriptions() -> Response:
    """The feeds of all saved keywords, or of those that `k=` names, in a folder for each order."""
    ctx, choice = context(), parse_export_selection(request.args, ("k", "when"))
    path = choice.path("/opml")
    return redirect_to_canonical(request, path) or ctx.serve(
        path,
        lambda: keyword_lists.subscriptions_opml(
            ctx.settings.base_url, _selected_keywords(ctx, choice), choice.orders
        ),
        content_type=opml.CONTENT_TYPE,
        keywords=choice.slugs or (ALL_KEYWORDS,),
        headers={"Content-Disposition": 'attachment; filename="paperwire.opml"'},
    )


@exports.get("/export/daily.md")
def daily() -> Response:
    """The newest papers of all saved keywords, or of those that `k=` names, as Markdown tables."""
    ctx, choice = context(), parse_export_selection(request.args, ("k", "n"))
    path = choice.path("/export/daily.md")
    return redirect_to_canonical(request, path) or ctx.serve(
        path,
        lambda: _render_daily(ctx, choice),
        content_type=markdown.CONTENT_TYPE,
        keywords=choice.slugs or (ALL_KEYWORDS,),
    )


def _render_daily(ctx: AppContext, choice: ExportSelection) -> bytes:
    """The page, its keywords sharing the rows there may be in all."""
    keywords = _selected_keywords(ctx, choice)
    most = MAX_TABLE_ROWS if choice == ExportSelection() else MAX_SELECTED_ROWS
    rows = max(1, min(choice.rows, most // max(1, len(keywords))))
    return keyword_lists.daily_markdown(
        ctx.store, keywords, rows=rows, site_url=ctx.settings.base_url
    )


def _selected_keywords(ctx: AppContext, choice: ExportSelection) -> list[Keyword]:
    """The chosen keywords, by name; all of them where none is chosen. Raises UnknownKeyword."""
    named = {ctx.keywords.get(slug).slug for slug in choice.slugs}
    return [keyword for keyword in ctx.keywords.all() if not named or keyword.slug in named]
