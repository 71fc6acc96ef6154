"""The preview while a query is typed: a fragment with its newest papers, or its error."""

from __future__ import annotations

from typing import Any, Final

from flask import Response, request

from papers.errors import BadQuery
from papers.query.parser import parse_query
from papers.query.request import SearchRequest
from service.context import AppContext, context
from service.feeds.entry import Entry
from service.pages.parts.highlight import highlight_entry
from service.pages.parts.page_response import PAGE_MAX_AGE, pages, uncached_page
from service.pages.parts.plots import month_plot
from service.pages.parts.readings import link_notes, link_suggestions
from service.urls.keyword_urls import SEARCH_SLUG, SearchUrls
from service.urls.params import SearchParams

PREVIEW_PAPERS: Final = 6


@pages.get("/search/preview")
def preview() -> Response:
    """Return the newest papers of `q`; 400 with reason and hint if it cannot be parsed.

    Not cached on the server: few of the queries that pass by while someone types are requested
    again, and they are cheap.
    """
    ctx, text = context(), request.args.get("q", "")
    try:
        with ctx.quota.charging():
            values = _preview_values(ctx, text)
    except BadQuery as error:
        return uncached_page("_preview_error.html", status=400, error=error)
    return uncached_page("_preview.html", max_age=PAGE_MAX_AGE, **values)


def _preview_values(ctx: AppContext, text: str) -> dict[str, Any]:
    query = parse_query(text)
    ask = SearchRequest(query=query, limit=PREVIEW_PAPERS)
    page, counts = ctx.store.search(ask), ctx.counter.count(ask.tree)
    params = SearchParams(query, {})
    address = SearchUrls(ctx.settings.base_url, SEARCH_SLUG, params)
    return {
        "query": query,
        "notes": link_notes(ctx, query, query.notes, params),
        "suggestions": link_suggestions(ctx, query, params, counts),
        "path": address.path("page"),
        "papers": [highlight_entry(Entry(paper), query) for paper in page.papers],
        "counts": counts,
        "plot": month_plot(counts) if counts else None,
    }
