"""arXiv's API: papers by id, and the first papers of a new keyword.

The `arxiv` package parses the responses. On its own it has no time-out, takes an error page or half
a document for fewer results, and loses a page for one bad entry. So its session is replaced by one
that fetches through our fetcher and rate limiter, checks each response against its declared total,
rejects unreadable entries, and passes on the rest.

https://info.arxiv.org/help/api/user-manual.html
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import arxiv

from papers.counted import format_counted
from papers.errors import PaperwireError, SourceGarbled, SourceIncomplete, SourceRefused
from papers.model.arxiv_id import ArxivId, parse_versioned
from papers.model.paper import Channel, Sighting
from workers.sources.arxiv import api_page
from workers.sources.arxiv.withdrawn import is_withdrawn
from workers.sources.foreign_xml import clean_line
from workers.sources.result import FetchResult, RejectedRecord, UpstreamClients

PAGE_SIZE: Final = 100
"""Papers per request: the API allows 2,000, and serves small pages far more reliably."""


def fetch_by_ids(
    ids: Sequence[ArxivId], upstreams: UpstreamClients, now: datetime
) -> Iterator[FetchResult]:
    """Yield the papers with these ids, in batches; an id unknown to arXiv is simply absent.

    A batch that is refused as malformed (400) is bisected until the one bad id remains, which is
    rejected. Raises SourceError.
    """
    done = 0
    batches = [tuple(ids[at : at + PAGE_SIZE]) for at in range(0, len(ids), PAGE_SIZE)]
    while batches:
        batch = batches.pop(0)
        search = arxiv.Search(id_list=[str(id) for id in batch], max_results=len(batch))
        try:
            result = _fetch_page(search, 0, len(batch), upstreams, now)
        except SourceRefused as error:
            if error.status != 400:
                raise
            if len(batch) > 1:
                half = len(batch) // 2
                batches[:0] = [batch[:half], batch[half:]]
                continue
            result = FetchResult(
                rejected=(RejectedRecord(str(error), str(batch[0])),),
                record_count=1,
                message=str(error),
            )
        done += len(batch)
        yield replace(result, done=done, total=len(ids))


def search_newest(
    query: str, limit: int, upstreams: UpstreamClients, now: datetime
) -> Iterator[FetchResult]:
    """Yield the newest papers, at most `limit`, for a query in the API's syntax, page by page.

    A result's `total` is how many papers the run will bring. Raises SourceError; SourceIncomplete
    if a page repeats an earlier one.
    """
    seen: set[ArxivId] = set()
    done, total = 0, limit
    while done < total:
        size = min(PAGE_SIZE, limit - done)
        search = arxiv.Search(
            query, max_results=done + size, sort_by=arxiv.SortCriterion.SubmittedDate
        )
        result = _fetch_page(search, done, size, upstreams, now)
        ids = {sighting.id for sighting in result.sightings}
        if ids and ids <= seen:
            raise SourceIncomplete(f"arXiv's API repeats a page: the one from {done} on is old")
        seen |= ids
        done += result.record_count
        total = min(limit, result.total or 0)
        yield replace(result, done=done, total=total)


def _fetch_page(
    search: arxiv.Search, offset: int, size: int, upstreams: UpstreamClients, now: datetime
) -> FetchResult:
    """Fetch one page of the API. Its `total` is the declared one of the whole search."""
    client = arxiv.Client(page_size=size, delay_seconds=0, num_retries=0)
    client.query_url_format = f"{upstreams.settings.arxiv_api_url}?{{}}"
    session = _CheckedSession(upstreams, now, offset, size)
    client._session = session  # there is no public way to set it
    try:
        results = client.results(search, offset)
        first = list(itertools.islice(results, 1))  # sends the request; now the number is known
        others = itertools.islice(results, max(session.page.readable_count - 1, 0))
        sightings = tuple(_sighting(result) for result in itertools.chain(first, others))
    except PaperwireError:
        raise
    except Exception as error:  # the package's parser has no list of what it raises
        reason = clean_line(f"{type(error).__name__}: {error}")[:200]
        raise SourceGarbled(f"arXiv's API: the page cannot be parsed: {reason}") from error
    return FetchResult(
        sightings=sightings,
        rejected=session.page.rejected,
        record_count=len(sightings) + len(session.page.rejected),
        total=session.page.total,
        message=f"{format_counted(len(sightings), 'paper')} of {session.page.total}",
    )


@dataclass(frozen=True, slots=True)
class _Response:
    """The part of a response that the package reads."""

    content: bytes
    status_code: int = 200


class _CheckedSession:
    """A session for the package: fetches through the rate limiter, and checks the response."""

    page: api_page.ApiPage

    def __init__(self, upstreams: UpstreamClients, now: datetime, offset: int, size: int) -> None:
        self._upstreams, self._now, self._offset, self._size = upstreams, now, offset, size

    def get(self, url: str, **_: Any) -> _Response:
        response = self._upstreams.fetcher.get(
            url,
            now=self._now,
            accept="application/atom+xml",
        )
        self.page = api_page.check_api_page(response.body, self._offset, self._size, self._now)
        return _Response(self.page.body)


def _sighting(result: arxiv.Result) -> Sighting:
    id, version = parse_versioned(result.entry_id)
    comment, abstract = clean_line(result.comment), clean_line(result.summary)
    categories = dict.fromkeys((result.primary_category, *result.categories))
    names = (clean_line(author.name) for author in result.authors)
    return Sighting(
        id=id,
        source="arxiv",
        channel=Channel.API,
        as_of=result.updated,
        version=version or 0,
        title=clean_line(result.title),
        abstract=abstract,
        authors=tuple(name for name in names if name),
        categories=tuple(category for category in categories if category),
        comment=comment,
        journal_ref=clean_line(result.journal_ref),
        doi=clean_line(result.doi),
        submitted_at=result.published,
        revised_at=result.updated,
        withdrawn=is_withdrawn(comment, abstract),
    )
