"""The page of a keyword: its papers by day, counts, facets and filters, links to its feeds."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date
from typing import Final

from flask import Response, render_template, request

from papers.query.request import LIST_NAMES
from papers.state.slugs import moved_slug
from papers.suggestions.missing_terms import explain_empty
from service.cache.version_stamp import StoreVersion
from service.context import AppContext, context
from service.feed_result import FeedResult
from service.feeds.entry import Entry
from service.feeds.event_entry import select_lead_pick
from service.pages.parts.facets import build_facets, build_filter_controls, hidden_form_fields
from service.pages.parts.highlight import HighlightedEntry, highlight_entry
from service.pages.parts.page_response import cached_page, pages, uncached_page
from service.pages.parts.plots import month_plot
from service.pages.parts.reader_links import mailed_keywords
from service.pages.parts.readings import link_notes, link_suggestions
from service.source_status import source_trouble
from service.urls.forgiving import clean_args
from service.urls.keyword_urls import SEARCH_SLUG, SearchUrls, path_with_params

PAPERS_PER_PAGE: Final = 25
"""Papers on a page without `n=`; a feed has more, as nobody scrolls it."""

STATIC_PAGE_MAX_AGE: Final = 3600
"""Seconds a client may reuse a page that only a release changes."""

FACET_SAMPLE_SIZE: Final = 100
"""Newest matches whose categories and authors the facets count."""


@pages.get("/k/<name>")
def keyword(name: str) -> Response:
    """Return the papers of a saved keyword.

    One whose slug became that of a list has moved; without one this is the page of the list.
    """
    moved = moved_slug(name) if name in LIST_NAMES else ""
    return _papers_response(moved if moved and context().keywords.is_saved(moved) else name)


@pages.get("/search")
def search() -> Response:
    """Return the papers of any query; without parameters, a description of the query language."""
    if clean_args(request.args):
        return _papers_response(SEARCH_SLUG)
    return uncached_page("search.html", max_age=STATIC_PAGE_MAX_AGE)


def _papers_response(name: str) -> Response:
    ctx = context()
    address = ctx.parse_search_urls(name)
    return cached_page(
        address.path("page"),
        lambda version: render_papers_page(ctx, address, version),
        keywords=address.keywords,
    )


def render_papers_page(
    ctx: AppContext,
    address: SearchUrls,
    version: StoreVersion,
    *,
    heading: str = "",
    base_path: str = "",
) -> bytes:
    """Render the papers of a search; with `heading` and `base_path`, as a listing."""
    limit: int = address.params.options.get("limit", PAPERS_PER_PAGE)
    first_page = "before" not in address.params.options
    sample = ctx.search(address, version, max(FACET_SAMPLE_SIZE, limit) if first_page else limit)
    found, sampled = _truncate_result(sample, limit), sample.page.papers
    counts = ctx.counter.count(found.search_request.tree) if first_page else None
    return render_template(
        "papers.html",
        found=found,
        address=address,
        feeds=address.feed_links,
        atom_url=address.at_cursor("").url("atom"),
        api_path=address.api_path,
        groups=_group_by_day(found),
        next_path=_next_page_path(address, found.page.next_cursor, base_path),
        heading=heading,
        counts=counts,
        plot=month_plot(counts) if counts else None,
        facets=build_facets(found, sampled) if first_page else [],
        sample_size=len(sampled),
        filters=build_filter_controls(address, ctx.source_names),
        form_action=address.path("page").partition("?")[0],
        hidden_fields=hidden_form_fields(address),
        trouble=source_trouble(found.source_states),
        mailed=[often for slug, often in mailed_keywords(ctx.settings) if slug == address.slug],
        q="" if found.keywords else found.query.display_text,
        notes=link_notes(ctx, found.query, found.notes, address.params) if first_page else [],
        suggestions=link_suggestions(ctx, found.query, address.params, counts),
        missing=_explain_empty(ctx, found) if first_page else "",
    ).encode()


def _explain_empty(ctx: AppContext, found: FeedResult) -> str:
    """Return what the empty result of one keyword lacks."""
    is_explained = not found.page.papers and len(found.keywords) < 2
    return explain_empty(ctx.store, found.search_request) if is_explained else ""


def _next_page_path(address: SearchUrls, cursor: str | None, base_path: str) -> str:
    """Return the path of the next page; empty if there is none."""
    if not cursor:
        return ""
    address = address.at_cursor(cursor)
    if not base_path:
        return address.path("page")
    return path_with_params(base_path, replace(address.params, query=None))


def _truncate_result(found: FeedResult, limit: int) -> FeedResult:
    """Return the result with its first papers; the others were read for the facets."""
    if len(found.page.papers) <= limit:
        return found
    papers, events = found.page.papers[:limit], found.page.events[:limit]
    last = events[-1].cursor if events else str(papers[-1].id)
    page = replace(found.page, records=papers, events=events, next_cursor=last, is_complete=True)
    return replace(found, page=page)


def _group_by_day(
    found: FeedResult,
) -> list[tuple[date, list[tuple[HighlightedEntry, tuple[str, ...]]]]]:
    """Group the papers by the day of their announcement, pick or event; newest day first.

    Each paper has the slugs of the keywords that it matches, in a result of several keywords.
    """
    days: defaultdict[date, list[tuple[HighlightedEntry, tuple[str, ...]]]] = defaultdict(list)
    for entry in found.entries:
        days[_group_date(found, entry)].append(
            (highlight_entry(entry, found.query), entry.keywords)
        )
    return sorted(days.items(), reverse=True)


def _group_date(found: FeedResult, entry: Entry) -> date:
    source = found.search_request.source
    lead = select_lead_pick(entry.paper, source) if found.is_by_pick else None
    return lead.picked_at.date() if lead else entry.published.date()
