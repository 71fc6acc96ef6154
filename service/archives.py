"""Monthly archives of a saved keyword: `/feeds/NAME/2026-05.SUFFIX`, the same bytes for good.

A month that is not over has no archive: its address leads to the feed itself. The archives are a
chain backwards from the feed (`prev-archive`), past months in which nothing matched.
https://www.rfc-editor.org/rfc/rfc5005#section-4
"""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, abort, request

from papers.keywords import Keyword
from papers.query import parse
from service.addresses import Address
from service.desk import Desk, desk
from service.feeds import FORMATS
from service.feeds.entry import entry_of
from service.feeds.feed import Feed
from service.feeds.text import line
from service.params import Asked, without_parameters
from service.periods import Period
from service.serving import redirected
from service.snapshots import newest_before

archives = Blueprint("archives", __name__)
LASTING: Final = "public, max-age=2592000, immutable"
"""A month; then a cache asks whether an outage has left a gap that was filled since."""


@archives.get(f"/feeds/<name>/<month>.<any({', '.join(FORMATS)}):suffix>")
def archive(name: str, month: str, suffix: str) -> Response:
    """A saved keyword's papers of one month."""
    without_parameters(request.args)
    at, period = desk(), Period.month(month)
    slug = at.slug(name)
    now = at.now()
    if period is None or period.first > now.date():
        abort(404)
    path = archive_path(slug, period, suffix)
    if elsewhere := redirected(request, path):
        return elsewhere
    address = Address(at.settings.base_url, slug, Asked(None, {}))
    if not period.over(now):
        return _to_the_feed(at, address.path(suffix))
    form = FORMATS[suffix]
    return at.serve(
        path,
        lambda: form.render(_feed(at, address, at.keywords.get(slug), period, suffix)),
        content_type=form.content_type,
        keywords=(slug,),
        archive=True,
        headers={"Cache-Control": LASTING, "Link": f'<{address.base_url}{path}>; rel="self"'},
    )


def archive_path(slug: str, period: Period, suffix: str) -> str:
    """Where a month's archive stands."""
    return f"/feeds/{slug}/{period.name}.{suffix}"


def previous_archive(at: Desk, keyword: Keyword, period: Period, suffix: str) -> dict[str, str]:
    """The link to the newest archive before a month, if any paper matches so far back."""
    before = newest_before(at.store, parse(keyword.query), period)
    if before is None:
        return {}
    return {"prev-archive": at.settings.base_url + archive_path(keyword.slug, before, suffix)}


def _to_the_feed(at: Desk, path: str) -> Response:
    return Response(
        f"This month is not over; its papers are at {path}\n",
        status=302,
        headers={
            "Location": request.script_root + path,
            "Cache-Control": f"public, max-age={at.settings.cache_seconds}",
        },
        content_type="text/plain; charset=utf-8",
    )


def _feed(at: Desk, address: Address, keyword: Keyword, period: Period, suffix: str) -> Feed:
    """The archive as a feed: nothing in it moves once the month is over."""
    base = address.base_url
    around = {
        "current": address.url(suffix),
        **previous_archive(at, keyword, period, suffix),
        "next-archive": base + archive_path(keyword.slug, period.after, suffix),
    }
    return Feed(
        id=address.url("atom"),
        title=f"{line(keyword.name)} · Paperwire",
        subtitle=f"arXiv papers that match {keyword.query}, announced in {period.words}.",
        page_url=address.within(period.first, period.last).url("page"),
        self_url=base + archive_path(keyword.slug, period, suffix),
        icon_url=f"{base}/static/icon.svg",
        alternates=tuple(
            (base + archive_path(keyword.slug, period, other), form.media_type)
            for other, form in FORMATS.items()
            if other != suffix
        ),
        entries=tuple(map(entry_of, at.snapshots.papers(keyword, period))),
        around=tuple(around.items()),
        archive=True,
    )
