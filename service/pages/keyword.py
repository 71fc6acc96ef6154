"""The page of a keyword: its papers by day, counts, facets and filters, links to its feeds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final, NamedTuple

from flask import Response, render_template, request

from papers.counted import format_counted
from papers.model.paper import Paper
from papers.query.request import LIST_NAMES
from papers.redis_backend.listings.held_span import read_held_span
from papers.search.counts import MatchCounts
from papers.state.initial_fetches import InitialFetchStatus, read_initial_fetch
from papers.state.keyword_record import initial_fetch_task
from papers.state.slugs import moved_slug
from papers.suggestions.missing_terms import explain_empty
from service.cache.version_stamp import StoreVersion
from service.context import AppContext, context
from service.feed_result import FeedResult
from service.feeds.entry import Entry
from service.feeds.event_entry import select_lead_pick
from service.pages.controls.filter_chips import build_chips, count_set_filters
from service.pages.controls.first_fetch import FirstFetch, fetch_period, first_fetch
from service.pages.controls.match_plot import fetched_since, match_plot, month_start
from service.pages.controls.page_state import (
    FULL_VIEW,
    PAGE_PARAMETERS,
    PageState,
    parse_page_state,
)
from service.pages.controls.subscribe_menu import SubscribeMenu, search_menu
from service.pages.parts.facets import build_facets, build_filter_controls, hidden_form_fields
from service.pages.parts.highlight import HighlightedEntry, highlight_entry
from service.pages.parts.page_response import (
    STATIC_PAGE_MAX_AGE,
    cached_page,
    pages,
    uncached_page,
)
from service.pages.parts.reader_links import mailed_keywords
from service.pages.parts.readings import link_notes, link_suggestions
from service.source_status import source_trouble
from service.urls.forgiving import clean_args
from service.urls.keyword_urls import SEARCH_SLUG, SearchUrls, path_with_params

PAPERS_PER_PAGE: Final = 25
"""Papers on a page without `n=`; a feed has more, as nobody scrolls it."""

MIN_PAPERS_PER_HEADING: Final = 2
"""A list has a heading for each day if its days have so many papers on average."""

FACET_SAMPLE_SIZE: Final = 100
"""Newest matches whose categories and authors the facets count."""


class GroupedPaper(NamedTuple):
    """A paper of a group; `day` is set where no heading says it."""

    highlighted: HighlightedEntry
    keywords: tuple[str, ...]
    day: date | None = None


class PaperGroup(NamedTuple):
    """The papers of a day, or of several days if `day` is None."""

    day: date | None
    papers: list[GroupedPaper]


@dataclass(frozen=True, slots=True)
class ListPageOptions:
    """What a page of papers shows besides a search: its state, and of a keyword its first fetch.

    A listing has a heading in place of the name, and URLs of its own, below `base_path`.
    """

    state: PageState = field(default_factory=PageState)
    heading: str = ""
    base_path: str = ""
    fetch: FirstFetch | None = None
    is_fetched: bool = False

    def path(self, urls: SearchUrls) -> str:
        """Return the path of the page of a search, in the same view."""
        return self.state_path(urls, self.state.with_feed(None))

    def state_path(self, urls: SearchUrls, state: PageState) -> str:
        """Return the path of the page of a search in a state."""
        path = urls.path("page")
        if self.base_path:
            path = path_with_params(self.base_path, replace(urls.params, query=None))
        return state.path(path)


@pages.get("/k/<name>")
def keyword(name: str) -> Response:
    """Return the papers of a saved keyword.

    One whose slug became that of a list has moved; without one this is the page of the list.
    """
    moved = moved_slug(name) if name in LIST_NAMES else ""
    return _papers_response(moved if moved and context().keywords.is_saved(moved) else name)


@pages.get("/k/<name>/fetch")
def keyword_fetch(name: str) -> Response:
    """Return how far the initial fetch of a saved keyword is, as a part of its page.

    Raises UnknownKeyword.
    """
    ctx = context()
    slug = ctx.keywords.get(ctx.resolve_slug(name)).slug
    status = read_initial_fetch(ctx.redis, initial_fetch_task(slug))
    fetch = first_fetch(status, ctx.now())
    return uncached_page("_fetch.html", fetch=fetch, slug=slug)


@pages.get("/search")
def search() -> Response:
    """Return the papers of any query; without parameters, a description of the query language."""
    if clean_args(request.args):
        return _papers_response(SEARCH_SLUG)
    return uncached_page("search.html", max_age=STATIC_PAGE_MAX_AGE)


def _papers_response(name: str) -> Response:
    ctx = context()
    address = ctx.parse_search_urls(name, besides=PAGE_PARAMETERS)
    state = parse_page_state(clean_args(request.args))
    status = InitialFetchStatus()
    if address.is_saved:
        status = read_initial_fetch(ctx.redis, initial_fetch_task(address.slug))
    fetch = first_fetch(status, ctx.now())
    options = ListPageOptions(state, fetch=fetch, is_fetched=status.is_done)
    return cached_page(
        options.state_path(address, state),
        lambda version: render_papers_page(ctx, address, version, options),
        keywords=address.keywords,
        period=fetch_period(status, fetch),
        is_polled=fetch is not None and fetch.is_watched,
    )


def render_papers_page(
    ctx: AppContext, address: SearchUrls, version: StoreVersion, options: ListPageOptions
) -> bytes:
    """Render the papers of a search, or of a listing."""
    limit: int = address.params.options.get("limit", PAPERS_PER_PAGE)
    is_first = "before" not in address.params.options
    sample = ctx.search(address, version, max(FACET_SAMPLE_SIZE, limit) if is_first else limit)
    found, sampled = _truncate_result(sample, limit), sample.page.papers
    counts = ctx.counter.count(found.search_request.tree) if is_first else None
    return render_template(
        "papers.html",
        found=found,
        address=address,
        heading=options.heading,
        feeds=address.feed_links,
        api_path=address.api_path,
        groups=_group_by_day(found),
        next_path=_next_page_path(address, found.page.next_cursor, options),
        trouble=source_trouble(found.source_states, ctx.now()),
        fetch=options.fetch,
        view=options.state.view,
        view_paths=[options.state_path(address, PageState(view)) for view in ("", FULL_VIEW)],
        menu=_subscribe_menu(ctx, found, options, counts),
        q=found.query.display_text if len(found.keywords) < 2 else "",
        notes=link_notes(ctx, found.query, found.notes, address.params) if is_first else [],
        suggestions=link_suggestions(ctx, found.query, address.params, counts),
        missing=_explain_empty(ctx, found) if is_first else "",
        **_figures(ctx, counts, options),
        **_narrowing(ctx, found, sampled, counts, options),
    ).encode()


def _figures(
    ctx: AppContext, counts: MatchCounts | None, options: ListPageOptions
) -> dict[str, object]:
    """Return the counts, since when they are whole, and their plot.

    `lacks_past` is how many older papers a fetch would bring, where none is held.
    """
    if counts is None:
        return {"counts": None, "held_since": None, "plot": None, "lacks_past": 0}
    months = [count.month for count in counts.months]
    began = held_since = read_held_span(ctx.redis, months).since(months)
    if options.is_fetched and held_since:
        held_since = min(held_since, fetched_since(counts) or held_since)
    has_older = began is None or any(
        m.papers for m in counts.months if month_start(m.month) < began
    )
    has_fetch = options.is_fetched or options.fetch is not None
    return {
        "counts": counts,
        "held_since": held_since,
        "plot": match_plot(counts, held_since) if held_since else None,
        "lacks_past": 0 if has_older or has_fetch else ctx.settings.fill_papers,
    }


def _narrowing(
    ctx: AppContext,
    found: FeedResult,
    sampled: Sequence[Paper],
    counts: MatchCounts | None,
    options: ListPageOptions,
) -> dict[str, object]:
    """Return the filters of a page: chips, the form of a phone, facets."""
    is_first = "before" not in found.address.params.options
    facets = build_facets(found, sampled) if is_first else []
    names = ctx.source_names
    chips = build_chips(found, options.path, sampled if is_first else (), counts, names, facets)
    return {
        "facets": facets,
        "sample_size": len(sampled),
        "chips": chips,
        "set_filters": count_set_filters(chips),
        "filters": build_filter_controls(found.address, names),
        "form_action": options.path(found.address).partition("?")[0],
        "hidden_fields": hidden_form_fields(found.address, options.state.view),
    }


def _subscribe_menu(
    ctx: AppContext, found: FeedResult, options: ListPageOptions, counts: MatchCounts | None
) -> SubscribeMenu:
    address = found.address
    mailed = [often for slug, often in mailed_keywords(ctx.settings) if slug == address.slug]
    note = ""
    if counts and counts.week and not address.params.options:
        papers = format_counted(counts.week, "paper")
        note = f"{papers} in the last week. New ones come once a day, from Sunday to Thursday."
    return search_menu(
        address,
        options.state,
        lambda state: options.state_path(address, state),
        of=options.heading or found.name,
        note=note,
        mailed=mailed,
    )


def _explain_empty(ctx: AppContext, found: FeedResult) -> str:
    """Return what the empty result of one keyword lacks."""
    is_explained = not found.page.papers and len(found.keywords) < 2
    return explain_empty(ctx.store, found.search_request) if is_explained else ""


def _next_page_path(address: SearchUrls, cursor: str | None, options: ListPageOptions) -> str:
    """Return the path of the next page; empty if there is none."""
    return options.path(address.at_cursor(cursor)) if cursor else ""


def _truncate_result(found: FeedResult, limit: int) -> FeedResult:
    """Return the result with its first papers; the others were read for the facets."""
    if len(found.page.papers) <= limit:
        return found
    papers, events = found.page.papers[:limit], found.page.events[:limit]
    last = events[-1].cursor if events else str(papers[-1].id)
    page = replace(found.page, records=papers, events=events, next_cursor=last, is_complete=True)
    return replace(found, page=page)


def _group_by_day(found: FeedResult) -> list[PaperGroup]:
    """Group the papers by the day of their announcement, pick or event; newest day first.

    A list with few papers a day is one group, and each of its papers says its day itself: headings
    would take the place of papers. Each paper has the slugs of the keywords that it matches, in a
    result of several keywords.
    """
    days: defaultdict[date, list[GroupedPaper]] = defaultdict(list)
    for entry in found.entries:
        row = GroupedPaper(highlight_entry(entry, found.query), entry.keywords)
        days[_group_date(found, entry)].append(row)
    groups = [PaperGroup(day, papers) for day, papers in sorted(days.items(), reverse=True)]
    if len(groups) > 1 and len(found.entries) < MIN_PAPERS_PER_HEADING * len(groups):
        rows = [row._replace(day=group.day) for group in groups for row in group.papers]
        return [PaperGroup(None, rows)]
    return groups


def _group_date(found: FeedResult, entry: Entry) -> date:
    source = found.search_request.source
    lead = select_lead_pick(entry.paper, source) if found.is_by_pick else None
    return lead.picked_at.date() if lead else entry.published.date()
