"""arXiv's announcement feeds: what is new today, one category at a time.

The Atom form is read; of the RSS form feedparser would take `<` in formulas for markup. The
feed's day is that of its entries: its own date is when it was built, and one category can stand
still while others move.

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
from workers.fetch.fetcher import Answer
from workers.sources.arxiv.author_string import authors
from workers.sources.arxiv.withdrawn import is_withdrawn
from workers.sources.foreign_xml import clean, excerpt_of, link, parse_feed, time_of
from workers.sources.result import Fetched, Rejected, Upstreams

ACCEPT: Final = "application/atom+xml, application/xml;q=0.9, */*;q=0.1"

SETTLED: Final = timedelta(hours=8)
"""After so long past Eastern midnight an empty feed is an empty day, not one yet to be filled."""

MOST_ROWS: Final = 2_000
"""arXiv cuts its feeds here."""

_TYPES: Final = {kind.label: kind for kind in AnnounceType}
_SUMMARY: Final = re.compile(
    r"\s*arXiv:\S+\s+Announce Type:\s*(?P<type>[\w-]+)\s*(?:Abstract:\s?)?(?P<abstract>.*)",
    re.DOTALL,
)
_DAY: Final = timedelta(days=1)
_FRIDAY: Final = 4


@dataclass(frozen=True, slots=True)
class Announcements:
    """What one feed announces.

    `day` is the Eastern date of its newest entries, None where it has none; `built` the Eastern
    date at which the feed was made.
    """

    day: date | None
    built: date | None
    sightings: tuple[Sighting, ...]
    rejected: tuple[Rejected, ...] = ()
    whole: bool = True


def fetch(subject: str, upstreams: Upstreams, now: datetime) -> Iterator[Fetched]:
    """The announcements of a category, `subject`, as one part."""
    url = f"{upstreams.settings.arxiv_feed_url.rstrip('/')}/{subject}"
    answer = upstreams.fetcher.get(
        url, now=now, accept=ACCEPT, conditional=True, through=upstreams.lane.turn
    )
    if answer.not_modified:
        day = date.fromisoformat(answer.memo)
        yield Fetched(
            day=day,
            expected=expected_day(now),
            stale=is_stale(day, day, now),
            not_modified=True,
            said=f"not changed since the announcements of {day}",
        )
        return
    yield _fetched(read(answer.body, now), answer, now)


def read(body: bytes, now: datetime) -> Announcements:
    """The announcements in a feed; an entry that cannot be read is set aside, alone.

    Raises SourceRefused for arXiv's error feed, SourceGarbled, SourceIncomplete.
    """
    feed = parse_feed(body)
    title = clean(feed.head.get("title"))
    if title.lower().startswith("feed error"):
        raise SourceRefused(f"arXiv answers with an error for a feed: {title}", status=400)
    if feed.whole and not feed.sound:
        raise SourceGarbled(f"the announcements {title!r} are no well-formed XML")
    sightings: list[Sighting] = []
    rejected: list[Rejected] = []
    published, built = time_of(feed.head, "published"), time_of(feed.head, "updated")
    for entry in feed.entries:
        try:
            sightings.append(_sighting(entry, published, now))
        except (BadId, SourceGarbled) as error:
            rejected.append(Rejected(str(error), excerpt_of(entry)))
    return Announcements(
        day=max((s.as_of.astimezone(EASTERN).date() for s in sightings), default=None),
        built=built.astimezone(EASTERN).date() if built else None,
        sightings=tuple(sightings),
        rejected=tuple(rejected),
        whole=feed.whole,
    )


def expected_day(now: datetime) -> date:
    """The Eastern date of the announcements that should be out at `now`."""
    return newest_announcement(now).astimezone(EASTERN).date()


def is_stale(day: date | None, built: date | None, now: datetime) -> bool:
    """Whether a valid feed is of an earlier day than it should be.

    A feed without entries is judged by the day it was built, and on a day of announcements not
    believed before the morning is over: between midnight and the new batch it looks like that.
    """
    if day is not None:
        return day < expected_day(now)
    if built is None or built < expected_day(now):
        return True
    return now < newest_announcement(now) + SETTLED


def _fetched(came: Announcements, answer: Answer, now: datetime) -> Fetched:
    stale = is_stale(came.day, came.built, now)
    got = len(came.sightings) + len(came.rejected)
    return Fetched(
        sightings=came.sightings,
        rejected=came.rejected,
        got=got,
        day=came.day,
        expected=expected_day(now),
        stale=stale,
        complete=came.whole and got < MOST_ROWS,
        said=_said(came, got, stale, now),
        answer=answer if came.whole and not stale else None,
        memo=str(came.day or came.built or ""),
        counted=came.day or _announcing(came.built),
    )


def _announcing(built: date | None) -> date | None:
    """The day of an empty feed, if arXiv announces on it: of a weekend nothing is expected."""
    return built if built and built.weekday() <= _FRIDAY else None


def _said(came: Announcements, got: int, stale: bool, now: datetime) -> str:
    if not came.whole:
        return f"the feed was cut after {got} announcements"
    if got >= MOST_ROWS:
        return f"{got} announcements: arXiv cuts a feed there, and the newest are missing"
    if stale and got:
        return f"still the announcements of {came.day}, not of {expected_day(now)}"
    if stale:
        return f"nothing yet; announcements of {expected_day(now)} are expected"
    return f"{got} announced on {came.day}" if got else "nothing announced"


def _sighting(entry: Any, published: datetime | None, now: datetime) -> Sighting:
    """One entry. Raises BadId and SourceGarbled for one that cannot be read."""
    id, version = parse_versioned(clean(entry.get("id")))
    title = clean(entry.get("title"))
    summary = _SUMMARY.fullmatch(entry.get("summary", ""))
    label = clean(entry.get("arxiv_announce_type")) or (summary["type"] if summary else "")
    announced_at = _announced_at(entry, published, now)
    if not title:
        raise SourceGarbled("the entry has no title")
    if label not in _TYPES:
        raise SourceGarbled(f"the entry has no announce type that is known: {label!r}")
    abstract = clean(summary["abstract"] if summary else entry.get("summary"))
    tags = entry.get("tags", ())
    return Sighting(
        id=id,
        source="arxiv",
        channel=Channel.ANNOUNCEMENT,
        as_of=announced_at,
        version=version or 0,
        title=title,
        abstract=abstract,
        authors=authors(clean(", ".join(a.get("name", "") for a in entry.get("authors", ())))),
        categories=tuple(dict.fromkeys(filter(None, (clean(t.get("term")) for t in tags)))),
        journal_ref=clean(entry.get("arxiv_journal_reference")),
        doi=clean(entry.get("arxiv_doi")),
        license=link(entry.get("rights")),
        announce_type=_TYPES[label],
        announced_at=announced_at,
        withdrawn=is_withdrawn("", abstract),
    )


def _announced_at(entry: Any, published: datetime | None, now: datetime) -> datetime:
    """The Eastern midnight of an entry, or of its feed. Raises SourceGarbled without one."""
    announced_at = time_of(entry, "published") or published
    if announced_at is None or announced_at > now + _DAY:
        raise SourceGarbled(f"the entry is announced at no time that can be: {announced_at}")
    return announced_at
