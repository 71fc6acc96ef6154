"""The home page: the newest picks, and a page of the saved keywords with their newest papers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import Response, render_template, request

from papers.query.parser import parse_query
from papers.query.request import SearchRequest
from papers.search.counts import MatchCounts
from papers.state.keyword_record import Keyword
from service.cache.version_stamp import ALL_KEYWORDS, StoreVersion
from service.context import AppContext, context
from service.feeds.entry import Entry
from service.pages.parts.page_response import cached_page, pages
from service.pages.parts.plots import BarPlot, month_plot
from service.pages.picks import build_picked_papers, find_picked_papers, newest_pick_date
from service.source_status import source_summary
from service.urls.keyword_urls import SearchUrls
from service.urls.paging import numbered_path, parse_page_number, slice_page
from service.urls.params import DEFAULT_PARAMS

PAPERS_PER_COLUMN: Final = 4
MAX_HOME_PICKS: Final = 6
KEYWORDS_PER_PAGE: Final = 24


@dataclass(frozen=True, slots=True)
class KeywordColumn:
    """A saved keyword on the home page; counts and plot are None while they are unknown."""

    keyword: Keyword
    address: SearchUrls
    entries: list[Entry]
    counts: MatchCounts | None
    plot: BarPlot | None


@pages.get("/")
def home() -> Response:
    """Return the newest picks, and some saved keywords with papers; `page` selects which."""
    ctx, number = context(), parse_page_number(request.args)
    return cached_page(
        numbered_path("/", number),
        lambda version: _render_home(ctx, version, number),
        keywords=(ALL_KEYWORDS,),
    )


def _render_home(ctx: AppContext, version: StoreVersion, number: int) -> bytes:
    page = slice_page(version.keywords_by_name, number, KEYWORDS_PER_PAGE, "/")
    day = newest_pick_date(ctx)
    picked = find_picked_papers(ctx, day, day) if day else []
    return render_template(
        "home.html",
        day=day,
        picks=build_picked_papers(ctx, picked[:MAX_HOME_PICKS], version),
        picked_count=len(picked),
        page=page,
        columns=[_build_column(ctx, keyword) for keyword in page.items],
        empty=ctx.store.count_papers() == 0,
        sources=source_summary(version.task_states),
        q="",
    ).encode()


def _build_column(ctx: AppContext, keyword: Keyword) -> KeywordColumn:
    address = SearchUrls(ctx.settings.base_url, keyword.slug, DEFAULT_PARAMS)
    ask = SearchRequest(query=parse_query(keyword.query), limit=PAPERS_PER_COLUMN)
    entries = [Entry(paper) for paper in ctx.store.search(ask).papers]
    counts = ctx.counter.count(ask.tree)
    plot = month_plot(counts) if counts and counts.year else None
    return KeywordColumn(keyword, address, entries, counts, plot)
