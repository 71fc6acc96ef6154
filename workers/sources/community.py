"""Community feeds: the arXiv papers that the entries of any feed link to, as picks.

Ids, links, dates, votes and comment counts are taken, and the words of an entry about one paper.
An entry may name a paper in any element or attribute; one that names none is counted and skipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from papers.counted import format_counted
from papers.errors import BadParameter
from papers.model.arxiv_id import ArxivId, find_ids
from papers.model.paper import Channel, Pick, Sighting
from papers.state.communities import community_task
from workers.sources.community_counts import EntryCounts, entry_counts
from workers.sources.community_words import CommunityWords, community_words
from workers.sources.feed_entries import FeedEntry, read_entries
from workers.sources.result import FetchResult, RejectedRecord, UpstreamClients

ACCEPT: Final = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, "
    "text/xml;q=0.9, application/json;q=0.8, */*;q=0.1"
)
MAX_IDS_PER_ENTRY: Final = 1_000
"""Papers that one entry may name; a longer list is truncated."""

_PICK_DATE_TOLERANCE: Final = timedelta(days=2)
_CLOCK_TOLERANCE: Final = timedelta(hours=1)


def fetch_community_picks(
    subject: str, upstreams: UpstreamClients, now: datetime
) -> Iterator[FetchResult]:
    """Yield the picks of the community feed named `subject` in the settings, as one result."""
    communities = upstreams.settings.communities
    if subject not in communities:
        raise BadParameter("community", f"there is no community {subject!r}")
    response = upstreams.fetcher.get(
        communities[subject], now=now, accept=ACCEPT, task=community_task(subject)
    )
    if response.not_modified:
        yield FetchResult(not_modified=True, message="not changed")
        return
    result = parse_community_feed(response.body, subject, now)
    yield replace(result, response=response if result.complete else None)


def parse_community_feed(body: bytes, community: str, now: datetime) -> FetchResult:
    """Parse a feed to picks, one per entry and paper. Raises SourceGarbled, SourceIncomplete."""
    feed = read_entries(body)
    sightings: list[Sighting] = []
    rejected: list[RejectedRecord] = []
    record_count = naming_count = 0
    for entry in feed.entries:
        record_count += 1
        ids, future_ids = _named_ids(entry, now)
        naming_count += bool(ids)
        is_about_one = len(ids) == 1 and not future_ids
        words = community_words(entry) if is_about_one else CommunityWords()
        if ids:
            sightings += _sightings(ids, entry, words, community, now)
        if future_ids and not ids:
            rejected.append(_rejected(future_ids, entry))
    notes = ("" if feed.is_complete else "; the feed was cut") + (
        f"; {len(rejected)} set aside, of months that have not come" if rejected else ""
    )
    return FetchResult(
        sightings=tuple(sightings),
        rejected=tuple(rejected),
        record_count=record_count,
        skipped=record_count - naming_count - len(rejected),
        complete=feed.is_complete,
        message=f"{format_counted(len({s.id for s in sightings}), 'paper')} in "
        f"{naming_count} of {format_counted(record_count, 'entry', 'entries')}{notes}",
    )


def _named_ids(entry: FeedEntry, now: datetime) -> tuple[list[ArxivId], list[ArxivId]]:
    """Return the papers that an entry names, without duplicates, and those of months to come."""
    resolved = " ".join(entry.links) if entry.base else ""
    ids = find_ids(f"{entry.content} {resolved}", limit=MAX_IDS_PER_ENTRY)
    newest = now + _CLOCK_TOLERANCE
    last_month = newest.year * 100 + newest.month
    return [id for id in ids if id.month <= last_month], [id for id in ids if id.month > last_month]


def _rejected(ids: list[ArxivId], entry: FeedEntry) -> RejectedRecord:
    return RejectedRecord(
        f"the month of {ids[0]} has not come", f"{ids[0]} in {entry.text('title')[:200]!r}"
    )


def _sightings(
    ids: list[ArxivId], entry: FeedEntry, words: CommunityWords, community: str, now: datetime
) -> Iterator[Sighting]:
    """Yield a pick of each paper that an entry names; the entry is read once for all of them."""
    counts, published = entry_counts(entry), entry.published_at
    pick = Pick(
        community=community,
        picked_at=now,
        url=_page_url(entry),
        discussion=entry.discussion,
        votes=counts.votes,
        comments=counts.comments,
        counted_at=None if counts == EntryCounts() else now,
    )
    for id in ids:
        picked_at = _picked_at(id, published, now)
        yield Sighting(
            id=id,
            source=community,
            channel=Channel.COMMUNITY,
            as_of=picked_at,
            title=words.title,
            abstract=words.excerpt,
            pick=replace(pick, picked_at=picked_at),
        )


def _page_url(entry: FeedEntry) -> str:
    """Return the community's page about the paper: the discussion where the link is the paper."""
    url = next(iter(entry.links), "")
    host = (urlsplit(url).hostname or "").removesuffix(".")
    is_paper = host == "arxiv.org" or host.endswith(".arxiv.org")
    return entry.discussion or url if is_paper else url


def _picked_at(id: ArxivId, published: datetime | None, now: datetime) -> datetime:
    """Return an entry's date: not in the future, and not before the paper existed."""
    month = datetime(id.month // 100, id.month % 100, 1, tzinfo=UTC)
    return min(published, now) if published and published >= month - _PICK_DATE_TOLERANCE else now
