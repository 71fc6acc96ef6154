"""Feeds: `/feeds/NAME.SUFFIX` of a saved keyword, `/feeds/search.SUFFIX?q=…` of any other.

`/feeds/search.SUFFIX?k=NAME&k=NAME` is of several saved keywords: papers of any, each once.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from functools import lru_cache
from typing import Final

from flask import Blueprint, Response, request

from papers.model.labels import indexed_day
from papers.model.periods import Period
from service.context import AppContext, FeedResult, context
from service.feeds import FORMATS
from service.feeds.feed import Feed
from service.http.responses import redirect_to_canonical
from service.routes.archives import previous_archive_link
from service.routes.digests import digest_feed
from service.source_status import source_trouble
from service.urls.keyword_urls import SearchUrls

feeds = Blueprint("feeds", __name__)
_SUFFIX_RULE: Final = ", ".join(FORMATS)


@feeds.get(f"/feeds/<name>.<any({_SUFFIX_RULE}):suffix>")
def feed(name: str, suffix: str) -> Response:
    """One keyword in one format."""
    ctx = context()
    address = ctx.parse_search_urls(name)
    path = address.path(suffix)
    if elsewhere := redirect_to_canonical(request, path):
        return elsewhere
    form = FORMATS[suffix]
    return ctx.serve(
        path,
        lambda: form.render(_make_feed(ctx, address, suffix)),
        content_type=form.content_type,
        keywords=address.keywords,
        period=_period_name(ctx, address),
        headers=_link_headers(ctx, address, suffix),
    )


def _link_headers(ctx: AppContext, address: SearchUrls, suffix: str) -> dict[str, str]:
    """The feed's own address and its hub; shared caches ask for what the hub is told of."""
    link = f'<{address.url(suffix)}>; rel="self"'
    if not _has_hub(ctx, address):
        return {"Link": link}
    return {
        "Link": f'<{ctx.settings.websub_hub}>; rel="hub", {link}',
        "Cache-Control": f"public, max-age={ctx.settings.cache_seconds}, s-maxage=0",
    }


def _has_hub(ctx: AppContext, address: SearchUrls) -> bool:
    """Whether the hub is told of this feed: whoever subscribes there stops asking here.

    So only the feeds that workers ping for say that they have a hub.
    """
    return bool(ctx.settings.websub_hub) and _is_saved_feed(address)


def _make_feed(ctx: AppContext, address: SearchUrls, suffix: str) -> Feed:
    """The feed at an address, or its digest; a saved keyword's leads to its archives."""
    if address.params.digest_kind:
        return digest_feed(ctx, address, suffix, now=ctx.now())
    found = ctx.search(address)
    feed = build_feed(found, suffix)
    if not _is_saved_feed(address):
        return feed
    archives = previous_archive_link(ctx, address, _open_period(found, ctx.now()), suffix)
    around = (*feed.paging_links, *archives.items())
    return replace(feed, paging_links=around, hub_url=ctx.settings.websub_hub)


def _is_saved_feed(address: SearchUrls) -> bool:
    """Whether this is a saved keyword's feed as it is: it has archives, and may have a hub."""
    return address.is_saved and not address.params.options and not address.params.digest_kind


def _period_name(ctx: AppContext, address: SearchUrls) -> str:
    """The period on whose end a feed changes, if it does."""
    dated = address.params.digest_kind or _is_saved_feed(address)
    return _day_name(ctx.now().date()) if dated else ""


@lru_cache(maxsize=2)
def _day_name(day: date) -> str:
    return Period.containing("day", day).name


def _open_period(found: FeedResult, now: datetime) -> Period:
    """The period before which a feed's archives begin: the month that is not over, all of it here.

    Where more papers of it match than a feed holds, the day that is not over.
    """
    month = Period.containing("month", now.date())
    papers = found.page.papers
    cut = bool(found.page.next_cursor and papers) and indexed_day(papers[-1]) >= month.first_day
    return Period.containing("day", now.date()) if cut else month


def build_feed(found: FeedResult, suffix: str) -> Feed:
    """What was found as a feed, with the addresses of one format."""
    first = found.address.at_cursor("")
    return Feed(
        id=first.url("atom"),
        title=f"{found.name}{', picked' if found.is_by_pick else ''} · Paperwire",
        subtitle=feed_subtitle(found),
        page_url=first.url("page"),
        self_url=found.address.url(suffix),
        icon_url=f"{first.base_url}/static/icon.svg",
        alternates=tuple(
            (first.url(other), form.media_type)
            for other, form in FORMATS.items()
            if other != suffix
        ),
        entries=tuple(map(found.make_entry, found.page.papers)),
        paging_links=tuple((rel, address.url(suffix)) for rel, address in found.page_links.items()),
    )


def feed_subtitle(found: FeedResult) -> str:
    """What the feed holds, in what order, what may be missing from it."""
    said = [f"arXiv papers that match {found.query_in_words}, {found.order_in_words}."]
    if not found.page.is_complete:
        said.append("The search was cut here because it grew costly; the next page goes on.")
    said.append(source_trouble(found.source_states))
    return " ".join(part for part in said if part)
