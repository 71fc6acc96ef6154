"""Digest feeds: `digest=day` or `week`, one entry for each that is over and had papers.

Of saved keywords the papers are kept as they were when the day was over
(`service.cache.archive_snapshots`), so an entry stays as it is. A custom keyword's are asked for
anew each time: anyone may make up any number of those.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, cast

from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper
from papers.model.periods import Kind, Period
from papers.query.parser import Query
from papers.state.keywords import Keyword
from service.cache.archive_snapshots import matching
from service.context import Desk, named
from service.feeds import FORMATS
from service.feeds.digest_entry import digest_of
from service.feeds.entry import Listing
from service.feeds.feed import Feed
from service.urls.keyword_urls import Address

_ENTRIES: Final[dict[Kind, int]] = {"day": 14, "week": 8}
"""How many days or weeks a feed goes back."""
_EACH: Final[dict[Kind, str]] = {"day": "day by day", "week": "week by week"}


def digest_feed(at: Desk, address: Address, suffix: str, *, now: datetime) -> Feed:
    """The digest feed at an address, newest first. Raises UnknownKeyword, StoreAway."""
    kind = cast(Kind, address.asked.digest)
    keywords = tuple(map(at.keywords.get, address.keywords))
    name = named(keywords, address.asked.query)
    return Feed(
        id=address.url("atom"),
        title=f"{name}, {_EACH[kind]} · Paperwire",
        subtitle=f"arXiv papers that match {name}: one entry a {kind} (UTC), when it is over.",
        page_url=address.url("page"),
        self_url=address.url(suffix),
        icon_url=f"{address.base_url}/static/icon.svg",
        alternates=tuple(
            (address.url(other), form.media_type)
            for other, form in FORMATS.items()
            if other != suffix
        ),
        entries=tuple(
            _entry(address, name, period, papers)
            for period in _over(kind, now)
            if (papers := _papers(at, address.asked.query, keywords, period))
        ),
    )


def _over(kind: Kind, now: datetime) -> list[Period]:
    """The last periods that are over, newest first."""
    periods = [Period.of(kind, now.date()).before]
    while len(periods) < _ENTRIES[kind]:
        periods.append(periods[-1].before)
    return periods


def _papers(
    at: Desk, query: Query | None, keywords: tuple[Keyword, ...], period: Period
) -> list[Paper]:
    """The papers of a period, newest first, each once whichever keywords it meets."""
    if query:
        return list(matching(at.store, query, period))
    found: dict[ArxivId, Paper] = {}
    for keyword in keywords:
        found |= {paper.id: paper for paper in at.snapshots.papers(keyword, period)}
    return [found[id] for id in sorted(found, reverse=True)]


def _entry(address: Address, name: str, period: Period, papers: list[Paper]) -> Listing:
    return digest_of(
        papers,
        id=f"{address.url('atom')}#{period.name}",
        name=name,
        when=period.words,
        url=address.within(period.first, period.last).url("page"),
        at=period.end,
    )
