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
from papers.model.periods import Kind, Period
from papers.query.parser import parse
from papers.state.keywords import Keyword
from papers.store import Store
from service.cache.archive_snapshots import newest_before
from service.context import Desk, desk
from service.feeds import FORMATS
from service.feeds.entry import Entry
from service.feeds.feed import Feed
from service.http.responses import redirected
from service.markup.clean import line
from service.urls.keyword_urls import Address
from service.urls.params import Asked, without_parameters

archives = Blueprint("archives", __name__)
LASTING: Final = "public, max-age=2592000, immutable"
"""A month; then a cache asks whether an outage has left a gap that was filled since."""


PART: Final = 500
"""Papers of one document. A month of more comes in parts, the newest first: `2026-05-p2`."""
_NAME: Final = re.compile(
    r"(?P<when>[0-9]{4}-[0-9]{2}(?P<day>-[0-9]{2})?)(?:-p(?P<part>[2-9]|[1-9][0-9]{1,3}))?"
)


@dataclass(frozen=True, slots=True)
class Archive:
    """One document of a keyword's chain: a month or a day, or a part of one from 1."""

    address: Address
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
        return replace(self, period=self.period.after)

    def previous(self, store: Store, keyword: Keyword, *, more: bool) -> Archive | None:
        """What came before it: the part after, if there is `more`, or a period with papers.

        Before the days of a month come other months.
        """
        if more:
            return replace(self, part=self.part + 1)
        query, month = parse(keyword.query), Period.of("month", self.period.first)
        before = newest_before(store, query, self.period)
        if self.period.kind == "day" and before and before.first < month.first:
            before = newest_before(store, query, month)
        return replace(self, period=before, part=1) if before else None


@archives.get(f"/feeds/<name>/<when>.<any({', '.join(FORMATS)}):suffix>")
def archive(name: str, when: str, suffix: str) -> Response:
    """A saved keyword's papers of one month, or of one day."""
    without_parameters(request.args)
    at = desk()
    now, address = at.now(), Address(at.settings.base_url, at.slug(name), Asked(None, {}))
    found = _named(address, when)
    if found is None or found.period.first > now.date():
        abort(404)
    if elsewhere := redirected(request, found.path(suffix)):
        return elsewhere
    if not found.period.over(now):
        return _to_the_feed(at, address.path(suffix), found.period.kind)
    form = FORMATS[suffix]
    return at.serve(
        found.path(suffix),
        lambda: form.render(_feed(at, found, suffix)),
        content_type=form.content_type,
        keywords=address.keywords,
        archive=True,
        headers={"Cache-Control": LASTING, "Link": f'<{found.url(suffix)}>; rel="self"'},
    )


def previous_archive(at: Desk, address: Address, period: Period, suffix: str) -> dict[str, str]:
    """The link to the newest archive before a period, if any paper matches so far back."""
    keyword = at.keywords.get(address.slug)
    before = Archive(address, period).previous(at.store, keyword, more=False)
    return {"prev-archive": before.url(suffix)} if before else {}


def _named(address: Address, name: str) -> Archive | None:
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    try:
        period = Period.named("day" if match["day"] else "month", match["when"])
    except BadParameter:
        return None
    return Archive(address, period, int(match["part"] or 1))


def _to_the_feed(at: Desk, path: str, kind: Kind) -> Response:
    return Response(
        f"This {kind} is not over; its papers are at {path}\n",
        status=302,
        headers={
            "Location": request.script_root + path,
            "Cache-Control": f"public, max-age={at.settings.cache_seconds}",
        },
        content_type="text/plain; charset=utf-8",
    )


def _feed(at: Desk, archive: Archive, suffix: str) -> Feed:
    """The archive as a feed: nothing in it moves once its time is over."""
    address, period = archive.address, archive.period
    keyword = at.keywords.get(address.slug)
    papers, end = at.snapshots.papers(keyword, period), archive.part * PART
    shown = papers[end - PART : end]
    if archive.part > 1 and not shown:
        abort(404)
    previous = archive.previous(at.store, keyword, more=len(papers) > end)
    around = [("current", address.url(suffix)), ("next-archive", archive.next.url(suffix))]
    if previous:
        around.append(("prev-archive", previous.url(suffix)))
    return Feed(
        id=address.url("atom"),
        title=f"{line(keyword.name)} · Paperwire",
        subtitle=f"arXiv papers that match {keyword.query}, announced in {period.words}.",
        page_url=address.within(period.first, period.last).url("page"),
        self_url=archive.url(suffix),
        icon_url=f"{address.base_url}/static/icon.svg",
        alternates=tuple(
            (archive.url(other), form.media_type)
            for other, form in FORMATS.items()
            if other != suffix
        ),
        entries=tuple(map(Entry, shown)),
        around=tuple(around),
        archive=True,
    )
