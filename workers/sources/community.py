"""Community feeds: the arXiv papers that the entries of any RSS or Atom feed link to, as picks.

Only ids, links, dates, votes and comment counts are taken. An entry may name a paper in its link,
id, title or text; one that names none is counted and skipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from papers.errors import BadId, BadParameter
from papers.model.arxiv_id import ArxivId, find_ids
from papers.model.paper import Channel, Pick, Sighting
from workers.sources.community_counts import EntryCounts, entry_counts
from workers.sources.foreign_xml import clean_line, clean_url, parse_feed, parsed_time
from workers.sources.result import FetchResult, UpstreamClients

ACCEPT: Final = (
    "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1"
)
MAX_IDS_PER_ENTRY: Final = 1_000
"""Papers that one entry may name; a longer list is truncated."""

_PICK_DATE_TOLERANCE: Final = timedelta(days=2)


def fetch_community_picks(
    subject: str, upstreams: UpstreamClients, now: datetime
) -> Iterator[FetchResult]:
    """Yield the picks of the community feed named `subject` in the settings, as one result."""
    communities = upstreams.settings.communities
    if subject not in communities:
        raise BadParameter("community", f"there is no community {subject!r}")
    response = upstreams.fetcher.get(communities[subject], now=now, accept=ACCEPT, conditional=True)
    if response.not_modified:
        yield FetchResult(not_modified=True, message="not changed")
        return
    result = parse_community_feed(response.body, subject, now)
    yield replace(result, response=response if result.complete else None)


def parse_community_feed(body: bytes, community: str, now: datetime) -> FetchResult:
    """Parse a feed to picks, one per entry and paper. Raises SourceGarbled, SourceIncomplete."""
    feed = parse_feed(body)
    entries = [(entry, _named_ids(entry)) for entry in feed.entries]
    sightings = tuple(
        _sighting(id, entry, community, now)
        for entry, ids in entries
        for id in ids[:MAX_IDS_PER_ENTRY]
    )
    naming_count = sum(1 for _, ids in entries if ids)
    truncation = "" if feed.is_complete else "; the feed was cut"
    return FetchResult(
        sightings=sightings,
        record_count=len(entries),
        skipped=len(entries) - naming_count,
        complete=feed.is_complete,
        message=f"{len({s.id for s in sightings})} papers in "
        f"{naming_count} of {len(entries)} entries{truncation}",
    )


def _named_ids(entry: Any) -> list[ArxivId]:
    """Return every paper that an entry names, without duplicates."""
    exact = (_exact_id(text) for text in (clean_line(entry.get("id")), *_links(entry)))
    named = (id for text in _texts(entry) for id in find_ids(text))
    return list(dict.fromkeys([id for id in exact if id] + list(named)))


def _exact_id(text: str) -> ArxivId | None:
    """Return the paper whose id or URL is this whole text, if any."""
    try:
        return ArxivId.parse(text)
    except BadId:
        return None


def _links(entry: Any) -> list[str]:
    candidates = [entry.get("link"), *(each.get("href") for each in entry.get("links", ()))]
    return list(dict.fromkeys(address for text in candidates if (address := clean_url(text))))


def _texts(entry: Any) -> Iterable[str]:
    yield from _links(entry)
    yield from (clean_line(entry.get(name)) for name in ("id", "title", "summary"))
    yield from (clean_line(content.get("value")) for content in entry.get("content", ()))


def _sighting(id: ArxivId, entry: Any, community: str, now: datetime) -> Sighting:
    picked_at, counts = _picked_at(id, entry, now), entry_counts(entry)
    return Sighting(
        id=id,
        source=community,
        channel=Channel.COMMUNITY,
        as_of=picked_at,
        pick=Pick(
            community=community,
            picked_at=picked_at,
            url=next(iter(_links(entry)), ""),
            discussion=clean_url(entry.get("comments")),
            votes=counts.votes,
            comments=counts.comments,
            counted_at=None if counts == EntryCounts() else now,
        ),
    )


def _picked_at(id: ArxivId, entry: Any, now: datetime) -> datetime:
    """Return an entry's date: not in the future, and not before the paper existed."""
    published = parsed_time(entry, "published") or parsed_time(entry, "updated")
    month = datetime(id.month // 100, id.month % 100, 1, tzinfo=UTC)
    return min(published, now) if published and published >= month - _PICK_DATE_TOLERANCE else now
