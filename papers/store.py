"""The store: papers and their index in Redis, month by month.

Written is one month at a time, in one transaction (`papers.index.month_writer`): a killed ingest
leaves whole months and nothing between, and repeating it leaves the state of a clean one. What lies
outside a month (`months`, `picks`, `undescribed`, votes by day, the spread of words) is written
before it and may only say too much; readers check. Read is newest month first
(`papers.search.collector`).

The revision moves after an ingest that changed what a feed shows. While an ingest is under way its
token stands in `pending`; should it die there, `settle` moves the revision in its stead.
"""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import uuid4

from redis import Redis

from papers.index.term_months import Spread
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper, Sighting
from papers.query.parser import Query
from papers.query.request import EVERY_TYPE, Ask, Found, Page
from papers.redis_backend import keys
from papers.redis_backend.connection import store_errors
from papers.redis_backend.records import papers_of, read_papers
from papers.redis_backend.revision import move
from papers.search.collector import Walk
from papers.search.reader import Reader
from papers.search.upwards import Upwards
from papers.state.votes import Votes

if TYPE_CHECKING:
    from papers.index.month_writer import Written
    from papers.index.term_batch import Vocabulary

_PENDING_SECONDS: Final = 600
_AT_ONCE: Final = 1_000


@contextmanager
def _uncollected() -> Iterator[None]:
    """Let Python look for no cycles meanwhile.

    Papers in their thousands have none, and it takes a tenth of the time to find that out.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@dataclass(frozen=True, slots=True)
class Ingested:
    """What an ingest did: ids that are new, ids a reader sees changed, and how many neither."""

    new: tuple[ArxivId, ...]
    changed: tuple[ArxivId, ...]
    unchanged: int

    @classmethod
    def of(cls, months: Sequence[Written]) -> Ingested:
        """What was done to months, in their order."""
        return cls(
            new=tuple(id for month in months for id in month.new),
            changed=tuple(id for month in months for id in month.changed),
            unchanged=sum(month.unchanged for month in months),
        )


class Met(NamedTuple):
    """What ingests have met of words: the next one need not learn them anew."""

    spread: Spread
    vocabulary: Vocabulary


class Store:
    """Papers in one Redis. Every method raises StoreAway where Redis is not there."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.reader = Reader(redis)
        self._walk = Walk(redis, self.reader)
        self._upwards = Upwards(redis, self.reader)
        self._met = list[Met]()  # an ingest takes one, and puts it back once it has ended well

    def ingest(self, sightings: Iterable[Sighting | Paper], *, now: datetime) -> Ingested:
        """Take sightings, or whole records, in: merged, indexed, and visible month by month.

        Raises StoreBusy where other writers are always faster.
        """
        # numpy, which these need, takes a tenth of a second that readers need not spend.
        from papers.index.month_writer import MonthWriter
        from papers.index.term_batch import Vocabulary

        said = list(sightings)
        months: dict[tuple[int, str], list[Sighting | Paper]] = defaultdict(list)
        for sighting in said:
            months[sighting.id.month, sighting.id.yymm].append(sighting)
        if not months:
            return Ingested((), (), 0)
        with store_errors(self._redis), _uncollected():
            token = uuid4().hex
            self._redis.zadd(keys.PENDING, {token: now.timestamp()})
            Votes(self._redis).note(said)
            met = self._met.pop() if self._met else Met(Spread(self._redis), Vocabulary())
            written = [
                MonthWriter(self._redis, month, yymm, *met).write(members)
                for (month, yymm), members in sorted(months.items())
            ]
            if not met.vocabulary.is_full:
                self._met.append(met)
            done = Ingested.of(written)
            self._finish(token, moved=bool(done.new or done.changed))
            return done

    def _finish(self, token: str, *, moved: bool) -> None:
        with self._redis.pipeline(transaction=False) as pipe:
            if moved:
                move(pipe)
            pipe.zrem(keys.PENDING, token)
            pipe.execute()

    def settle(self, *, now: datetime) -> bool:
        """Move the revision for ingests that began and were not finished. True where one was."""
        with store_errors(self._redis):
            members: Any = self._redis.zrange(keys.PENDING, 0, -1)
            if not members:
                return False
            with self._redis.pipeline(transaction=False) as pipe:
                move(pipe)
                pipe.zremrangebyscore(keys.PENDING, "-inf", now.timestamp() - _PENDING_SECONDS)
                pipe.execute()
            return True

    def revision(self) -> int:
        """A number that moves whenever anything a feed shows has changed."""
        with store_errors(self._redis):
            revision: Any = self._redis.get(keys.REVISION)
            return int(revision or 0)

    def papers(self, ids: Sequence[ArxivId]) -> list[Paper | None]:
        """Papers by id, in that order; None where there is none."""
        with store_errors(self._redis):
            found = read_papers(self._redis, ids)
            return [found.get(id) for id in ids]

    def newest(self, query: Query, limit: int = 100, before: str = "") -> list[ArxivId]:
        """The newest ids that match a keyword, of every type of announcement."""
        return list(self.find(Ask(query=query, before=before, types=EVERY_TYPE), limit).ids)

    def find(self, ask: Ask, limit: int) -> Found:
        """The first `limit` papers that answer a question, in its order."""
        with store_errors(self._redis):
            found, _ = self._walk.find(ask, limit)
            return found

    def forget_words(self) -> None:
        """Forget what this process remembers of words and postings, as a change of papers does."""
        self.reader.forget_words()

    def search(self, ask: Ask) -> Page:
        """The papers that answer a question, in its order."""
        with store_errors(self._redis):
            found, reading = self._walk.find(ask, ask.limit + 1)
            shown = found.places[: ask.limit]
            papers = papers_of(reading.opened(shown).values())
            more = len(found.places) > ask.limit
            following = shown[-1] if more else None if found.complete else found.last
            return Page(
                papers=tuple(papers[id] for id in map(ArxivId.at, shown) if id in papers),
                next=str(ArxivId.at(following)) if following else None,
                complete=found.complete,
                examined=found.examined,
            )

    def cursor_before(self, ask: Ask) -> str:
        """The cursor of the page before the one that an `ask` with a cursor begins.

        Empty where that is the first page. Of what came since nothing is skipped: it stands on
        the pages before that one.
        """
        with store_errors(self._redis):
            found, _ = self._upwards.find(ask, ask.limit + 1)
            if len(found.places) > ask.limit:
                return str(ArxivId.at(found.places[ask.limit]))
            return "" if found.complete or not found.last else str(ArxivId.at(found.last))

    def undescribed(self, limit: int) -> list[ArxivId]:
        """Ids that a community named and arXiv has not described yet, newest first."""
        with store_errors(self._redis):
            members: Any = self._redis.smembers(keys.UNDESCRIBED)
            ids = sorted((ArxivId.parse(member.decode()) for member in members), reverse=True)
            papers = read_papers(self._redis, ids)
            described = [id for id in ids if id in papers and papers[id].from_arxiv]
            if described:
                self._redis.srem(keys.UNDESCRIBED, *map(str, described))
            return [id for id in ids if id in papers and not papers[id].from_arxiv][:limit]

    def everything(self) -> Iterator[Paper]:
        """Every paper there is, oldest first, in few round trips and bounded memory.

        What is written meanwhile may be seen or not.
        """
        with store_errors(self._redis):
            members: Any = self._redis.zrange(keys.MONTHS, 0, -1, withscores=True)
            for yymm, month in members:
                fields: Any = self._redis.hkeys(keys.month_papers(yymm.decode()))
                numbers = sorted(int.from_bytes(field, "big") for field in fields)
                for at in range(0, len(numbers), _AT_ONCE):
                    ids = [ArxivId(int(month), number) for number in numbers[at : at + _AT_ONCE]]
                    yield from read_papers(self._redis, ids).values()

    def size(self) -> int:
        """How many papers there are."""
        with store_errors(self._redis), self._redis.pipeline(transaction=False) as pipe:
            members: Any = self._redis.zrange(keys.MONTHS, 0, -1)
            for yymm in members:
                pipe.hlen(keys.month_papers(yymm.decode()))
            return sum(pipe.execute())
