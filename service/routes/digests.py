"""Digest feeds: `digest=day` or `week`, one entry for each that is over and had papers.

Papers of saved keywords are stored as they were when the day was over
(`service.cache.archive_snapshots`), so an entry never changes. Those of a custom query are searched
for each time: clients can make up any number of queries.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, cast

from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper
from papers.model.periods import Period, PeriodKind
from papers.query.parser import Query
from papers.state.keyword_record import Keyword
from service.cache.archive_snapshots import papers_in_period
from service.cache.version_stamp import StoreVersion
from service.context import AppContext
from service.feeds import FORMATS
from service.feeds.digest_entry import build_digest_entry
from service.feeds.entry import DigestEntry
from service.feeds.feed import Feed
from service.search_title import search_title
from service.urls.keyword_urls import SearchUrls

_ENTRY_COUNT: Final[dict[PeriodKind, int]] = {"day": 14, "week": 8}
"""How many days or weeks a feed goes back."""
_FREQUENCY_WORDS: Final[dict[PeriodKind, str]] = {"day": "day by day", "week": "week by week"}


def digest_feed(
    ctx: AppContext, urls: SearchUrls, version: StoreVersion, suffix: str, *, now: datetime
) -> Feed:
    """Return the digest feed of a URL, newest entry first. Raises StoreUnavailable."""
    kind = cast(PeriodKind, urls.params.digest_kind)
    keywords = version.keywords
    name = search_title(keywords, urls.params.query)
    return Feed(
        id=urls.url("atom"),
        title=f"{name}, {_FREQUENCY_WORDS[kind]} · Paperwire",
        subtitle=f"arXiv papers that match {name}: one entry a {kind} (UTC), when it is over.",
        page_url=urls.url("page"),
        self_url=urls.url(suffix),
        icon_url=f"{urls.base_url}/static/icon.svg",
        alternates=tuple(
            (urls.url(other), form.media_type) for other, form in FORMATS.items() if other != suffix
        ),
        entries=tuple(
            _digest_entry(urls, name, period, papers)
            for period in _past_periods(kind, now)
            if (papers := _papers_of_period(ctx, urls.params.query, keywords, period))
        ),
    )


def _past_periods(kind: PeriodKind, now: datetime) -> list[Period]:
    """Return the last periods that are over, newest first."""
    periods = [Period.containing(kind, now.date()).previous]
    while len(periods) < _ENTRY_COUNT[kind]:
        periods.append(periods[-1].previous)
    return periods


def _papers_of_period(
    ctx: AppContext, query: Query | None, keywords: tuple[Keyword, ...], period: Period
) -> list[Paper]:
    """Return the papers of a period, newest first, each once however many keywords it matches."""
    if query:
        return list(papers_in_period(ctx.store, query, period))
    found: dict[ArxivId, Paper] = {}
    for keyword in keywords:
        found |= {paper.id: paper for paper in ctx.snapshots.papers(keyword, period)}
    return [found[id] for id in sorted(found, reverse=True)]


def _digest_entry(urls: SearchUrls, name: str, period: Period, papers: list[Paper]) -> DigestEntry:
    return build_digest_entry(
        papers,
        id=f"{urls.url('atom')}#{period.name}",
        name=name,
        period_text=period.display_name,
        url=urls.between_days(period.first_day, period.last_day).url("page"),
        ended_at=period.end,
    )
