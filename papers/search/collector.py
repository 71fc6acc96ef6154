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
from papers.query.request import WORK_BOUND, Ask, Found
from papers.redis_backend import keys
from papers.search.execution import Question
from papers.search.pacing import NO_MONTH
from papers.search.reader import Reader, Reading

_PICKS_AT_ONCE: Final = 256
_FEWEST_AT_ONCE: Final = 16


class Block(NamedTuple):
    """Places of papers that may match, in order; and those, more or less, whose texts will tell."""

    places: Sequence[int]
    unsure: BitMap


class Walk:
    """Answers questions over one Redis."""

    def __init__(self, redis: Redis, reader: Reader) -> None:
        self._redis, self._reader = redis, reader

    def find(self, ask: Ask, limit: int) -> tuple[Found, Reading]:
        """The first `limit` ids that answer a question, and the reading they were found by."""
        question = Question(ask, limit, self._reader, type(self).__name__)
        found = question.found
        if found is None:
            blocks = (
                self._by_pick(question)
                if ask.order == "picked"
                else self._by_announcement(question)
            )
            found = question.remembered(_verified(question, blocks, limit))
        return found, question.reading

    def _by_announcement(self, question: Question) -> Iterator[Block]:
        """Candidates newest first, in lists of as many as should do: each is verified at once."""
        before, size = question.before, question.wanted
        places, unsure = list[int](), BitMap()
        for chunk in question.chunks(question.months(before.month if before else NO_MONTH)):
            candidates = question.candidates(chunk)
            unsure |= candidates.unsure
            maybe = candidates.maybe
            if before is not None and before.month in chunk:
                maybe = maybe - BitMap(range(before.place, (before.place | 0xFFFF) + 1))
            while len(maybe) >= (room := size - len(places)):
                newest = maybe[-room:]
                yield Block([*places, *newest.to_array()[::-1]], unsure)
                places, maybe = [], maybe - newest
            places += maybe.to_array()[::-1]
        if places:
            yield Block(places, unsure)

    def _by_pick(self, question: Question) -> Iterator[Block]:
        """Candidates in the order of their first pick, newest first."""
        ask = question.ask
        first, last = pick_scores(ask.since, ask.until)
        at = self._rank_of(ask.before, last)
        while ids := self._picked(first, last, at, _PICKS_AT_ONCE):
            at += len(ids)
            yield matching(question, ids)

    def _picked(self, first: float, last: float, at: int, count: int) -> list[ArxivId]:
        """That many picks of a span of seconds, newest first."""
        members: Any = self._redis.zrevrangebyscore(keys.PICKS, last, first, start=at, num=count)
        return [ArxivId.parse(member.decode()) for member in members]

    def _rank_of(self, cursor: str, last: float) -> int:
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


def _verified(question: Question, blocks: Iterator[Block], limit: int) -> Found:
    """The candidates that hold, up to `limit`; texts are looked at of those that are not sure."""
    found: list[int] = []
    examined, last = 0, None
    for places, unsure in _parts(blocks, found, question.wanted):
        doubtful = unsure & BitMap(places) if unsure else unsure
        barred = doubtful - question.standing(doubtful) if doubtful else doubtful
        found += [place for place in places if place not in barred] if barred else places
        examined, last = examined + len(doubtful), places[-1]
        if len(found) >= limit:
            return Found(tuple(found[:limit]), examined, complete=True, last=found[limit - 1])
        if examined >= WORK_BOUND:
            break
    return Found(tuple(found), examined, complete=examined < WORK_BOUND, last=last)


def matching(question: Question, ids: Sequence[ArxivId]) -> Block:
    """Those of some papers that may answer a question, in the same order; one round trip."""
    months = sorted({id.month for id in ids}, reverse=True)
    candidates = question.candidates(tuple(months))
    places = [place for id in ids if (place := id.place) in candidates.maybe]
    return Block(places, candidates.unsure)


def _parts(blocks: Iterator[Block], found: Sequence[int], wanted: int) -> Iterator[Block]:
    """Blocks cut to what is still wanted, as more is `found`: few texts are read in vain."""
    for places, unsure in blocks:
        at = 0
        while at < len(places):
            size = max(wanted - len(found), _FEWEST_AT_ONCE)
            yield Block(places[at : at + size], unsure)
            at += size


def pick_scores(since: date | None, until: date | None) -> tuple[float, float]:
    """The span of days as seconds, for the sorted set of picks."""
    first = datetime.combine(since, time(), UTC).timestamp() if since else float("-inf")
    last = datetime.combine(until, time.max, UTC).timestamp() if until else float("inf")
    return first, last
