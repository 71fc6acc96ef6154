"""A keyword's page: its papers by day, how many there are, what narrows it, how to follow it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date
from typing import Final

from flask import Response, render_template, request

from papers.model.paper import Paper
from service.context import Desk, Found, desk
from service.feeds.entry import Entry, lead_of
from service.pages.parts.facets import facets, filters, fixed
from service.pages.parts.highlight import Shown, shown
from service.pages.parts.page_response import kept, pages, unchanging
from service.pages.parts.plots import month_plot
from service.pages.parts.reader_links import mailed
from service.source_status import trouble
from service.urls.keyword_urls import SEARCH, Address, joined

PAGE_PAPERS: Final = 25
"""Papers on a page where the address does not say; a feed has more, since nobody scrolls it."""

FACET_PAPERS: Final = 100
"""The newest matches whose categories and authors are counted."""


@pages.get("/k/<name>")
def keyword(name: str) -> Response:
    """The papers of a saved keyword."""
    return _papers(name)


@pages.get("/search")
def search() -> Response:
    """The papers of any keyword; without one, a form and how keywords are written."""
    if any(not name.startswith("utm_") for name in request.args):
        return _papers(SEARCH)
    return unchanging("search.html")


def _papers(name: str) -> Response:
    at = desk()
    address = at.address(name)
    return kept(address.path("page"), lambda: page_of(at, address), keywords=address.keywords)


def page_of(at: Desk, address: Address, *, heading: str = "", place: str = "") -> bytes:
    """The papers at an address as a page; with a heading and a place, as a listing in full."""
    most: int = address.asked.options.get("limit", PAGE_PAPERS)
    first_page = "before" not in address.asked.options
    sample = at.find(address, max(FACET_PAPERS, most) if first_page else most)
    found, sampled = _cut(sample, most), sample.page.papers
    counts = at.counter.count(found.ask.tree) if first_page else None
    return render_template(
        "papers.html",
        found=found,
        address=address,
        feeds=address.feeds,
        atom_url=address.after("").url("atom"),
        api_path=address.api_path,
        groups=_by_day(found),
        next_path=_next(address, found.page.next, place),
        heading=heading,
        counts=counts,
        plot=month_plot(counts) if counts else None,
        facets=facets(found, sampled) if first_page else [],
        sampled=len(sampled),
        filters=filters(address, at.sources),
        asked_at=address.path("page").partition("?")[0],
        fixed=fixed(address),
        trouble=trouble(found.states),
        mailed=[often for slug, often in mailed(at.settings) if slug == address.slug],
        q="" if found.keywords else found.query.canonical,
    ).encode()


def _next(address: Address, cursor: str | None, place: str) -> str:
    """The path of the page after one, behind its last paper; empty where there is none."""
    if not cursor:
        return ""
    address = address.after(cursor)
    if not place:
        return address.path("page")
    return joined(place, replace(address.asked, query=None).spelled)


def _cut(found: Found, most: int) -> Found:
    """The first papers of what was found, as many as a page shows; the rest were for the facets."""
    if len(found.page.papers) <= most:
        return found
    papers = found.page.papers[:most]
    return replace(
        found, page=replace(found.page, papers=papers, next=str(papers[-1].id), complete=True)
    )


def _by_day(found: Found) -> list[tuple[date, list[tuple[Shown, tuple[str, ...]]]]]:
    """The papers under the days they were announced, or picked; newest day first.

    Beside each paper are the slugs of the keywords it met, where several were asked for.
    """
    days: defaultdict[date, list[tuple[Shown, tuple[str, ...]]]] = defaultdict(list)
    for paper in found.page.papers:
        entry = found.entry(paper)
        days[_day(found, paper, entry)].append((shown(entry, found.query), entry.keywords))
    return sorted(days.items(), reverse=True)


def _day(found: Found, paper: Paper, entry: Entry) -> date:
    lead = lead_of(paper, found.ask.source) if found.picked else None
    return lead.picked_at.date() if lead else entry.published.date()
