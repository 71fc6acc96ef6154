"""Archives of a saved keyword: `/feeds/NAME/2026-05.SUFFIX`, the same bytes forever.

A month that is not over has no archive: its URL redirects to the feed itself. The archives form a
chain backwards from the feed (`prev-archive`) that skips months without matches; `next-archive` is
the way back, and from the newest archive it leads to the feed, by a redirect. If the feed does not
have all papers of its month, the chain begins with the days of it that are over, `2026-05-20`, and
the URL of the month redirects to the oldest of them.
https://www.rfc-editor.org/rfc/rfc5005#section-4
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from urllib.parse import quote

from flask import Blueprint, Response, abort, request

from papers.errors import BadParameter
from papers.model.labels import indexed_day
from papers.model.periods import Period, PeriodKind
from papers.query.parser import parse_query
from papers.query.request import Page
from papers.state.keyword_record import Keyword
from papers.store import Store
from service.cache.archive_snapshots import (
    ArchiveSnapshots,
    newest_period_before,
    oldest_period_after,
)
from service.cache.version_stamp import StoreVersion
from service.context import AppContext, context
from service.feed_result import FeedResult
from service.feeds import FORMATS
from service.feeds.entry import Entry
from service.feeds.feed import Feed
from service.http.responses import redirect_to_canonical
from service.markup.clean import single_line
from service.urls.keyword_urls import SearchUrls
from service.urls.params import DEFAULT_PARAMS, reject_parameters

archives = Blueprint("archives", __name__)
ARCHIVE_CACHE_CONTROL: Final = "public, max-age=2592000, immutable"
"""A month: then a cache revalidates, as papers that an outage delayed may have been added."""
PART_PAPERS: Final = 500
"""Papers of one document. A month of more is split into parts, the newest first: `2026-05-p2`."""
_PERIOD_PATTERN: Final = re.compile(
    r"(?P<when>[0-9]{4}-[0-9]{2}(?P<day>-[0-9]{2})?)(?:-p(?P<part>[2-9]|[1-9][0-9]{1,3}))?"
)


@dataclass(frozen=True, slots=True)
class Archive:
    """One document of a keyword's chain: a month, a day, or a part of one (counted from 1)."""

    urls: SearchUrls
    period: Period
    part: int = 1

    def path(self, suffix: str) -> str:
        """Return its path in a format."""
        part = f"-p{self.part}" if self.part > 1 else ""
        return f"/feeds/{quote(self.urls.slug)}/{self.period.name}{part}.{suffix}"

    def url(self, suffix: str) -> str:
        """Return its absolute URL in a format."""
        return self.urls.base_url + self.path(suffix)

    def following(
        self, store: Store, snapshots: ArchiveSnapshots, keyword: Keyword, now: datetime
    ) -> Archive | None:
        """Return the archive after this one in time, whose `previous` is this.

        That is the preceding part, or the last part of the next period with papers that is over.
        While there is none, it is simply the next period, so that this archive rarely has to
        change. None after the last day of a month: the month replaces its days.
        """
        if self.part > 1:
            return replace(self, part=self.part - 1)
        return self.following_period(store, snapshots, keyword, now) or self._next_in_month()

    def following_period(
        self, store: Store, snapshots: ArchiveSnapshots, keyword: Keyword, now: datetime
    ) -> Archive | None:
        """Return the last part of the next period with papers that is over, None if none is."""
        period = oldest_period_after(store, parse_query(keyword.query), self.period, now)
        return replace(self, period=period).at_last_part(snapshots, keyword) if period else None

    def at_last_part(self, snapshots: ArchiveSnapshots, keyword: Keyword) -> Archive:
        """Return the part of the same period with its oldest papers."""
        parts = -(-len(snapshots.papers(keyword, self.period)) // PART_PAPERS)
        return replace(self, part=max(parts, 1))

    def _next_in_month(self) -> Archive | None:
        period = self.period.next
        is_other = period.kind == "day" and period.first_day.day == 1
        return None if is_other else replace(self, period=period, part=1)

    def next_part(self) -> Archive:
        """Return the part after this one."""
        return replace(self, part=self.part + 1)

    def previous(
        self, store: Store, keyword: Keyword, newest_page: Page | None = None
    ) -> Archive | None:
        """Return the newest archive of an older period with papers, None if there is none.

        Before the days of a month come whole months. `newest_page` is the first page of the
        keyword's papers, if the caller has it.
        """
        query, month = parse_query(keyword.query), Period.containing("month", self.period.first_day)
        before = newest_period_before(store, query, self.period, newest_page)
        if self.period.kind == "day" and before and before.first_day < month.first_day:
            before = newest_period_before(store, query, month, newest_page)
        return replace(self, period=before, part=1) if before else None


@archives.get("/feeds/<name>/<when>.<feed_suffix:suffix>")
def archive(name: str, when: str, suffix: str) -> Response:
    """Serve the papers of a saved keyword from one month or day."""
    reject_parameters(request.args)
    ctx = context()
    now = ctx.now()
    urls = SearchUrls(ctx.settings.base_url, ctx.resolve_slug(name), DEFAULT_PARAMS)
    found = _parse_archive(urls, when)
    if found is None or found.period.first_day > now.date():
        abort(404)
    if redirect := redirect_to_canonical(request, found.path(suffix)):
        return redirect
    if not found.period.is_over(now):
        first = _first_of_open_month(ctx, found, now)
        path = first.path(suffix) if first else urls.path(suffix)
        return _redirect_from_open_period(ctx, path, found.period.kind)
    form = FORMATS[suffix]
    return ctx.serve(
        found.path(suffix),
        lambda version: form.render(_archive_feed(ctx, found, version, suffix), ctx.entry_caches),
        content_type=form.content_type,
        keywords=urls.keywords,
        period=_period_of_links(found.period, now),
        is_archive=True,
        headers={
            "Cache-Control": ARCHIVE_CACHE_CONTROL,
            "Link": f'<{found.url(suffix)}>; rel="self"',
        },
    )


def _period_of_links(period: Period, now: datetime) -> str:
    """Return the name of the period at whose end an archive may get another `next-archive`."""
    month = Period.containing("month", now.date())
    in_open_month = period.kind == "day" and period.first_day >= month.first_day
    return now.date().isoformat() if in_open_month else month.name


def previous_archive_link(
    ctx: AppContext, found: FeedResult, period: Period, suffix: str
) -> dict[str, str]:
    """Return the link from a saved keyword's feed to its newest archive before a period, if any."""
    (keyword,) = found.keywords
    before = Archive(found.address, period).previous(ctx.store, keyword, found.page)
    return {"prev-archive": before.url(suffix)} if before else {}


def open_period(newest_page: Page, now: datetime) -> Period:
    """Return the period before which the archives begin: this month, if the feed has all of it.

    If more of its papers match than the feed has, it is this day. `newest_page` is the feed's.
    """
    month, papers = Period.containing("month", now.date()), newest_page.papers
    is_cut = bool(newest_page.next_cursor and papers) and indexed_day(papers[-1]) >= month.first_day
    return Period.containing("day", now.date()) if is_cut else month


def _parse_archive(urls: SearchUrls, name: str) -> Archive | None:
    match = _PERIOD_PATTERN.fullmatch(name)
    if match is None:
        return None
    try:
        period = Period.parse("day" if match["day"] else "month", match["when"])
    except BadParameter:
        return None
    return Archive(urls, period, int(match["part"] or 1))


def _first_of_open_month(ctx: AppContext, archive: Archive, now: datetime) -> Archive | None:
    """Return the oldest archive of a day of a month that runs; None if it has none of days."""
    if archive.period.kind != "month" or archive.part > 1:
        return None
    keyword = ctx.keywords.get(archive.urls.slug)
    request = archive.urls.search_request(parse_query(keyword.query))
    if open_period(ctx.store.search(request), now).kind == "month":
        return None
    day = replace(archive, period=Period("day", archive.period.first_day))
    is_first = day.period.is_over(now) and ctx.snapshots.papers(keyword, day.period)
    first = day.at_last_part(ctx.snapshots, keyword) if is_first else None
    return first or day.following_period(ctx.store, ctx.snapshots, keyword, now)


def _redirect_from_open_period(ctx: AppContext, path: str, kind: PeriodKind) -> Response:
    return Response(
        f"This {kind} is not over; its papers are at {path}\n",
        status=302,
        headers={
            "Location": request.script_root + path,
            "Cache-Control": f"public, max-age={ctx.settings.cache_seconds}",
        },
        content_type="text/plain; charset=utf-8",
    )


def _archive_feed(ctx: AppContext, archive: Archive, version: StoreVersion, suffix: str) -> Feed:
    """Return the archive as a feed, whose entries do not change once its period is over."""
    urls, period = archive.urls, archive.period
    (keyword,) = version.keywords
    papers, end = ctx.snapshots.papers(keyword, period), archive.part * PART_PAPERS
    shown = papers[end - PART_PAPERS : end]
    if archive.part > 1 and not shown:
        abort(404)
    has_more = len(papers) > end
    previous = archive.next_part() if has_more else archive.previous(ctx.store, keyword)
    following = archive.following(ctx.store, ctx.snapshots, keyword, ctx.now())
    neighbors = (("next-archive", following), ("prev-archive", previous))
    links = [(rel, other.url(suffix)) for rel, other in neighbors if other]
    return Feed(
        id=urls.url("atom"),
        title=f"{single_line(keyword.name)} · Paperwire",
        subtitle=f"arXiv papers that match {keyword.query}, announced in {period.display_name}.",
        page_url=urls.between_days(period.first_day, period.last_day).url("page"),
        self_url=archive.url(suffix),
        icon_url=f"{urls.base_url}/static/icon.svg",
        alternates=tuple(
            (archive.url(other), form.media_type)
            for other, form in FORMATS.items()
            if other != suffix
        ),
        entries=tuple(map(Entry, shown)),
        paging_links=(("current", urls.url(suffix)), *links),
        archive=True,
    )
