"""Reading: from a question to ids in order, a few round trips, stopping as soon as it can.

    months, newest first ─▶ postings of ever more months a round trip ─▶ candidates in order
      ─▶ those that only may match: their text, fetched together and verified ─▶ ids

By pick the same, except that the order comes from the sorted set of first picks and the postings
only say which of those match.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, Final, NamedTuple

from pyroaring import BitMap
from redis import Redis

from papers.errors import BadParameter
from papers.model.arxiv_id import ArxivId
from papers.query.request import VERIFICATION_LIMIT, Hits, SearchRequest
from papers.redis_backend import keys
from papers.search.execution import QueryExecution
from papers.search.pacing import MAX_MONTH
from papers.search.reader import IndexReader, ReadSession

_PICKS_PER_READ: Final = 256
_MIN_CANDIDATES_PER_BLOCK: Final = 16


class CandidateBlock(NamedTuple):
    """Places of papers that may match, in order; and those, more or less, whose texts will tell."""

    places: Sequence[int]
    unverified: BitMap


class Collector:
    """Answers questions over one Redis."""

    def __init__(self, redis: Redis, reader: IndexReader) -> None:
        self._redis, self._reader = redis, reader

    def collect(self, ask: SearchRequest, limit: int) -> tuple[Hits, ReadSession]:
        """The first `limit` ids that answer a question, and the reading they were found by."""
        question = QueryExecution(ask, limit, self._reader, type(self).__name__)
        found = question.cached_hits
        if found is None:
            blocks = (
                self._by_pick(question)
                if ask.order == "picked"
                else self._by_announcement(question)
            )
            found = question.remember(_collect_hits(question, blocks, limit))
        return found, question.session

    def _by_announcement(self, execution: QueryExecution) -> Iterator[CandidateBlock]:
        """Candidates newest first, in lists of as many as should do: each is verified at once."""
        before, size = execution.cursor, execution.target_candidates
        places, unsure = list[int](), BitMap()
        for chunk in execution.month_batches(
            execution.candidate_months(before.month if before else MAX_MONTH)
        ):
            candidates = execution.read_candidates(chunk)
            unsure |= candidates.unverified
            maybe = candidates.possible
            if before is not None and before.month in chunk:
                maybe = maybe - BitMap(range(before.doc_id, (before.doc_id | 0xFFFF) + 1))
            while len(maybe) >= (room := size - len(places)):
                newest = maybe[-room:]
                yield CandidateBlock([*places, *newest.to_array()[::-1]], unsure)
                places, maybe = [], maybe - newest
            places += maybe.to_array()[::-1]
        if places:
            yield CandidateBlock(places, unsure)

    def _by_pick(self, execution: QueryExecution) -> Iterator[CandidateBlock]:
        """Candidates in the order of their first pick, newest first."""
        ask = execution.ask
        first, last = pick_score_range(ask.since, ask.until)
        at = self._cursor_rank(ask.before, last)
        while ids := self._read_picks(first, last, at, _PICKS_PER_READ):
            at += len(ids)
            yield candidates_among(execution, ids)

    def _read_picks(self, first: float, last: float, start: int, count: int) -> list[ArxivId]:
        """That many picks of a span of seconds, newest first."""
        members: Any = self._redis.zrevrangebyscore(keys.PICKS, last, first, start=start, num=count)
        return [ArxivId.parse(member.decode()) for member in members]

    def _cursor_rank(self, cursor: str, last: float) -> int:
        """How many picks stand before the page that begins behind a cursor."""
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
    """The candidates that hold, up to `limit`; texts are looked at of those that are not sure."""
    found: list[int] = []
    examined, last = 0, None
    for places, unsure in _split_blocks(blocks, found, execution.target_candidates):
        doubtful = unsure & BitMap(places) if unsure else unsure
        barred = doubtful - execution.verify_docs(doubtful) if doubtful else doubtful
        found += [place for place in places if place not in barred] if barred else places
        examined, last = examined + len(doubtful), places[-1]
        if len(found) >= limit:
            return Hits(
                tuple(found[:limit]), examined, is_complete=True, last_examined=found[limit - 1]
            )
        if examined >= VERIFICATION_LIMIT:
            break
    return Hits(
        tuple(found), examined, is_complete=examined < VERIFICATION_LIMIT, last_examined=last
    )


def candidates_among(execution: QueryExecution, ids: Sequence[ArxivId]) -> CandidateBlock:
    """Those of some papers that may answer a question, in the same order; one round trip."""
    months = sorted({id.month for id in ids}, reverse=True)
    candidates = execution.read_candidates(tuple(months))
    places = [place for id in ids if (place := id.doc_id) in candidates.possible]
    return CandidateBlock(places, candidates.unverified)


def _split_blocks(
    blocks: Iterator[CandidateBlock], found: Sequence[int], wanted: int
) -> Iterator[CandidateBlock]:
    """Blocks cut to what is still wanted, as more is `found`: few texts are read in vain."""
    for places, unsure in blocks:
        at = 0
        while at < len(places):
            size = max(wanted - len(found), _MIN_CANDIDATES_PER_BLOCK)
            yield CandidateBlock(places[at : at + size], unsure)
            at += size


def pick_score_range(since: date | None, until: date | None) -> tuple[float, float]:
    """The span of days as seconds, for the sorted set of picks."""
    first = datetime.combine(since, time(), UTC).timestamp() if since else float("-inf")
    last = datetime.combine(until, time.max, UTC).timestamp() if until else float("inf")
    return first, last
