"""arXiv's announcement feeds: the new papers of today, one category at a time.

The Atom format is read; in the RSS format feedparser would take `<` in formulas for markup. The
feed's day is that of its entries: its own date is when it was built, and one category can stand
still while others move on.

https://info.arxiv.org/help/rss_specifications.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from papers.errors import BadId, SourceGarbled, SourceRefused
from papers.model.arxiv_calendar import EASTERN, newest_announcement
from papers.model.arxiv_id import parse_versioned
from papers.model.paper import AnnounceType, Channel, Sighting
from workers.fetch.fetcher import UpstreamResponse
from workers.sources.arxiv.author_string import split_authors
from workers.sources.arxiv.withdrawn import is_withdrawn
from workers.sources.foreign_xml import (
    clean_line,
    clean_url,
    entry_excerpt,
    parse_feed,
    parsed_time,
)
from workers.sources.result import FetchResult, RejectedRecord, UpstreamClients

ACCEPT: Final = "application/atom+xml, application/xml;q=0.9, */*;q=0.1"

EMPTY_FEED_GRACE: Final = timedelta(hours=8)
"""The time after Eastern midnight from which on an empty feed means an empty day."""

MAX_ENTRIES: Final = 2_000
"""The most entries of a feed: arXiv truncates the rest."""

_ANNOUNCE_TYPES: Final = {kind.label: kind for kind in AnnounceType}
_SUMMARY: Final = re.compile(
    r"\s*arXiv:\S+\s+Announce Type:\s*(?P<type>[\w-]+)\s*(?:Abstract:\s?)?(?P<abstract>.*)",
    re.DOTALL,
)
_DAY: Final = timedelta(days=1)
_FRIDAY: Final = 4


@dataclass(frozen=True, slots=True)
class AnnouncementBatch:
    """The content of one feed.

    `day` is the Eastern date of its newest entries, None if it has none; `built_on` the Eastern
    date on which the feed was built.
    """

    day: date | None
    built_on: date | None
    sightings: tuple[Sighting, ...]
    rejected: tuple[RejectedRecord, ...] = ()
    is_complete: bool = True


def fetch_announcements(
    subject: str, upstreams: UpstreamClients, now: datetime
) -> Iterator[FetchResult]:
    """Yield the announcements of a category, `subject`, as one result."""
    url = f"{upstreams.settings.arxiv_feed_url.rstrip('/')}/{subject}"
    response = upstreams.fetcher.get(url, now=now, accept=ACCEPT, task=f"announcements:{subject}")
    if response.not_modified:
        day = date.fromisoformat(response.memo)
        yield FetchResult(
            day=day,
            expected_day=expected_day(now),
            stale=is_stale(day, day, now),
            not_modified=True,
            message=f"not changed since the announcements of {day}",
        )
        return
    yield _to_result(parse_announcements(response.body, now), response, now)


def parse_announcements(body: bytes, now: datetime) -> AnnouncementBatch:
    """Parse a feed of announcements; an unreadable entry is rejected alone.

    Raises SourceRefused for arXiv's error feed, SourceGarbled, SourceIncomplete.
    """
    feed = parse_feed(body, well_formed=True)
    title = clean_line(feed.head.get("title"))
    if title.lower().startswith("feed error"):
        raise SourceRefused(f"arXiv answers with an error for a feed: {title}", status=400)
    sightings: list[Sighting] = []
    rejected = [RejectedRecord(reason, clean_line(text)[:500]) for reason, text in feed.unreadable]
    published, built_on = parsed_time(feed.head, "published"), parsed_time(feed.head, "updated")
    for entry in feed.entries:
        try:
            sightings.append(_sighting(entry, published, now))
        except (BadId, SourceGarbled) as error:
            rejected.append(RejectedRecord(str(error), entry_excerpt(entry)))
    return AnnouncementBatch(
        day=max((s.as_of.astimezone(EASTERN).date() for s in sightings), default=None),
        built_on=built_on.astimezone(EASTERN).date() if built_on else None,
        sightings=tuple(sightings),
        rejected=tuple(rejected),
        is_complete=feed.is_complete,
    )


def expected_day(now: datetime) -> date:
    """Return the Eastern date of the latest announcements due by `now`."""
    return newest_announcement(now).astimezone(EASTERN).date()


def is_stale(day: date | None, built_on: date | None, now: datetime) -> bool:
    """True if a valid feed is of an earlier day than expected.

    A feed without entries is judged by the day it was built, and on a day of announcements it
    counts as stale until the morning is over: between midnight and the new batch it looks the same.
    """
    if day is not None:
        return day < expected_day(now)
    if built_on is None or built_on < expected_day(now):
        return True
    return now < newest_announcement(now) + EMPTY_FEED_GRACE


def _to_result(batch: AnnouncementBatch, response: UpstreamResponse, now: datetime) -> FetchResult:
    stale = is_stale(batch.day, batch.built_on, now)
    count = len(batch.sightings) + len(batch.rejected)
    return FetchResult(
        sightings=batch.sightings,
        rejected=batch.rejected,
        record_count=count,
        day=batch.day,
        expected_day=expected_day(now),
        stale=stale,
        complete=batch.is_complete and count < MAX_ENTRIES,
        message=_message(batch, count, stale, now),
        response=response if batch.is_complete and not stale else None,
        memo=str(batch.day or batch.built_on or ""),
        counted_day=batch.day or _announcement_day(batch.built_on),
    )


def _announcement_day(built_on: date | None) -> date | None:
    """Return an empty feed's day if arXiv announces on it: nothing is expected of a weekend."""
    return built_on if built_on and built_on.weekday() <= _FRIDAY else None


