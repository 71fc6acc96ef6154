"""Feeds: `/feeds/NAME.SUFFIX` of a saved keyword, `/feeds/search.SUFFIX?q=…` of a custom one.

`/feeds/daily.SUFFIX` and the like are the pick lists (`papers.state.voting.pick_lists`).
`/feeds/search.SUFFIX?k=NAME&k=NAME` is the union of several saved keywords, each paper once.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from flask import Blueprint, Response, request

from papers.records.unread_paper import SelectKnown, select_none
from service.cache.render_request import PreparedBody
from service.cache.version_stamp import StoreVersion
from service.context import AppContext, context
from service.feed_result import FeedResult
from service.feeds import FORMATS
from service.feeds.feed import Feed
from service.http.responses import redirect_to_canonical
from service.routes.archives import open_period, previous_archive_link
from service.routes.digests import digest_feed
from service.search_title import describe_list, shown_query
from service.source_status import lasting_trouble, lasting_trouble_start
from service.urls.keyword_urls import SearchUrls

feeds = Blueprint("feeds", __name__)


@feeds.get("/feeds/<name>.<feed_suffix:suffix>")
def feed(name: str, suffix: str) -> Response:
    """Serve a keyword in one format."""
    ctx = context()
    urls = ctx.parse_search_urls(name)
    path = urls.path(suffix)
    if redirect := redirect_to_canonical(request, path):
        return redirect
    form, now = FORMATS[suffix], ctx.now()
    return ctx.serve(
        path,
        lambda version: _prepare_feed(ctx, urls, version, suffix),
        content_type=form.content_type,
        keywords=urls.keywords,
        shown_query=None if urls.list_name else lambda version: shown_query(urls.params, version),
        period=_period_name(urls, now),
        is_fixed=urls.list_name is not None,
        troubled_before=lasting_trouble_start(now),
        headers=_link_headers(ctx, urls, path),
    )


def _link_headers(ctx: AppContext, urls: SearchUrls, path: str) -> dict[str, str]:
    """Return the links to the feed itself and its hub.

    Shared caches must revalidate a feed with a hub, or subscribers would get the old one from them.
    """
    link = f'<{urls.base_url}{path}>; rel="self"'
    if not _has_hub(ctx, urls):
        return {"Link": link}
    return {
        "Link": f'<{ctx.settings.websub_hub}>; rel="hub", {link}',
        "Cache-Control": f"public, max-age={ctx.settings.cache_seconds}, s-maxage=0",
    }


def _has_hub(ctx: AppContext, urls: SearchUrls) -> bool:
    """Return True if workers notify the hub of this feed.

    Subscribers of a hub stop polling, so only feeds that are published there may name it.
    """
    return bool(ctx.settings.websub_hub) and _is_saved_feed(urls)


def _prepare_feed(
    ctx: AppContext, urls: SearchUrls, version: StoreVersion, suffix: str
) -> PreparedBody:
    feed = _make_feed(ctx, urls, version, suffix)
    prepared = FORMATS[suffix].prepare(feed, ctx.entry_caches)
    return PreparedBody(prepared.render, prepared.content_digest() if feed.is_complete else b"")


def _make_feed(ctx: AppContext, urls: SearchUrls, version: StoreVersion, suffix: str) -> Feed:
    """Return the feed of a URL, or its digest; that of a saved keyword links to its archives."""
    if urls.params.digest_kind:
        return digest_feed(ctx, urls, version, suffix, now=ctx.now())
    found = ctx.search(urls, version, select_known=_select_known(ctx, urls, version, suffix))
    feed = build_feed(found, suffix)
    if not _is_saved_feed(urls):
        return feed
    archive = previous_archive_link(ctx, found, open_period(found.page, ctx.now()), suffix)
    return replace(
        feed,
        paging_links=(*feed.paging_links, *archive.items()),
        hub_url=ctx.settings.websub_hub,
    )


def _select_known(
    ctx: AppContext, urls: SearchUrls, version: StoreVersion, suffix: str
) -> SelectKnown:
    """Return which papers need not be read: none where entries state more than the paper.

    The feed of a saved keyword looks at their dates for its link to archives.
    """
    if urls.list_name or "order" in urls.params.options or version.keywords:
        return select_none
    return ctx.entry_caches.select_known(FORMATS[suffix].name)


def _is_saved_feed(urls: SearchUrls) -> bool:
    """Return True for a saved keyword without parameters: it has archives, and may have a hub."""
    return urls.is_saved and not urls.params.options and not urls.params.digest_kind


def _period_name(urls: SearchUrls, now: datetime) -> str:
    """Return the day at whose end the feed changes; "" if it does not."""
    is_dated = urls.params.digest_kind or _is_saved_feed(urls)
    return now.date().isoformat() if is_dated else ""


def build_feed(found: FeedResult, suffix: str) -> Feed:
    """Return a search result as a feed, with the URLs of one format."""
    first = found.address.at_cursor("")
    return Feed(
        id=first.url("atom"),
        title=f"{found.name}{found.name_of_order} · Paperwire",
        subtitle=feed_subtitle(found),
        page_url=first.url("page"),
        self_url=found.address.url(suffix),
        icon_url=f"{first.base_url}/static/icon.svg",
        alternates=tuple(
            (first.url(other), form.media_type)
            for other, form in FORMATS.items()
            if other != suffix
        ),
        entries=found.entries,
        paging_links=tuple((rel, urls.url(suffix)) for rel, urls in found.page_links.items()),
        is_complete=found.page.is_complete,
    )


def feed_subtitle(found: FeedResult) -> str:
    """Return what the feed contains, in which order, and which papers may be missing."""
    listed = found.address.list_name
    about = f"arXiv papers that match {found.query_in_words}, {found.order_in_words}"
    if listed:
        about = describe_list(listed, found.query, found.search_request)
    sentences = [f"{about}."]
    if not found.page.is_complete:
        sentences.append("The search was cut here because it grew costly; the next page goes on.")
    sentences.append(lasting_trouble(found.source_states))
    return " ".join(sentence for sentence in sentences if sentence)
