"""Archives of a saved keyword: `/feeds/NAME/2026-05.SUFFIX`, the same bytes for good.

A month that is not over has no archive: its address leads to the feed itself. The archives are a
chain backwards from the feed (`prev-archive`), past months in which nothing matched. Where the feed
does not hold all of its month, the chain begins with the days of it that are over, `2026-05-20`.
https://www.rfc-editor.org/rfc/rfc5005#section-4
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from flask import Blueprint, Response, abort, request

from papers.errors import BadParameter
from papers.model.periods import Period, PeriodKind
from papers.query.parser import parse_query
from papers.state.keywords import Keyword
from papers.store import Store
from service.cache.archive_snapshots import newest_period_before
from service.context import AppContext, context
from service.feeds import FORMATS
from service.feeds.entry import Entry
from service.feeds.feed import Feed
from service.http.responses import redirect_to_canonical
from service.markup.clean import single_line
from service.urls.keyword_urls import SearchUrls
from service.urls.params import SearchParams, reject_parameters

archives = Blueprint("archives", __name__)
ARCHIVE_CACHE_CONTROL: Final = "public, max-age=2592000, immutable"
"""A month; then a cache asks whether an outage has left a gap that was filled since."""


PART_PAPERS: Final = 500
"""Papers of one document. A month of more comes in parts, the newest first: `2026-05-p2`."""
_PERIOD_PATTERN: Final = re.compile(
    r"(?P<when>[0-9]{4}-[0-9]{2}(?P<day>-[0-9]{2})?)(?:-p(?P<part>[2-9]|[1-9][0-9]{1,3}))?"
)


@dataclass(frozen=True, slots=True)
class Archive:
    """One document of a keyword's chain: a month or a day, or a part of one from 1."""

    address: SearchUrls
    period: Period
    part: int = 1

    def path(self, suffix: str) -> str:
        """Where it stands."""
        part = f"-p{self.part}" if self.part > 1 else ""
        return f"/feeds/{self.address.slug}/{self.period.name}{part}.{suffix}"

    def url(self, suffix: str) -> str:
        """Its absolute URL."""
        return self.address.base_url + self.path(suffix)

    @property
    def next(self) -> Archive:
        """What came after it: the part before, or the period after."""
        if self.part > 1:
            return replace(self, part=self.part - 1)
        return replace(self, period=self.period.next)

    def previous(self, store: Store, keyword: Keyword, *, has_more: bool) -> Archive | None:
        """What came before it: the part after, if there is `more`, or a period with papers.

        Before the days of a month come other months.
        """
        if has_more:
            return replace(self, part=self.part + 1)
        query, month = parse_query(keyword.query), Period.containing("month", self.period.first_day)
        before = newest_period_before(store, query, self.period)
        if self.period.kind == "day" and before and before.first_day < month.first_day:
            before = newest_period_before(store, query, month)
        return replace(self, period=before, part=1) if before else None


@archives.get("/feeds/<name>/<when>.<feed_suffix:suffix>")
def archive(name: str, when: str, suffix: str) -> Response:
    """A saved keyword's papers of one month, or of one day."""
    reject_parameters(request.args)
    ctx = context()
    now, address = (
        ctx.now(),
        SearchUrls(ctx.settings.base_url, ctx.resolve_slug(name), SearchParams(None, {})),
    )
    found = _parse_archive(address, when)
    if found is None or found.period.first_day > now.date():
        abort(404)
    if elsewhere := redirect_to_canonical(request, found.path(suffix)):
        return elsewhere
    if not found.period.is_over(now):
        return _redirect_to_feed(ctx, address.path(suffix), found.period.kind)
    form = FORMATS[suffix]
    return ctx.serve(
        found.path(suffix),
        lambda: form.render(_archive_feed(ctx, found, suffix), ctx.entry_caches),
        content_type=form.content_type,
        keywords=address.keywords,
        is_archive=True,
        headers={
            "Cache-Control": ARCHIVE_CACHE_CONTROL,
            "Link": f'<{found.url(suffix)}>; rel="self"',
        },
    )


def previous_archive_link(
    ctx: AppContext, address: SearchUrls, period: Period, suffix: str
) -> dict[str, str]:
    """The link to the newest archive before a period, if any paper matches so far back."""
    keyword = ctx.keywords.get(address.slug)
    before = Archive(address, period).previous(ctx.store, keyword, has_more=False)
    return {"prev-archive": before.url(suffix)} if before else {}


def _parse_archive(address: SearchUrls, name: str) -> Archive | None:
    match = _PERIOD_PATTERN.fullmatch(name)
    if match is None:
        return None
    try:
        period = Period.parse("day" if match["day"] else "month", match["when"])
    except BadParameter:
        return None
    return Archive(address, period, int(match["part"] or 1))


def _redirect_to_feed(ctx: AppContext, path: str, kind: PeriodKind) -> Response:
    return Response(
        f"This {kind} is not over; its papers are at {path}\n",
        status=302,
        headers={
            "Location": request.script_root + path,
            "Cache-Control": f"public, max-age={ctx.settings.cache_seconds}",
        },
        content_type="text/plain; charset=utf-8",
    )


def _archive_feed(ctx: AppContext, archive: Archive, suffix: str) -> Feed:
    """The archive as a feed: nothing in it moves once its time is over."""
    address, period = archive.address, archive.period
    keyword = ctx.keywords.get(address.slug)
    papers, end = ctx.snapshots.papers(keyword, period), archive.part * PART_PAPERS
    shown = papers[end - PART_PAPERS : end]
    if archive.part > 1 and not shown:
        abort(404)
    previous = archive.previous(ctx.store, keyword, has_more=len(papers) > end)
    around = [("current", address.url(suffix)), ("next-archive", archive.next.url(suffix))]
    if previous:
        around.append(("prev-archive", previous.url(suffix)))
    return Feed(
        id=address.url("atom"),
        title=f"{single_line(keyword.name)} · Paperwire",
        subtitle=f"arXiv papers that match {keyword.query}, announced in {period.display_name}.",
        page_url=address.between_days(period.first_day, period.last_day).url("page"),
        self_url=archive.url(suffix),
        icon_url=f"{address.base_url}/static/icon.svg",
        alternates=tuple(
            (archive.url(other), form.media_type)
            for other, form in FORMATS.items()
            if other != suffix
        ),
        entries=tuple(map(Entry, shown)),
        paging_links=tuple(around),
        archive=True,
    )