def _message(batch: AnnouncementBatch, count: int, stale: bool, now: datetime) -> str:
    if not batch.is_complete:
        return f"the feed was cut after {count} announcements"
    if count >= MAX_ENTRIES:
        return f"{count} announcements: arXiv cuts a feed there, and the newest are missing"
    if stale and count:
        return f"still the announcements of {batch.day}, not of {expected_day(now)}"
    if stale:
        return f"nothing yet; announcements of {expected_day(now)} are expected"
    return f"{count} announced on {batch.day}" if count else "nothing announced"


def _sighting(entry: Any, published: datetime | None, now: datetime) -> Sighting:
    """Parse one entry. Raises BadId and SourceGarbled if it is unreadable."""
    id, version = parse_versioned(clean_line(entry.get("id")))
    title = clean_line(entry.get("title"))
    summary = _SUMMARY.fullmatch(entry.get("summary", ""))
    label = clean_line(entry.get("arxiv_announce_type")) or (summary["type"] if summary else "")
    announced_at = _announced_at(entry, published, now)
    if not title:
        raise SourceGarbled("the entry has no title")
    if label not in _ANNOUNCE_TYPES:
        raise SourceGarbled(f"the entry has an unknown announce type: {label!r}")
    abstract = clean_line(summary["abstract"] if summary else entry.get("summary"))
    return Sighting(
        id=id,
        source="arxiv",
        channel=Channel.ANNOUNCEMENT,
        as_of=announced_at,
        version=version or 0,
        title=title,
        abstract=abstract,
        authors=_authors(entry),
        categories=_categories(entry),
        journal_ref=clean_line(entry.get("arxiv_journal_reference")),
        doi=clean_line(entry.get("arxiv_doi")),
        license=clean_url(entry.get("rights")),
        announce_type=_ANNOUNCE_TYPES[label],
        announced_at=announced_at,
        withdrawn=is_withdrawn("", abstract),
    )


def _authors(entry: Any) -> tuple[str, ...]:
    names = (author.get("name", "") for author in entry.get("authors", ()))
    return split_authors(clean_line(", ".join(names)))


def _categories(entry: Any) -> tuple[str, ...]:
    terms = (clean_line(tag.get("term")) for tag in entry.get("tags", ()))
    return tuple(dict.fromkeys(filter(None, terms)))


def _announced_at(entry: Any, published: datetime | None, now: datetime) -> datetime:
    """Return the Eastern midnight of an entry, or of its feed. Raises SourceGarbled if none."""
    announced_at = parsed_time(entry, "published") or published
    if announced_at is None or announced_at > now + _DAY:
        raise SourceGarbled(f"the entry has an implausible announcement time: {announced_at}")
    return announced_at
