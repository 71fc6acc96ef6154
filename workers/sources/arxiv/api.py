"""arXiv's API: papers by id, and the first papers of a new keyword.

The `arxiv` package reads the answers. By itself it has no time-out, takes an error page or half a
document for fewer results, and loses a page for one bad entry. So its session is replaced by one
that asks through our fetcher and lane, checks each answer against the total it declares, sets
entries aside that cannot be read, and hands on what is left.

https://info.arxiv.org/help/api/user-manual.html
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import arxiv

from papers.errors import SourceIncomplete, SourceRefused
from papers.model.arxiv_id import ArxivId, parse_versioned
from papers.model.paper import Channel, Sighting
from workers.sources.arxiv import api_page
from workers.sources.arxiv.withdrawn import is_withdrawn
from workers.sources.foreign_xml import clean_line
from workers.sources.result import FetchResult, RejectedRecord, UpstreamClients

PAGE_SIZE: Final = 100
"""Papers asked for at once: the API allows 2,000, and answers small pages far more reliably."""


def fetch_by_ids(
    ids: Sequence[ArxivId], upstreams: UpstreamClients, now: datetime
) -> Iterator[FetchResult]:
    """The papers with these ids, in batches; an id that arXiv does not know is simply absent.

    A batch that is refused as malformed (400) is halved until the one id at fault stands alone;
    that one is set aside. Raises SourceError.
    """
    done = 0
    batches = [tuple(ids[at : at + PAGE_SIZE]) for at in range(0, len(ids), PAGE_SIZE)]
    while batches:
        batch = batches.pop(0)
        search = arxiv.Search(id_list=[str(id) for id in batch], max_results=len(batch))
        try:
            part = _fetch_page(search, 0, len(batch), upstreams, now)
        except SourceRefused as error:
            if error.status != 400:
                raise
            if len(batch) > 1:
                half = len(batch) // 2
                batches[:0] = [batch[:half], batch[half:]]
                continue
            part = FetchResult(
                rejected=(RejectedRecord(str(error), str(batch[0])),),
                record_count=1,
                message=str(error),
            )
        done += len(batch)
        yield replace(part, done=done, total=len(ids))


def search_newest(
    query: str, limit: int, upstreams: UpstreamClients, now: datetime
) -> Iterator[FetchResult]:
    """The newest papers, at most `limit`, for a query in the API's own syntax, page by page.

    `total` of a part is how many papers the run will bring. Raises SourceError; SourceIncomplete
    where a page repeats an earlier one.
    """
    seen: set[ArxivId] = set()
    done, total = 0, limit
    while done < total:
        size = min(PAGE_SIZE, limit - done)
        wanted = arxiv.Search(
            query, max_results=done + size, sort_by=arxiv.SortCriterion.SubmittedDate
        )
        part = _fetch_page(wanted, done, size, upstreams, now)
        ids = {sighting.id for sighting in part.sightings}
        if ids and ids <= seen:
            raise SourceIncomplete(f"arXiv's API repeats a page: the one from {done} on is old")
        seen |= ids
        done += part.record_count
        total = min(limit, part.total or 0)
        yield replace(part, done=done, total=total)


def _fetch_page(
    wanted: arxiv.Search, offset: int, size: int, upstreams: UpstreamClients, now: datetime
) -> FetchResult:
    """One answer of the API. `total` is what it declares for the whole search."""
    client = arxiv.Client(page_size=size, delay_seconds=0, num_retries=0)
    client.query_url_format = f"{upstreams.settings.arxiv_api_url}?{{}}"
    session = _CheckedSession(upstreams, now, offset, size)
    client._session = session  # it has no public place for one
    results = client.results(wanted, offset)
    first = list(itertools.islice(results, 1))  # this asks; only now the number is known
    rest = itertools.islice(results, max(session.page.readable_count - 1, 0))
    sightings = tuple(_sighting(result) for result in itertools.chain(first, rest))
    return FetchResult(
        sightings=sightings,
        rejected=session.page.rejected,
        record_count=len(sightings) + len(session.page.rejected),
        total=session.page.total,
        message=f"{len(sightings)} papers of {session.page.total}",
    )


@dataclass(frozen=True, slots=True)
class _Response:
    """As much of a response as the package looks at."""

    content: bytes
    status_code: int = 200


class _CheckedSession:
    """What the package takes for its session: asks through the lane, and checks what comes."""

    page: api_page.ApiPage

    def __init__(self, upstreams: UpstreamClients, now: datetime, offset: int, size: int) -> None:
        self._upstreams, self._now, self._offset, self._size = upstreams, now, offset, size

    def get(self, url: str, **_: Any) -> _Response:
        answer = self._upstreams.fetcher.get(
            url,
            now=self._now,
            accept="application/atom+xml",
            throttle=self._upstreams.arxiv_limiter.acquire,
        )
        self.page = api_page.check_api_page(answer.body, self._offset, self._size, self._now)
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
