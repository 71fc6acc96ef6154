"""Collector of events: papers, or versions of papers, to which something happened, newest first.

    windows of the index of events ─▶ which of their papers match ─▶ texts verified ─▶ hits

A paper that was revised twice is found twice. The index may hold events of papers that are gone:
postings decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from pyroaring import BitMap
from redis import Redis

from papers.errors import BadParameter
from papers.model.arxiv_id import parse_versioned
from papers.model.events import EventKind, EventRef
from papers.query.request import VERIFICATION_LIMIT, Hits, SearchRequest
from papers.redis_backend.event_sets import (
    EVENT_KEYS,
    SecondsRange,
    event_rank,
    events_before,
    newest_events,
)
from papers.search.evaluate import Candidates
from papers.search.execution import QueryExecution

_MIN_VERIFIED: Final = 16
"""Papers whose texts are verified together, at least."""


def event_windows(
    redis: Redis, request: SearchRequest, *, descending: bool
) -> Iterator[list[EventRef]]:
    """Return the events of a request's order from its cursor on, in windows.

    Raises BadParameter if the cursor has no such event.
    """
    key, seconds = EVENT_KEYS[EventKind(request.order)], SecondsRange(*request.seconds_range)
    rank: int | None = 0
    if request.before:
        id, version = parse_versioned(request.before)
        rank = event_rank(redis, key, (id.doc_id, version or 0), seconds)
    if rank is None:
        raise BadParameter("before", f"{request.before} is not in this list; take `next` of a page")
    read = newest_events if descending else events_before
    return read(redis, key, seconds, rank)


def collect_events(
    execution: QueryExecution, windows: Iterable[list[EventRef]], limit: int
) -> Hits:
    """Collect up to `limit` events of papers that match; until so many texts were examined."""
    found: list[EventRef] = []
    examined, last = 0, ""
    for window in windows:
        candidates = _candidates_of(execution, window)
        matching = [ref for ref in window if ref.doc_id in candidates.possible]
        unverified = candidates.unverified
        while matching and len(found) < limit and examined < VERIFICATION_LIMIT:
            size = max(limit - len(found), _MIN_VERIFIED)
            part, matching = matching[:size], matching[size:]
            uncertain = unverified & BitMap([ref.doc_id for ref in part])
            rejected = uncertain - execution.verify_docs(uncertain) if uncertain else uncertain
            found += [ref for ref in part if ref.doc_id not in rejected]
            examined, last = examined + len(uncertain), part[-1].cursor
        if len(found) >= limit or examined >= VERIFICATION_LIMIT:
            break
    is_complete = len(found) >= limit or examined < VERIFICATION_LIMIT
    return _hits_of(found[:limit], examined, last, is_complete=is_complete)


def _candidates_of(execution: QueryExecution, window: Sequence[EventRef]) -> Candidates:
    months = sorted({ref.id.month for ref in window}, reverse=True)
    return execution.read_candidates(tuple(months))


def _hits_of(found: Sequence[EventRef], examined: int, last: str, *, is_complete: bool) -> Hits:
    return Hits(
        doc_ids=tuple([ref.doc_id for ref in found]),
        examined=examined,
        is_complete=is_complete,
        last_cursor=last,
        events=tuple(found),
    )
