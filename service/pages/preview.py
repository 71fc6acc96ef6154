"""The preview while a query is typed: a fragment with its newest papers, or its error."""

from __future__ import annotations

from typing import Any, Final

from flask import Response, request

from papers.errors import BadQuery
from papers.query.parser import Query
from papers.query.request import Page, SearchRequest
from papers.suggestions.missing_terms import explain_empty
from papers.suggestions.partial_query import PartialReading
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

    The last word is a prefix until a blank follows: nobody is shown a zero for half a word.
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
    reading = PartialReading.of(text)
    query, params = reading.typed, SearchParams(reading.typed, {})
    shown, page = _search_partial(ctx, reading)
    counts = ctx.counter.count(page_request(shown).tree)
    typed = counts if shown is query else ctx.counter.count(page_request(query).tree)
    is_shown = counts is not None and (bool(page.papers) or not reading.is_partial)
    return {
        "query": query,
        "notes": link_notes(ctx, query, query.notes, params),
        "suggestions": link_suggestions(ctx, query, params, typed),
        "path": SearchUrls(ctx.settings.base_url, SEARCH_SLUG, params).path("page"),
        "papers": [highlight_entry(Entry(paper), shown) for paper in page.papers],
        "counts": counts if is_shown else None,
        "plot": month_plot(counts) if counts and is_shown else None,
        "shown": shown if shown is not query else None,
        "missing": _explain_empty(ctx, reading) if not page.papers else "",
    }


def page_request(query: Query) -> SearchRequest:
    """Return the request for the papers of a preview."""
    return SearchRequest(query=query, limit=PREVIEW_PAPERS)


def _search_partial(ctx: AppContext, reading: PartialReading) -> tuple[Query, Page]:
    """Return what is shown, and its papers.

    The last word is left out if it is too short for a prefix and no paper has it as a word.
    """
    page = ctx.store.search(page_request(reading.shown))
    if page.papers or not reading.is_partial or reading.is_prefix or reading.rest is None:
        return reading.shown, page
    return reading.rest, ctx.store.search(page_request(reading.rest))


def _explain_empty(ctx: AppContext, reading: PartialReading) -> str:
    """Return what an empty result lacks; "" while the last word may become one that papers have."""
    if reading.is_partial and not reading.is_prefix:
        return ""
    return explain_empty(ctx.store, page_request(reading.shown))
