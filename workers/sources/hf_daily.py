"""Hugging Face Daily Papers: its community's picks, with votes, comments, code and project.

The day of a pick is `submittedOnDailyAt`, neither the day requested nor `publishedAt`. Nearly every
key was added over time and may be absent, so a field is read from the paper inside a record, or
else from the record itself; summaries are re-typeset, so arXiv's texts win later. How responses are
wrapped and continued is in `hf_pages`.

https://huggingface.co/api/daily_papers
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from papers.errors import BadId, BadParameter, SourceError, SourceGarbled, SourceRefused
from papers.model.arxiv_id import ArxivId, parse_versioned
from papers.model.paper import Channel, Pick, Sighting
from workers.fetch.refusals import body_excerpt
from workers.sources.foreign_xml import clean_line, clean_url
from workers.sources.hf_pages import DailyPage, PageSequence, read_page
from workers.sources.result import FetchResult, RejectedRecord, UpstreamClients

COMMUNITY_NAME: Final = "hf"
PAPERS_URL: Final = "https://huggingface.co/papers"
PAGE_SIZE: Final = 100
RECENT_DAYS: Final = 14
"""A paper can be picked this long after it is on arXiv, and votes continue."""

NOT_ON_ARXIV: Final = "not on arXiv"

_ID_NAMES: Final = ("id", "arxivId", "arxiv_id")


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

    Papers that are not on arXiv are counted. Raises SourceGarbled if it holds no list.
    """
    return _parse_page(read_page(body), day, now)


def _parse_page(page: DailyPage, day: date, now: datetime) -> FetchResult:
    sightings: list[Sighting] = []
    rejected: list[RejectedRecord] = []
    for record in page.records:
        try:
            if (sighting := _sighting(record, day, now)) is not None:
                sightings.append(sighting)
        except (BadId, SourceGarbled) as error:
            rejected.append(RejectedRecord(str(error), body_excerpt(json.dumps(record).encode())))
    return FetchResult(
        sightings=tuple(sightings),
        rejected=tuple(rejected),
        record_count=len(page.records),
        skipped=len(page.records) - len(sightings) - len(rejected),
        skip_reason=NOT_ON_ARXIV,
        day=day,
        message=f"picks for {day}: {len(sightings)}",
    )


def _fetch_day(day: date, upstreams: UpstreamClients, now: datetime) -> Iterator[FetchResult]:
    """Yield a day's pages, until one is the last or has nothing new."""
    pages = PageSequence(PAGE_SIZE)
    while pages.has_more:
        base = upstreams.settings.huggingface_url.rstrip("/")
        url = f"{base}/api/daily_papers?date={day}&limit={PAGE_SIZE}&p={pages.count}"
        response = upstreams.fetcher.get(url, now=now, accept="application/json")
        is_first = pages.count == 0
        page = read_page(response.body, response.headers)
        pages.add(page)
        result = replace(_parse_page(page, day, now), complete=not pages.is_truncated)
        yield replace(result, counted_day=day) if _is_yesterday(day, now) and is_first else result


def _is_yesterday(day: date, now: datetime) -> bool:
    """True for yesterday, the day whose number of picks is final and comparable."""
    return day == now.date() - timedelta(days=1)


def _sighting(record: Any, day: date, now: datetime) -> Sighting | None:
    """Parse one record; None if its paper is not on arXiv.

    Raises BadId and SourceGarbled if it is unreadable.
    """
    outer = _json_object(record)
    is_bare = "paper" not in outer and any(name in outer for name in _ID_NAMES)
    inner = outer if is_bare else outer.get("paper")
    if not isinstance(inner, dict):
        raise SourceGarbled("the record has no paper")
    id = _arxiv_id(inner, outer)
    if id is None:
        return None

    def text(name: str, clean: Callable[[Any], str] = clean_line) -> str:
        return clean(inner.get(name)) or clean(outer.get(name))

    return Sighting(
        id=id,
        source=COMMUNITY_NAME,
        channel=Channel.HUGGINGFACE,
        as_of=now,
        title=text("title"),
        abstract=text("summary") or text("abstract"),
        authors=_authors(inner.get("authors")) or _authors(outer.get("authors")),
        withdrawn=bool(text("withdrawnAt")),
        code=text("githubRepo", clean_url),
        project=text("projectPage", clean_url),
        organization=text("organization", _organization),
        pick=_pick(
            inner, outer, f"{PAPERS_URL}/{id}", min(_picked_at(inner, outer, day), now), now
        ),
    )


def _arxiv_id(inner: dict[str, Any], outer: dict[str, Any]) -> ArxivId | None:
    """Return the paper's arXiv id; None if it has an id, but none of arXiv's.

    Raises BadId if it has no id at all.
    """
    given = [fields[name] for fields in (inner, outer) for name in _ID_NAMES if name in fields]
    for value in given:
        try:
            return parse_versioned(value)[0]
        except BadId:
            continue
    if any(clean_line(value) for value in given):
        return None
    raise BadId("the record has no arXiv id")


def _pick(
    inner: dict[str, Any], outer: dict[str, Any], url: str, picked_at: datetime, now: datetime
) -> Pick:
    return Pick(
        community=COMMUNITY_NAME,
        picked_at=picked_at,
        url=url,
        discussion=f"{url}#community" if _first(inner, outer, "discussionId") else "",
        votes=_count(_first(inner, outer, "upvotes")),
        comments=_count(_first(outer, inner, "numComments")),
        counted_at=now,
        submitter=_submitter(inner, outer),
        thumbnail=clean_url(_first(outer, inner, "thumbnail")),
    )


def _submitter(inner: dict[str, Any], outer: dict[str, Any]) -> str:
    submitter = _json_object(_first(inner, outer, "submittedOnDailyBy")) or _json_object(
        _first(outer, inner, "submittedBy")
    )
    return clean_line(submitter.get("user")) or clean_line(submitter.get("name"))


def _picked_at(inner: dict[str, Any], outer: dict[str, Any], day: date) -> datetime:
    """Return the time of a pick; if absent, as in 2024, the beginning of the requested day."""
    value = _first(inner, outer, "submittedOnDailyAt")
    if value is None:
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    try:
        when = datetime.fromisoformat(value)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise SourceGarbled(f"the record has an implausible pick time: {value!r}") from error


def _first(preferred: dict[str, Any], other: dict[str, Any], name: str) -> Any:
    """Return a field's value where it has one."""
    value = preferred.get(name)
    return other.get(name) if value is None else value


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
