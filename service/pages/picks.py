"""Pages of picks: of a day, week or month by votes, and the trending ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from flask import Response, render_template, request

from papers.model.paper import Paper, Pick
from papers.model.periods import Period
from papers.model.periods import PeriodKind as Rhythm
from papers.query.parser import Query, parse_query
from papers.query.request import ALL_ANNOUNCE_TYPES, ListName, SearchRequest
from papers.state.keyword_record import Keyword
from papers.state.voting.popularity import first_pick, rank_by_votes, rank_trending, vote_units
from papers.state.voting.votes import VoteHistory
from service.cache.version_stamp import ALL_KEYWORDS, StoreVersion
from service.context import AppContext, context
from service.feeds.entry import Entry
from service.pages.controls.page_state import FeedChoice, PageState, parse_page_state
from service.pages.controls.subscribe_menu import SubscribeMenu, list_menu
from service.pages.parts.highlight import HighlightedEntry, highlight_entry
from service.pages.parts.page_response import cached_page, pages, redirect_to_newest
from service.pages.parts.plots import VoteGrowth, vote_growth
from service.pages.parts.template_filters import format_known_day
from service.pages.thumbnails import thumbnail_folder, thumbnail_of, thumbnails_version
from service.search_title import search_title
from service.source_status import source_trouble
from service.urls.keyword_urls import SEARCH_SLUG, SearchUrls, path_with_params
from service.urls.params import EVERY_MEMBER, SearchParams

PERIOD_KINDS: Final[dict[str, Rhythm]] = {"daily": "day", "weekly": "week", "monthly": "month"}
LISTS_BY_RHYTHM: Final[dict[str, ListName]] = {
    "daily": "daily",
    "weekly": "weekly",
    "monthly": "monthly",
}
MAX_RANKED_PICKS: Final = 2_000
MAX_SHOWN_PICKS: Final = 50
MAX_MATCHED_KEYWORDS: Final = 10
"""Saved keywords named beside a paper."""
TRENDING_WINDOW: Final = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class PickedPaper:
    """A picked paper on a page: its earliest pick, votes and their growth, comments, keywords."""

    highlighted: HighlightedEntry
    lead_pick: Pick
    votes: int
    comments: int
    matched_keywords: tuple[Keyword, ...]
    growth: VoteGrowth | None
    thumbnail: str


@pages.get("/<any(daily, weekly, monthly):rhythm>")
def newest_picks(rhythm: str) -> Response:
    """Redirect to the newest day, week or month that has picks."""
    ctx = context()
    newest = newest_pick_date(ctx)
    period = Period.containing(PERIOD_KINDS[rhythm], newest or ctx.now().date())
    return redirect_to_newest(_path_with_query(f"/{rhythm}/{period.name}", _parse_filter()))


@pages.get("/<any(daily, weekly, monthly):rhythm>/<period>")
def picks(rhythm: str, period: str) -> Response:
    """Return the picks of a day (`2026-05-12`), week (`2026-W20`) or month (`2026-05`).

    With `q` only those that match it.
    """
    ctx, query, state = context(), _parse_filter(), parse_page_state(request.args)
    requested = Period.parse(PERIOD_KINDS[rhythm], period)
    return cached_page(
        state.path(_path_with_query(f"/{rhythm}/{requested.name}", query)),
        lambda version: _render_period(ctx, version, rhythm, requested, query, state),
        keywords=(ALL_KEYWORDS,),
        archive=True,
        period=thumbnails_version(ctx),
    )


@pages.get("/trending")
def trending() -> Response:
    """Return the picks of the last two weeks, those that gained votes fastest first."""
    ctx, query, state = context(), _parse_filter(), parse_page_state(request.args)
    return cached_page(
        state.path(_path_with_query("/trending", query)),
        lambda version: _render_trending(ctx, version, query, state),
        keywords=(ALL_KEYWORDS,),
        period=thumbnails_version(ctx),
    )


def _parse_filter() -> Query | None:
    """Return the query in `q`, if any. Raises BadQuery."""
    text = request.args.get("q", "").strip()
    return parse_query(text) if text else None


def _path_with_query(base_path: str, query: Query | None) -> str:
    return path_with_params(base_path, SearchParams(query, {}))


def newest_pick_date(ctx: AppContext) -> date | None:
    """Return the day of the newest pick; None if there is none."""
    page = ctx.store.search(_picks_request(limit=1))
    return max((first_pick(paper).picked_at.date() for paper in page.papers), default=None)


def find_picked_papers(
    ctx: AppContext, first: date, last: date, query: Query | None = None
) -> list[Paper]:
    """Return the papers whose earliest pick is between two days, most votes first.

    Votes of several communities are made comparable, by all picks of these days.
    """
    found = ctx.store.search(_picks_request(query, since=first, until=last, limit=MAX_RANKED_PICKS))
    units = vote_units(find_picked_papers(ctx, first, last)) if query else None
    return rank_by_votes(found.papers, units)


def find_trending_papers(ctx: AppContext, newest: date, query: Query | None = None) -> list[Paper]:
    """Return the picks of the two weeks up to a day, those that gained votes fastest first."""
    papers = find_picked_papers(ctx, newest - TRENDING_WINDOW, newest, query)
    units = vote_units(find_picked_papers(ctx, newest - TRENDING_WINDOW, newest)) if query else None
    return rank_trending(papers, newest, units)


def build_picked_papers(
    ctx: AppContext, papers: Sequence[Paper], version: StoreVersion, query: Query | None = None
) -> list[PickedPaper]:
    """Build picked papers for a page, with the matches of `query` highlighted."""
    matched = ctx.percolators.matching_keywords(papers, version.all_keywords, MAX_MATCHED_KEYWORDS)
    histories = VoteHistory(ctx.redis).histories([paper.id for paper in papers])
    folder = thumbnail_folder(ctx)
    return [
        PickedPaper(
            highlight_entry(Entry(paper), query),
            first_pick(paper),
            paper.votes or 0,
            sum(pick.comments or 0 for pick in paper.picks),
            keywords,
            vote_growth(paper, history),
            thumbnail_of(folder, paper),
        )
        for paper, keywords, history in zip(papers, matched, histories, strict=True)
    ]


def _render_period(
    ctx: AppContext,
    version: StoreVersion,
    rhythm: str,
    period: Period,
    query: Query | None,
    state: PageState,
) -> bytes:
    papers = find_picked_papers(ctx, period.first_day, period.last_day, query)
    newest = newest_pick_date(ctx)
    following = period.next if newest and period.next.first_day <= newest else None
    address = _list_address(ctx, LISTS_BY_RHYTHM[rhythm], query)
    dated = _dated_address(ctx, query, period)
    return _render_picks(
        ctx,
        version,
        papers,
        address,
        query,
        f"/{rhythm}/{period.name}",
        title=f"Picked {_PREPOSITIONS[rhythm]} {_period_name(period)}",
        about="",
        dated=dated,
        menu=_subscribe_menu(address, f"/{rhythm}/{period.name}", query, state, dated),
        rhythm=rhythm,
        previous_path=_path_with_query(f"/{rhythm}/{period.previous.name}", query),
        next_path=_path_with_query(f"/{rhythm}/{following.name}", query) if following else "",
        periods=_period_links(period, query),
        days=(period.first_day, period.last_day) if period.kind != "day" else (),
    )


def _render_trending(
    ctx: AppContext, version: StoreVersion, query: Query | None, state: PageState
) -> bytes:
    address = _list_address(ctx, "trending", query)
    newest = newest_pick_date(ctx)
    ranked = find_trending_papers(ctx, newest, query) if newest else []
    return _render_picks(
        ctx,
        version,
        ranked,
        address,
        query,
        "/trending",
        title="Trending",
        about="Picked in the last two weeks; many votes in little time come first.",
        dated=None,
        menu=_subscribe_menu(address, "/trending", query, state),
        rhythm="trending",
        previous_path="",
        next_path="",
        periods=_period_links(Period.containing("day", newest), query) if newest else [],
        days=(),
    )


def _render_picks(
    ctx: AppContext,
    version: StoreVersion,
    papers: Sequence[Paper],
    address: SearchUrls,
    query: Query | None,
    base_path: str,
    **values: object,
) -> bytes:
    return render_template(
        "picks.html",
        picks=build_picked_papers(ctx, papers[:MAX_SHOWN_PICKS], version, query),
        total=len(papers),
        feeds=address.feed_links,
        feed_title=search_title((), query or parse_query(EVERY_MEMBER), address.list_name),
        trouble=source_trouble(version.task_states, ctx.now()),
        query=query.display_text if query else "",
        base_path=base_path,
        trending_path=_path_with_query("/trending", query),
        q="",
        **values,
    ).encode()


def _period_name(period: Period) -> str:
    return format_known_day(period.first_day) if period.kind == "day" else period.display_name


def _subscribe_menu(
    address: SearchUrls,
    base_path: str,
    query: Query | None,
    state: PageState,
    dated: SearchUrls | None = None,
) -> SubscribeMenu:
    name = str(address.list_name)
    return list_menu(
        address,
        state,
        lambda other: other.path(_path_with_query(base_path, query)),
        of=f"{name} picks" if name != "trending" else "trending papers",
        note=_MENU_NOTES[name],
        just_these=PageState(feed=FeedChoice()).path(dated.path("page")) if dated else "",
    )


def _period_links(period: Period, query: Query | None) -> list[tuple[str, str]]:
    """Return (rhythm, path) of the periods around the first day of this one."""
    return [
        (
            rhythm,
            _path_with_query(f"/{rhythm}/{Period.containing(kind, period.first_day).name}", query),
        )
        for rhythm, kind in PERIOD_KINDS.items()
    ]


def _picks_request(query: Query | None = None, **more: object) -> SearchRequest:
    """Build the request for picked papers: all of them, or those that match."""
    query = query or parse_query(EVERY_MEMBER)
    return replace(SearchRequest(query=query, order="picked", types=ALL_ANNOUNCE_TYPES), **more)  # type: ignore[arg-type]


def _list_address(ctx: AppContext, name: ListName, query: Query | None) -> SearchUrls:
    """Return the URLs of the pick list that a page shows the newest papers of."""
    return SearchUrls(ctx.settings.base_url, name, SearchParams(query, {}))


def _dated_address(ctx: AppContext, query: Query | None, period: Period) -> SearchUrls:
    """Return the URLs of a search for the picks of one period; no later pick joins its feeds."""
    ask = _picks_request(query)
    options: dict[str, object] = {"order": ask.order, "types": ask.types}
    options |= {"since": period.first_day, "until": period.last_day}
    return SearchUrls(ctx.settings.base_url, SEARCH_SLUG, SearchParams(ask.query, options))


_MENU_NOTES: Final = {
    "daily": "A paper enters when it is first picked.",
    "weekly": "A paper enters when it is among the picks of the week with the most votes.",
    "monthly": "A paper enters when it is among the picks of the month with the most votes.",
    "trending": "A paper enters when many vote for it in little time.",
}
_PREPOSITIONS: Final = {"daily": "on", "weekly": "in", "monthly": "in"}
