"""Collector: executes a request and stops as soon as it has enough matches.

    months, newest first ─▶ postings of ever more months a round trip ─▶ candidates in order
      ─▶ candidates that only may match: their texts are read and verified together ─▶ doc ids

In the order of picks the sorted set of first picks gives the order, and postings only say which of
the picked papers match. The ascending collector goes the other way, to find the page before a page:
from the cursor on upwards, where the cursor itself is the first candidate, because it is the last
paper of the page before. Other
events have sorted sets of their own, by paper and version: a paper that was revised twice is found
twice. Sorted sets may hold papers that are gone: postings decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple, Protocol

from pyroaring import BitMap
from redis import Redis

from papers.errors import BadParameter
from papers.model.arxiv_id import ArxivId, parse_versioned
from papers.model.events import EventKind, EventRef
from papers.query.request import VERIFICATION_LIMIT, Hits, SearchRequest
from papers.redis_backend import keys
from papers.redis_backend.listings.event_sets import (
    EVENT_KEYS,
    EventWindows,
    SecondsRange,
    event_rank,
)
from papers.search.evaluate import Candidates
from papers.search.execution import QueryExecution
from papers.search.reader import IndexReader, ReadSession
from papers.search.segments import Months
from papers.state.voting.pick_lists import PickLists

_PICKS_PER_READ: Final = 256
_MIN_CANDIDATES_PER_BLOCK: Final = 16
_NUMBERS_OF_MONTH: Final = 0xFFFF
"""The bits of a doc id that number a paper within its month."""


class CandidateBlock(NamedTuple):
    """Doc ids of candidates in order, and a superset of those whose texts must be verified."""

    doc_ids: Sequence[int]
    unverified: BitMap


class Collector:
    """Collects the newest matches of a request; with `descending` off, those before its cursor."""

    def __init__(self, redis: Redis, reader: IndexReader, *, descending: bool = True) -> None:
        self._redis, self._reader, self._descending = redis, reader, descending

    def collect(self, request: SearchRequest, limit: int) -> tuple[Hits, ReadSession]:
        """Return the first `limit` matches of a request, and the session that found them."""
        execution = QueryExecution(request, limit, self._reader, descending=self._descending)
        hits = execution.cached_hits
        if hits is None:
            hits = execution.cache_hits(self._execute(execution, limit))
        return hits, execution.session

    def _execute(self, execution: QueryExecution, limit: int) -> Hits:
        request = execution.request
        if request.is_by_event:
            windows = _event_windows(self._redis, request, descending=self._descending)
            return _collect_events(execution, windows, limit)
        by_pick = request.order == "picked"
        blocks = self._by_pick(execution) if by_pick else self._by_announcement(execution)
        return _collect_hits(execution, blocks, limit)

    def _by_announcement(self, execution: QueryExecution) -> Iterator[CandidateBlock]:
        """Yield candidates by id, in blocks that should suffice: each is verified at once.

        Descending blocks reach across batches of months, ascending ones end with each batch.
        """
        doc_ids, unverified = list[int](), BitMap()
        for batch in execution.month_batches(self._months(execution)):
            candidates = execution.read_candidates(batch)
            unverified |= candidates.unverified
            left = self._cut_at_cursor(candidates.possible, execution.cursor, batch)
            while len(left) >= (missing := self._block_size(execution) - len(doc_ids)):
                taken = left[-missing:] if self._descending else left[:missing]
                yield CandidateBlock([*doc_ids, *self._in_order(taken)], unverified)
                doc_ids, left = [], left - taken
            doc_ids += self._in_order(left)
            if doc_ids and not self._descending:
                yield CandidateBlock(doc_ids, unverified)
                doc_ids = []
        if doc_ids:
            yield CandidateBlock(doc_ids, unverified)

    def _block_size(self, execution: QueryExecution) -> int:
        return execution.progress.block_size(execution.target_candidates)

    def _months(self, execution: QueryExecution) -> Months:
        months = execution.candidate_months()
        if self._descending:
            return months
        assert execution.cursor, "the first page has no page before"
        first = execution.cursor.month
        return tuple(month for month in reversed(months) if month >= first)

    def _cut_at_cursor(self, doc_ids: BitMap, cursor: ArxivId | None, batch: Months) -> BitMap:
        """Drop what lies behind the cursor in its month; the cursor itself if descending."""
        if cursor is None or cursor.month not in batch:
            return doc_ids
        at = cursor.doc_id
        if self._descending:
            return doc_ids - BitMap(range(at, (at | _NUMBERS_OF_MONTH) + 1))
        return doc_ids - BitMap(range(at & ~_NUMBERS_OF_MONTH, at))

    def _in_order(self, doc_ids: BitMap) -> Sequence[int]:
        ascending = doc_ids.to_array()
        return ascending[::-1] if self._descending else ascending

    def _by_pick(self, execution: QueryExecution) -> Iterator[CandidateBlock]:
        """Yield candidates in the order of their first pick."""
        for ids in self._pick_windows(execution.request):
            yield candidates_among(execution, ids)

    def _pick_windows(self, request: SearchRequest) -> Iterator[list[ArxivId]]:
        """Yield picked ids in order, some hundreds at a time, from the cursor on."""
        first, last = request.seconds_range
        rank = self._cursor_rank(request.before, last)
        if self._descending:
            while ids := self._read_picks(first, last, rank, _PICKS_PER_READ):
                rank += len(ids)
                yield ids
        while not self._descending and rank > 0:
            start = max(rank - _PICKS_PER_READ, 0)
            yield self._read_picks(first, last, start, rank - start)[::-1]
            rank = start

    def _read_picks(self, first: float, last: float, start: int, count: int) -> list[ArxivId]:
        """Read `count` picks of a range of seconds, newest first, from rank `start` on."""
        members: Any = self._redis.zrevrangebyscore(keys.PICKS, last, first, start=start, num=count)
        return [ArxivId.parse(member.decode()) for member in members]

    def _cursor_rank(self, cursor: str, last: float) -> int:
        """Return how many picks of the range come before the page that begins behind a cursor.

        Raises BadParameter if the cursor was never picked.
        """
        if not cursor:
            return 0
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.zrevrank(keys.PICKS, str(ArxivId.parse(cursor)))
            pipe.zcount(keys.PICKS, f"({last}", "+inf")
            rank, newer = pipe.execute()
        if rank is None:
            raise BadParameter("before", f"{cursor} was never picked; take `next` of a page")
        return max(int(rank) + 1 - int(newer), 0)


def _collect_hits(execution: QueryExecution, blocks: Iterator[CandidateBlock], limit: int) -> Hits:
    """Collect up to `limit` matches; verify candidates within the limit on texts."""
    found: list[int] = []
    examined, last = 0, 0
    progress = execution.progress
    for doc_ids, unverified in _split_blocks(blocks, execution):
        uncertain = unverified & BitMap(doc_ids) if unverified else unverified
        rejected = uncertain - execution.verify_docs(uncertain) if uncertain else uncertain
        matching = [id for id in doc_ids if id not in rejected] if rejected else doc_ids
        hidden = execution.hidden_docs(matching)
        found += [id for id in matching if id not in hidden] if hidden else matching
        examined, last = examined + len(uncertain) + len(hidden), doc_ids[-1]
        progress.examined = examined
        progress.seen, progress.found = progress.seen + len(doc_ids), len(found)
        if len(found) >= limit:
            return Hits(tuple(found[:limit]), examined)
        if examined >= VERIFICATION_LIMIT:
            last_cursor = str(ArxivId.from_doc_id(last))
            return Hits(tuple(found), examined, is_complete=False, last_cursor=last_cursor)
    return Hits(tuple(found), examined)


def candidates_among(execution: QueryExecution, ids: Sequence[ArxivId]) -> CandidateBlock:
    """Return the candidates among some papers, in their order; one round trip."""
    months = sorted({id.month for id in ids}, reverse=True)
    candidates = execution.read_candidates(tuple(months))
    doc_ids = [doc_id for id in ids if (doc_id := id.doc_id) in candidates.possible]
    return CandidateBlock(doc_ids, candidates.unverified)


def _split_blocks(
    blocks: Iterator[CandidateBlock], execution: QueryExecution
) -> Iterator[CandidateBlock]:
    """Cut blocks to what is missing and to what may be verified: few texts are read in vain."""
    progress, wanted = execution.progress, execution.target_candidates
    for doc_ids, unverified in blocks:
        while doc_ids:
            allowed = max(VERIFICATION_LIMIT - progress.examined, 1)
            size = min(progress.block_size(wanted), allowed)
            yield CandidateBlock(doc_ids[:size], unverified)
            doc_ids = doc_ids[size:]


class _Windows(Protocol):
    """Events in order, window by window."""

    def next_window(self, among: BitMap | None = None) -> list[EventRef] | None:
        """Return the next events, of papers `among` some doc ids; None at the end."""


class _ListedWindow:
    """The events of a list in memory, as one window."""

    def __init__(self, refs: list[EventRef]) -> None:
        self._refs: list[EventRef] | None = refs

    def next_window(self, among: BitMap | None = None) -> list[EventRef] | None:
        refs, self._refs = self._refs, None
        return refs


def _event_windows(redis: Redis, request: SearchRequest, *, descending: bool) -> _Windows:
    """Return the events of a request's order from its cursor on.

    Raises BadParameter if the cursor has no such event.
    """
    seconds = SecondsRange(*request.seconds_range)
    if request.listed and request.min_votes:
        reached = PickLists(redis).members_reaching(request.listed, request.min_votes)
        refs = [ref for ref in reached if seconds.first <= ref.seconds <= seconds.last]
        places = {ref.cursor: place for place, ref in enumerate(refs, 1)}
        rank = places.get(request.before) if request.before else 0
        if rank is not None:
            return _ListedWindow(refs[rank:] if descending else refs[:rank][::-1])
    else:
        listed = request.listed
        key = keys.pick_list(listed) if listed else EVENT_KEYS[EventKind(request.order)]
        id, version = parse_versioned(request.before) if request.before else (None, 0)
        rank = event_rank(redis, key, (id.doc_id, version or 0), seconds) if id else 0
        if rank is not None:
            return EventWindows(redis, key, seconds, rank, descending=descending)
    raise BadParameter("before", f"{request.before} is not in this list; take `next` of a page")


def _collect_events(execution: QueryExecution, windows: _Windows, limit: int) -> Hits:
    """Collect up to `limit` events of papers that match; within the limit on texts.

    Of the first window, the months that it has are searched; if that is not enough, all months.
    """
    found: list[EventRef] = []
    examined, last = 0, ""
    window, candidates = windows.next_window(), None
    while window is not None:
        known = candidates or _candidates_of(execution, window)
        matching = [ref for ref in window if ref.doc_id in known.possible]
        while matching and len(found) < limit and examined < VERIFICATION_LIMIT:
            size = max(limit - len(found), _MIN_CANDIDATES_PER_BLOCK)
            part, matching = matching[:size], matching[size:]
            uncertain = known.unverified & BitMap([ref.doc_id for ref in part])
            rejected = uncertain - execution.verify_docs(uncertain) if uncertain else uncertain
            kept = [ref for ref in part if ref.doc_id not in rejected]
            hidden = execution.hidden_docs([ref.doc_id for ref in kept])
            found += [ref for ref in kept if ref.doc_id not in hidden]
            examined, last = examined + len(uncertain) + len(hidden), part[-1].cursor
        if len(found) >= limit or examined >= VERIFICATION_LIMIT:
            break
        candidates = candidates or execution.read_candidates(execution.candidate_months())
        window = windows.next_window(candidates.possible) if candidates.possible else None
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
