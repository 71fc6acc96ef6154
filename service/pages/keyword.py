"""A keyword's page: its papers by day, how many there are, what narrows it, how to follow it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date
from typing import Final

from flask import Response, render_template, request

from papers.model.paper import Paper
from service.cache.version_stamp import StoreVersion
from service.context import AppContext, FeedResult, context
from service.feeds.entry import Entry, select_lead_pick
from service.pages.parts.facets import build_facets, build_filter_controls, hidden_form_fields
from service.pages.parts.highlight import HighlightedEntry, highlight_entry
from service.pages.parts.page_response import cached_page, pages, static_page
from service.pages.parts.plots import month_plot
from service.pages.parts.reader_links import mailed_keywords
from service.source_status import source_trouble
from service.urls.keyword_urls import SEARCH_SLUG, SearchUrls, with_query_string

PAPERS_PER_PAGE: Final = 25
"""Papers on a page where the address does not say; a feed has more, since nobody scrolls it."""

FACET_SAMPLE_SIZE: Final = 100
"""The newest matches whose categories and authors are counted."""


@pages.get("/k/<name>")
def keyword(name: str) -> Response:
    """The papers of a saved keyword."""
    return _papers_response(name)


@pages.get("/search")
def search() -> Response:
    """The papers of any keyword; without one, a form and how keywords are written."""
    if any(not name.startswith("utm_") for name in request.args):
        return _papers_response(SEARCH_SLUG)
    return static_page("search.html")


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
    """The papers at an address as a page; with a heading and a place, as a listing in full."""
    most: int = address.params.options.get("limit", PAPERS_PER_PAGE)
    first_page = "before" not in address.params.options
    sample = ctx.search(address, version, max(FACET_SAMPLE_SIZE, most) if first_page else most)
    found, sampled = _truncate_result(sample, most), sample.page.papers
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
        sampled=len(sampled),
        filters=build_filter_controls(address, ctx.source_names),
        asked_at=address.path("page").partition("?")[0],
        fixed=hidden_form_fields(address),
        trouble=source_trouble(found.source_states),
        mailed=[often for slug, often in mailed_keywords(ctx.settings) if slug == address.slug],
        q="" if found.keywords else found.query.canonical,
    ).encode()


def _next_page_path(address: SearchUrls, cursor: str | None, place: str) -> str:
    """The path of the page after one, behind its last paper; empty where there is none."""
    if not cursor:
        return ""
    address = address.at_cursor(cursor)
    if not place:
        return address.path("page")
    return with_query_string(place, replace(address.params, query=None).query_string)


def _truncate_result(found: FeedResult, most: int) -> FeedResult:
    """The first papers of what was found, as many as a page shows; the rest were for the facets."""
    if len(found.page.papers) <= most:
        return found
    papers = found.page.papers[:most]
    return replace(
        found,
        page=replace(found.page, papers=papers, next_cursor=str(papers[-1].id), is_complete=True),
    )


def _group_by_day(
    found: FeedResult,
) -> list[tuple[date, list[tuple[HighlightedEntry, tuple[str, ...]]]]]:
    """The papers under the days they were announced, or picked; newest day first.

    Beside each paper are the slugs of the keywords it met, where several were asked for.
    """
    days: defaultdict[date, list[tuple[HighlightedEntry, tuple[str, ...]]]] = defaultdict(list)
    for paper in found.page.papers:
        entry = found.make_entry(paper)
        days[_group_date(found, paper, entry)].append(
            (highlight_entry(entry, found.query), entry.keywords)
        )
    return sorted(days.items(), reverse=True)


def _group_date(found: FeedResult, paper: Paper, entry: Entry) -> date:
    lead = select_lead_pick(paper, found.search_request.source) if found.is_by_pick else None
    return lead.picked_at.date() if lead else entry.published.date()
