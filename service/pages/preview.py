"""Matches as one types: a piece of a page with the newest papers of a keyword, or what is wrong."""

from __future__ import annotations

from typing import Final

from flask import Response, render_template, request

from papers.errors import BadQuery
from papers.query.parser import parse_query
from papers.query.request import SearchRequest
from service.context import AppContext, context
from service.feeds.entry import Entry
from service.pages.parts.highlight import highlight_entry
from service.pages.parts.page_response import HTML_CONTENT_TYPE, PAGE_MAX_AGE, pages
from service.pages.parts.plots import month_plot
from service.urls.keyword_urls import SEARCH_SLUG, SearchUrls
from service.urls.params import SearchParams

PREVIEW_PAPERS: Final = 6


@pages.get("/search/preview")
def preview() -> Response:
    """What `q` would find; 400 with the reason and the mend where it cannot be read.

    Nobody keeps these here: few of the keywords that pass by while someone types are ever seen
    again, and they are quickly made.
    """
    ctx, text = context(), request.args.get("q", "")
    ctx.consume_quota(allow_burst=True)
    try:
        body, status = _render_preview(ctx, text), 200
    except BadQuery as error:
        body, status = render_template("_preview_error.html", error=error), 400
    seconds = PAGE_MAX_AGE if status == 200 else 0
    headers = {"Cache-Control": f"public, max-age={seconds}" if seconds else "no-store"}
    return Response(body, status, headers, content_type=HTML_CONTENT_TYPE)


def _render_preview(ctx: AppContext, text: str) -> str:
    query = parse_query(text)
    ask = SearchRequest(query=query, limit=PREVIEW_PAPERS)
    page, counts = ctx.store.search(ask), ctx.counter.count(ask.tree)
    return render_template(
        "_preview.html",
        query=query,
        path=SearchUrls(ctx.settings.base_url, SEARCH_SLUG, SearchParams(query, {})).path("page"),
        papers=[highlight_entry(Entry(paper), query) for paper in page.papers],
        counts=counts,
        plot=month_plot(counts) if counts else None,
    )
