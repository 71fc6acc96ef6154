"""Feeds: `/feeds/NAME.SUFFIX` of a saved keyword, `/feeds/search.SUFFIX?q=…` of any other.

`/feeds/search.SUFFIX?k=NAME&k=NAME` is of several saved keywords: papers of any, each once.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from functools import lru_cache
from typing import Final

from flask import Blueprint, Response, request

from papers.model.periods import Period
from papers.query.match import day_of
from service.context import Desk, Found, desk
from service.feeds import FORMATS
from service.feeds.feed import Feed
from service.http.responses import redirected
from service.routes.archives import previous_archive
from service.routes.digests import digest_feed
from service.source_status import trouble
from service.urls.keyword_urls import Address

feeds = Blueprint("feeds", __name__)
_SUFFIXES: Final = ", ".join(FORMATS)


@feeds.get(f"/feeds/<name>.<any({_SUFFIXES}):suffix>")
def feed(name: str, suffix: str) -> Response:
    """One keyword in one format."""
    at = desk()
    address = at.address(name)
    path = address.path(suffix)
    if elsewhere := redirected(request, path):
        return elsewhere
    form = FORMATS[suffix]
    return at.serve(
        path,
        lambda: form.render(_feed(at, address, suffix)),
        content_type=form.content_type,
        keywords=address.keywords,
        period=_period(at, address),
        headers=_headers(at, address, suffix),
    )


def _headers(at: Desk, address: Address, suffix: str) -> dict[str, str]:
    """The feed's own address and its hub; shared caches ask for what the hub is told of."""
    link = f'<{address.url(suffix)}>; rel="self"'
    if not _is_topic(at, address):
        return {"Link": link}
    return {
        "Link": f'<{at.settings.websub_hub}>; rel="hub", {link}',
        "Cache-Control": f"public, max-age={at.settings.cache_seconds}, s-maxage=0",
    }


def _is_topic(at: Desk, address: Address) -> bool:
    """Whether the hub is told of this feed: whoever subscribes there stops asking here.

    So only the feeds that workers ping for say that they have a hub.
    """
    return bool(at.settings.websub_hub) and _is_plain(address)


def _feed(at: Desk, address: Address, suffix: str) -> Feed:
    """The feed at an address, or its digest; a saved keyword's leads to its archives."""
    if address.asked.digest:
        return digest_feed(at, address, suffix, now=at.now())
    found = at.find(address)
    feed = feed_of(found, suffix)
    if not _is_plain(address):
        return feed
    archives = previous_archive(at, address, _running(found, at.now()), suffix)
    around = (*feed.around, *archives.items())
    return replace(feed, around=around, hub_url=at.settings.websub_hub)


def _is_plain(address: Address) -> bool:
    """Whether this is a saved keyword's feed as it is: it has archives, and may have a hub."""
    return address.saved and not address.asked.options and not address.asked.digest


def _period(at: Desk, address: Address) -> str:
    """The period on whose end a feed changes, if it does."""
    dated = address.asked.digest or _is_plain(address)
    return _named(at.now().date()) if dated else ""


@lru_cache(maxsize=2)
def _named(day: date) -> str:
    return Period.of("day", day).name


def _running(found: Found, now: datetime) -> Period:
    """The period before which a feed's archives begin: the month that is not over, all of it here.

    Where more papers of it match than a feed holds, the day that is not over.
    """
    month = Period.of("month", now.date())
    papers = found.page.papers
    cut = bool(found.page.next and papers) and day_of(papers[-1]) >= month.first
    return Period.of("day", now.date()) if cut else month


def feed_of(found: Found, suffix: str) -> Feed:
    """What was found as a feed, with the addresses of one format."""
    first = found.address.after("")
    return Feed(
        id=first.url("atom"),
        title=f"{found.name}{', picked' if found.picked else ''} · Paperwire",
        subtitle=subtitle(found),
        page_url=first.url("page"),
        self_url=found.address.url(suffix),
        icon_url=f"{first.base_url}/static/icon.svg",
        alternates=tuple(
            (first.url(other), form.media_type)
            for other, form in FORMATS.items()
            if other != suffix
        ),
        entries=tuple(map(found.entry, found.page.papers)),
        around=tuple((rel, address.url(suffix)) for rel, address in found.around.items()),
    )


def subtitle(found: Found) -> str:
    """What the feed holds, in what order, what may be missing from it."""
    said = [f"arXiv papers that match {found.about}, {found.order}."]
    if not found.page.complete:
        said.append("The search was cut here because it grew costly; the next page goes on.")
    said.append(trouble(found.states))
    return " ".join(part for part in said if part)
