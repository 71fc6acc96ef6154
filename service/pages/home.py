"""The home page: the newest picks, and a page of the saved keywords with their newest papers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from flask import Response, render_template, request

from papers.query.parser import parse_query
from papers.query.request import SearchRequest
from papers.redis_backend.listings.held_span import read_held_span
from papers.search.counts import COUNTED_MONTHS, DayCount, MatchCounts, last_months
from papers.state.keyword_record import Keyword
from service.cache.version_stamp import ALL_KEYWORDS, StoreVersion
from service.context import AppContext, context
from service.feeds.entry import Entry
from service.pages.controls.match_plot import PlottedBar, small_week_plot
from service.pages.controls.page_state import FeedChoice, PageState
from service.pages.controls.subscribe_menu import SubscribeMenu, small_menu
from service.pages.parts.page_response import cached_page, pages
from service.pages.picks import build_picked_papers, find_picked_papers, newest_pick_date
from service.source_status import source_summary
from service.urls.keyword_urls import SearchUrls
from service.urls.paging import numbered_path, parse_page_number, slice_page
from service.urls.params import DEFAULT_PARAMS

PAPERS_PER_CARD: Final = 2
MAX_HOME_PICKS: Final = 6
KEYWORDS_PER_PAGE: Final = 24
COUNTED_DAYS: Final = 8
"""Days among which the newest with announcements is looked for."""
EXAMPLES: Final = ("reward model", "diffusion -survey", "au:bengio", "cat:cs.CL")


@dataclass(frozen=True, slots=True)
class KeywordCard:
    """A saved keyword on the home page; `counts` are None in an empty store."""

    keyword: Keyword
    address: SearchUrls
    entries: list[Entry]
    counts: MatchCounts | None
    plot: tuple[PlottedBar, ...]
    menu: SubscribeMenu


@pages.get("/")
def home() -> Response:
    """Return the newest picks, and some saved keywords with papers; `page` selects which."""
    ctx, number = context(), parse_page_number(request.args)
    return cached_page(
        numbered_path("/", number),
        lambda version: _render_home(ctx, version, number),
        keywords=(ALL_KEYWORDS,),
        period=f"{ctx.now():%m-%dT%H}",  # whether sources are fetched changes with time
    )


def _render_home(ctx: AppContext, version: StoreVersion, number: int) -> bytes:
    page = slice_page(version.keywords_by_name, number, KEYWORDS_PER_PAGE, "/")
    months = last_months(ctx.now().date(), COUNTED_MONTHS)
    held_since = read_held_span(ctx.redis, months).since(months)
    cards = [_build_card(ctx, keyword, number, held_since) for keyword in page.items]
    day = newest_pick_date(ctx)
    picked = find_picked_papers(ctx, day, day) if day else []
    return render_template(
        "home.html",
        day=day,
        picks=build_picked_papers(ctx, picked[:MAX_HOME_PICKS], version),
        picked_count=len(picked),
        picked_menu=_picked_menu(ctx, day, number),
        announced=_newest_announcements(ctx),
        paper_count=ctx.store.count_papers(),
        page=page,
        cards=cards,
        until=next((card.counts.until for card in cards if card.counts), None),
        examples=EXAMPLES,
        sources=source_summary(version.task_states, ctx.now()),
        q="",
    ).encode()


def _newest_announcements(ctx: AppContext) -> DayCount | None:
    """Return the newest day with announcements of arXiv, and how many; None without any."""
    days = ctx.counter.papers_per_day(("arxiv",), COUNTED_DAYS).get("arxiv", [])
    return next((day for day in reversed(days) if day.papers), None)


def _picked_menu(ctx: AppContext, day: date | None, number: int) -> SubscribeMenu:
    urls = SearchUrls(ctx.settings.base_url, "daily", DEFAULT_PARAMS)
    return small_menu(
        urls.url("atom"),
        of="the daily picks",
        more_path=PageState(feed=FeedChoice()).path(f"/daily/{day}") if day else "",
        close_path=numbered_path("/", number),
    )


def _build_card(
    ctx: AppContext, keyword: Keyword, number: int, held_since: date | None
) -> KeywordCard:
    address = SearchUrls(ctx.settings.base_url, keyword.slug, DEFAULT_PARAMS)
    ask = SearchRequest(query=parse_query(keyword.query), limit=PAPERS_PER_CARD)
    entries = [Entry(paper) for paper in ctx.store.search(ask).papers]
    counts = ctx.counter.count(ask.tree)
    menu = small_menu(
        address.url("atom"),
        of=keyword.name,
        more_path=PageState(feed=FeedChoice()).path(address.path("page")),
        close_path=numbered_path("/", number),
    )
    plot = small_week_plot(counts, held_since) if counts and held_since else ()
    return KeywordCard(keyword, address, entries, counts, plot, menu)
