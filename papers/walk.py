"""Reading: from a question to ids in order, a few round trips, stopping as soon as it can.

    months, newest first ─▶ postings of 1, 4, 16, 64 months a round trip ─▶ candidates in order
      ─▶ those that only may match: their text, fetched together and verified ─▶ ids

By pick the same, except that the order comes from the sorted set of first picks and the postings
only say which of those match.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from itertools import islice
from typing import Any, Final, NamedTuple

from pyroaring import BitMap
from redis import Redis

from papers import keys
from papers.arxiv_id import ArxivId
from papers.codec import UNREADABLE, Opened
from papers.connection import read_many
from papers.errors import BadParameter
from papers.evaluate import Candidates, Expansions, Plan, doubts_of
from papers.matching import Folded, holds
from papers.months import NO_MONTH, growing, months_of
from papers.pair_filter import PairFilter
from papers.paper import Paper
from papers.postings import Shape
from papers.search import WORK_BOUND, Ask
from papers.spread import Spread
from papers.tree import Node, Text, leaves

log = logging.getLogger(__name__)

MOST_WORDS: Final = 256
"""Words of one prefix that postings are asked for; of a prefix of more the texts are."""

_MOST_READ: Final = 64
_FEWEST_FILTERED: Final = 16
_MOST_FILTERED: Final = 256
_PICKS_AT_ONCE: Final = 256
_FEWEST_AT_ONCE: Final = 16
_NO_NUMBER: Final = 1 << 16


class Candidate(NamedTuple):
    """A paper that may match; `sure` if the postings alone say so."""

    id: ArxivId
    sure: bool


class Found(NamedTuple):
    """Ids in order, what was unpacked to verify them, and whether the bound on work cut them."""

    ids: list[ArxivId]
    opened: dict[ArxivId, Opened]
    examined: int
    complete: bool
    last: ArxivId | None
    """The last candidate looked at: where to go on."""


class Walk:
    """Answers questions over one Redis. Remembers the months and their shapes between them."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._spread = Spread(redis)
        self._shapes: dict[int, Shape] = {}

    def find(self, ask: Ask, limit: int) -> Found:
        """The first `limit` ids that answer a question."""
        tree = ask.tree
        plan = Plan(tree, self._expansions(tree))
        if ask.order == "picked":
            blocks = self._by_pick(ask, plan)
        else:
            blocks = self._by_announcement(ask, plan, limit)
        return self._verified(doubts_of(tree), blocks, limit)

    def _by_announcement(self, ask: Ask, plan: Plan, block_size: int) -> Iterator[list[Candidate]]:
        """Candidates newest first, in lists of as many as are wanted: each is verified at once."""
        before = ArxivId.parse(ask.before) if ask.before else None
        months = months_of(self._redis, plan.tree, before.month if before else NO_MONTH)
        block: list[Candidate] = []
        for chunk in self._chunks(plan.tree, months):
            for month, (sure, maybe) in zip(chunk, self._evaluated(plan, chunk), strict=True):
                if before is not None and month == before.month:
                    maybe.remove_range(before.number, _NO_NUMBER)
                while maybe:
                    newest = maybe[len(block) - block_size :]
                    block += candidates(month, newest, sure)
                    maybe = maybe - newest
                    if len(block) == block_size:
                        yield block
                        block = []
        if block:
            yield block

    def _chunks(self, tree: Node, months: Iterator[int]) -> Iterator[Sequence[int]]:
        """Months to read together; of many only those that may have the phrases asked for."""
        pairs = PairFilter(tree)
        for turn in growing(months, _MOST_FILTERED if pairs.asks else _MOST_READ):
            if pairs.asks and len(turn) >= _FEWEST_FILTERED:
                passed = iter(pairs.passed(self._redis, turn, self._shape))
                while chunk := list(islice(passed, _MOST_READ)):
                    yield chunk
            else:
                yield turn

    def _by_pick(self, ask: Ask, plan: Plan) -> Iterator[list[Candidate]]:
        """Candidates in the order of their first pick, newest first."""
        first, last = pick_scores(ask.since, ask.until)
        at = self._place_of(ask.before, last)
        while ids := self._picked(first, last, at, _PICKS_AT_ONCE):
            at += len(ids)
            yield self._matching(plan, ids)

    def _matching(self, plan: Plan, ids: Sequence[ArxivId]) -> list[Candidate]:
        """Those of some picks that may match, one round trip."""
        months = sorted({id.month for id in ids}, reverse=True)
        found = dict(zip(months, self._evaluated(plan, months), strict=True))
        return [
            Candidate(id, id.number in found[id.month].sure)
            for id in ids
            if id.number in found[id.month].maybe
        ]

    def _picked(self, first: float, last: float, at: int, count: int) -> list[ArxivId]:
        """That many picks of a span of seconds, newest first."""
        members: Any = self._redis.zrevrangebyscore(keys.PICKS, last, first, start=at, num=count)
        return [ArxivId.parse(member.decode()) for member in members]

    def _place_of(self, cursor: str, last: float) -> int:
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

    def _verified(self, doubts: Node, blocks: Iterator[list[Candidate]], limit: int) -> Found:
        """The candidates that hold, up to `limit`; texts are read for those that are not sure."""
        ids: list[ArxivId] = []
        verified: dict[ArxivId, Opened] = {}
        examined, last = 0, None
        for part in _parts(blocks, lambda: limit - len(ids)):
            papers = self._opened(candidate.id for candidate in part if not candidate.sure)
            for last, sure in part:
                examined += not sure
                if sure:
                    ids.append(last)
                elif last in papers and _holds(doubts, papers[last]):
                    ids.append(last)
                    verified[last] = papers[last]
                if len(ids) == limit:
                    return Found(ids, verified, examined, complete=True, last=last)
            if examined >= WORK_BOUND:
                return Found(ids, verified, examined, complete=False, last=last)
        return Found(ids, verified, examined, complete=True, last=last)

    def papers(self, ids: Iterable[ArxivId]) -> dict[ArxivId, Paper]:
        """The papers that exist, one round trip."""
        found: dict[ArxivId, Paper] = {}
        for id, opened in self._opened(ids).items():
            with _alone(id):
                found[id] = opened.paper
        return found

    def _opened(self, ids: Iterable[ArxivId]) -> dict[ArxivId, Opened]:
        months: dict[str, list[ArxivId]] = defaultdict(list)
        for id in ids:
            months[id.yymm].append(id)
        if not months:
            return {}
        asked: list[tuple[bytes | str, ...]] = [
            ("HMGET", keys.month_papers(yymm), *[keys.paper_field(id.number) for id in members])
            for yymm, members in months.items()
        ]
        replies = read_many(self._redis, asked)
        rows = zip(months.values(), replies, strict=True)
        pairs = [pair for members, row in rows for pair in zip(members, row, strict=True)]
        found: dict[ArxivId, Opened] = {}
        for id, packed in pairs:
            with _alone(id):
                if packed:
                    found[id] = Opened(id, packed)
        return found

    def _evaluated(self, plan: Plan, months: Sequence[int]) -> list[Candidates]:
        """The candidates of some months, one round trip while their shapes are as remembered."""
        fetched = self._fetched(plan, months)
        return [plan.evaluate(month, *fetched[month]) for month in months]

    def _fetched(
        self, plan: Plan, months: Sequence[int]
    ) -> dict[int, tuple[Shape, list[bytes | None]]]:
        """Per month its shape and the values of the plan's fields for that shape.

        Threads share what is remembered, so a reply is judged by the shape it was asked for with.
        """
        fetched: dict[int, tuple[Shape, list[bytes | None]]] = {}
        while missing := [month for month in months if month not in fetched]:
            shapes = [self._shape(month) for month in missing]
            replies = read_many(
                self._redis,
                [
                    ("HMGET", keys.month_terms(_yymm(month)), *plan.fields(month, shape))
                    for month, shape in zip(missing, shapes, strict=True)
                ],
            )
            for month, asked, reply in zip(missing, shapes, replies, strict=True):
                self._shapes[month] = shape = Shape.unpack(reply[0])
                if shape == asked:
                    fetched[month] = (shape, reply)
        return fetched

    def _shape(self, month: int) -> Shape:
        """The shape a month had when it was last read."""
        return self._shapes.get(month) or Shape.unpack(None)

    def _expansions(self, tree: Node) -> Expansions:
        """The words that the prefixes of a tree stand for."""
        prefixes = {leaf for leaf in leaves(tree) if isinstance(leaf, Text) and leaf.prefix}
        return {prefix.words[0]: self._expansion(prefix) for prefix in prefixes}

    def _expansion(self, prefix: Text) -> list[str] | None:
        words = self._spread.words(prefix.words[0], MOST_WORDS + 1)
        return [*words, prefix.whole] if len(words) <= MOST_WORDS else None


