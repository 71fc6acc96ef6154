"""Hugging Face Daily Papers: its community's picks, with votes, comments, code and project.

The day of a pick is `submittedOnDailyAt`, neither the day requested nor `publishedAt`. Nearly every
key was added over time and may be absent; summaries are re-typeset, so arXiv's texts win later.

https://huggingface.co/api/daily_papers
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from papers.errors import BadId, BadParameter, SourceError, SourceGarbled, SourceRefused
from papers.model.arxiv_id import ArxivId, parse_versioned
from papers.model.paper import Channel, Pick, Sighting
from workers.fetch.refusals import body_excerpt
from workers.sources.foreign_xml import clean_line, clean_url
from workers.sources.result import FetchResult, RejectedRecord, UpstreamClients

COMMUNITY_NAME: Final = "hf"
PAPERS_URL: Final = "https://huggingface.co/papers"
PAGE_SIZE: Final = 100
RECENT_DAYS: Final = 14
"""A paper can be picked this long after it is on arXiv, and votes continue."""

_MAX_PAGES: Final = 5


def fetch_daily_papers(
    subject: str, upstreams: UpstreamClients, now: datetime
) -> Iterator[FetchResult]:
    """Yield the picks of `today` or of the last 14 days (`recent`), one result per response.

    A failing day does not stop the others; its error is raised at the end.
    """
    spans = {"today": 1, "recent": RECENT_DAYS}
    if subject not in spans:
        raise BadParameter("hf", f"there is no task hf:{subject}; there are {', '.join(spans)}")
    first_error: SourceError | None = None
    for days_back in range(spans[subject]):
        try:
            yield from _fetch_day(now.date() - timedelta(days=days_back), upstreams, now)
        except SourceRefused:
            raise  # it refuses us as a client: do not request the other days
        except SourceError as error:
            first_error = first_error or error
    if first_error:
        raise first_error


def parse_daily_papers(body: bytes, day: date, now: datetime) -> FetchResult:
    """Parse the picks in a response for `day`; an unreadable record is rejected alone.

    Raises SourceGarbled if it is no JSON list.
    """
    try:
        records = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SourceGarbled(f"Daily Papers: not JSON but: {body_excerpt(body)}") from error
    if not isinstance(records, list):
        raise SourceGarbled(f"Daily Papers: not a list but: {body_excerpt(body)}")
    sightings: list[Sighting] = []
    rejected: list[RejectedRecord] = []
    for record in records:
        try:
            sightings.append(_sighting(record, day, now))
        except (BadId, SourceGarbled) as error:
            rejected.append(RejectedRecord(str(error), body_excerpt(json.dumps(record).encode())))
    return FetchResult(
        sightings=tuple(sightings),
        rejected=tuple(rejected),
        record_count=len(records),
        day=day,
        message=f"picks for {day}: {len(sightings)}",
    )


def _fetch_day(day: date, upstreams: UpstreamClients, now: datetime) -> Iterator[FetchResult]:
    """Yield a day's pages, until one is not full or has nothing new."""
    seen: set[ArxivId] = set()
    for number in range(_MAX_PAGES):
        base = upstreams.settings.huggingface_url.rstrip("/")
        url = f"{base}/api/daily_papers?date={day}&limit={PAGE_SIZE}&p={number}"
        response = upstreams.fetcher.get(url, now=now, accept="application/json")
        result = parse_daily_papers(response.body, day, now)
        ids = {sighting.id for sighting in result.sightings}
        yield (
            replace(result, counted_day=day) if _is_yesterday(day, now) and number == 0 else result
        )
        if result.record_count < PAGE_SIZE or ids <= seen:
            return
        seen |= ids


def _is_yesterday(day: date, now: datetime) -> bool:
    """True for yesterday, the day whose number of picks is final and comparable."""
    return day == now.date() - timedelta(days=1)


def _sighting(record: Any, day: date, now: datetime) -> Sighting:
    """Parse one record. Raises BadId and SourceGarbled if it is unreadable."""
    paper = _json_object(record).get("paper")
    if not isinstance(paper, dict):
        raise SourceGarbled("the record has no paper")
    id, _ = parse_versioned(paper.get("id", ""))
    return Sighting(
        id=id,
        source=COMMUNITY_NAME,
        channel=Channel.HUGGINGFACE,
        as_of=now,
        title=clean_line(paper.get("title")),
        abstract=clean_line(paper.get("summary")),
        authors=_authors(paper.get("authors")),
        code=clean_url(paper.get("githubRepo")),
        project=clean_url(paper.get("projectPage")),
        organization=_organization(paper.get("organization") or record.get("organization")),
        pick=_pick(record, paper, f"{PAPERS_URL}/{id}", min(_picked_at(paper, day), now), now),
    )


def _pick(
    record: dict[str, Any], paper: dict[str, Any], url: str, picked_at: datetime, now: datetime
) -> Pick:
    submitter = _json_object(paper.get("submittedOnDailyBy")) or _json_object(
        record.get("submittedBy")
    )
    return Pick(
        community=COMMUNITY_NAME,
        picked_at=picked_at,
        url=url,
        discussion=f"{url}#community" if paper.get("discussionId") else "",
        votes=_count(paper.get("upvotes")),
        comments=_count(record.get("numComments")),
        counted_at=now,
        submitter=clean_line(submitter.get("user")) or clean_line(submitter.get("name")),
        thumbnail=clean_url(record.get("thumbnail")),
    )


def _picked_at(paper: dict[str, Any], day: date) -> datetime:
    """Return the time of a pick; if absent, as in 2024, the beginning of the requested day."""
    value = paper.get("submittedOnDailyAt")
    if value is None:
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    try:
        when = datetime.fromisoformat(value)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise SourceGarbled(f"the record has an implausible pick time: {value!r}") from error


def _authors(authors: Any) -> tuple[str, ...]:
    """Return the names that are not hidden."""
    records = [_json_object(a) for a in authors] if isinstance(authors, list) else []
    names = (clean_line(author.get("name")) for author in records if not author.get("hidden"))
    return tuple(name for name in names if name)


def _organization(organization: Any) -> str:
    fields = _json_object(organization)
    return clean_line(fields.get("fullname")) or clean_line(fields.get("name"))


def _count(number: Any) -> int | None:
    """Return a valid count, zero included; else None."""
    return number if type(number) is int and 0 <= number < 2**31 else None


def _json_object(value: Any) -> dict[str, Any]:
    """Return a JSON object; an empty one for any other value."""
    return value if isinstance(value, dict) else {}