@contextmanager
def _alone(id: ArxivId) -> Iterator[None]:
    """A record that cannot be read is logged and not there: it never takes a feed with it."""
    try:
        yield
    except UNREADABLE as error:
        log.error("%s: its record cannot be read, and is left out: %r", id, error)


def candidates(month: int, numbers: BitMap, sure: BitMap) -> list[Candidate]:
    """The papers of a month by their numbers, newest first."""
    return [Candidate(ArxivId(month, n), n in sure) for n in reversed(numbers.to_array())]


def _parts(
    blocks: Iterator[list[Candidate]], wanted: Callable[[], int]
) -> Iterator[list[Candidate]]:
    """Blocks cut to what is still wanted, so that few texts are read in vain."""
    for block in blocks:
        at = 0
        while at < len(block):
            size = max(wanted(), _FEWEST_AT_ONCE)
            yield block[at : at + size]
            at += size


def _holds(tree: Node, paper: Opened) -> bool:
    """Whether a paper is an answer; one that nobody has described is none, not even by its id."""
    return bool(paper.title) and holds(tree, Folded(paper))


def pick_scores(since: date | None, until: date | None) -> tuple[float, float]:
    """The span of days as seconds, for the sorted set of picks."""
    first = datetime.combine(since, time(), UTC).timestamp() if since else float("-inf")
    last = datetime.combine(until, time.max, UTC).timestamp() if until else float("inf")
    return first, last


def _yymm(month: int) -> str:
    return f"{month % 10_000:04}"
