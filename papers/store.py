"""The store: papers and their index in Redis, month by month.

Written is one month at a time, in one transaction (`papers.index.writing.month_writer`): a killed
ingest leaves whole months and nothing between, and repeating it leaves the state of a clean one.
What lies outside a month (`months`, `picks`, `undescribed`, votes by day, the term dictionary) is
written before it and may only say too much; readers check. Read is newest month first
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

from papers.index.term_months import TermMonths
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper, Sighting
from papers.query.parser import Query
from papers.query.request import ALL_ANNOUNCE_TYPES, Hits, Page, SearchRequest
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors
from papers.redis_backend.records import read_papers, unpack_papers
from papers.redis_backend.revision import bump_revision
from papers.search.collector import Collector
from papers.search.reader import IndexReader
from papers.search.upwards import AscendingCollector
from papers.state.votes import VoteHistory

if TYPE_CHECKING:
    from papers.index.writing.month_writer import MonthResult
    from papers.index.writing.term_batch import Vocabulary

_PENDING_SECONDS: Final = 600
_BATCH_SIZE: Final = 1_000


@contextmanager
def _gc_paused() -> Iterator[None]:
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
class IngestResult:
    """What an ingest did: ids that are new, ids a reader sees changed, and how many neither."""

    new: tuple[ArxivId, ...]
    changed: tuple[ArxivId, ...]
    unchanged: int

    @classmethod
    def of(cls, months: Sequence[MonthResult]) -> IngestResult:
        """What was done to months, in their order."""
        return cls(
            new=tuple(id for month in months for id in month.new),
            changed=tuple(id for month in months for id in month.changed),
            unchanged=sum(month.unchanged for month in months),
        )


class WriterState(NamedTuple):
    """What ingests have met of words: the next one need not learn them anew."""

    term_months: TermMonths
    vocabulary: Vocabulary


class Store:
    """Papers in one Redis. Every method raises StoreAway where Redis is not there."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.reader = IndexReader(redis)
        self._collector = Collector(redis, self.reader)
        self._ascending_collector = AscendingCollector(redis, self.reader)
        self._writer_states = list[
            WriterState
        ]()  # an ingest takes one, and puts it back once it has ended well

    def ingest(self, sightings: Iterable[Sighting | Paper], *, now: datetime) -> IngestResult:
        """Take sightings, or whole records, in: merged, indexed, and visible month by month.

        Raises StoreBusy where other writers are always faster.
        """
        # numpy, which these need, takes a tenth of a second that readers need not spend.
        from papers.index.writing.month_writer import MonthWriter
        from papers.index.writing.term_batch import Vocabulary

        said = list(sightings)
        months: dict[tuple[int, str], list[Sighting | Paper]] = defaultdict(list)
        for sighting in said:
            months[sighting.id.month, sighting.id.yymm].append(sighting)
        if not months:
            return IngestResult((), (), 0)
        with translate_store_errors(self._redis), _gc_paused():
            token = uuid4().hex
            self._redis.zadd(keys.PENDING_INGESTS, {token: now.timestamp()})
            VoteHistory(self._redis).record(said)
            met = (
                self._writer_states.pop()
                if self._writer_states
                else WriterState(TermMonths(self._redis), Vocabulary())
            )
            written = [
                MonthWriter(self._redis, month, yymm, *met).write(members)
                for (month, yymm), members in sorted(months.items())
            ]
            if not met.vocabulary.is_full:
                self._writer_states.append(met)
            done = IngestResult.of(written)
            self._finish(token, moved=bool(done.new or done.changed))
            return done

    def _finish(self, token: str, *, moved: bool) -> None:
        with self._redis.pipeline(transaction=False) as pipe:
            if moved:
                bump_revision(pipe)
            pipe.zrem(keys.PENDING_INGESTS, token)
            pipe.execute()

    def settle(self, *, now: datetime) -> bool:
        """Move the revision for ingests that began and were not finished. True where one was."""
        with translate_store_errors(self._redis):
            members: Any = self._redis.zrange(keys.PENDING_INGESTS, 0, -1)
            if not members:
                return False
            with self._redis.pipeline(transaction=False) as pipe:
                bump_revision(pipe)
                pipe.zremrangebyscore(
                    keys.PENDING_INGESTS, "-inf", now.timestamp() - _PENDING_SECONDS
                )
                pipe.execute()
            return True

    def revision(self) -> int:
        """A number that moves whenever anything a feed shows has changed."""
        with translate_store_errors(self._redis):
            revision: Any = self._redis.get(keys.REVISION)
            return int(revision or 0)

    def get_papers(self, ids: Sequence[ArxivId]) -> list[Paper | None]:
        """Papers by id, in that order; None where there is none."""
        with translate_store_errors(self._redis):
            found = read_papers(self._redis, ids)
            return [found.get(id) for id in ids]

    def newest_ids(self, query: Query, limit: int = 100, before: str = "") -> list[ArxivId]:
        """The newest ids that match a keyword, of every type of announcement."""
        return list(
            self.find_hits(
                SearchRequest(query=query, before=before, types=ALL_ANNOUNCE_TYPES), limit
            ).ids
        )

    def find_hits(self, ask: SearchRequest, limit: int) -> Hits:
        """The first `limit` papers that answer a question, in its order."""
        with translate_store_errors(self._redis):
            found, _ = self._collector.collect(ask, limit)
            return found

    def clear_postings_cache(self) -> None:
        """Forget what this process remembers of words and postings, as a change of papers does."""
        self.reader.clear_postings()

    def search(self, ask: SearchRequest) -> Page:
        """The papers that answer a question, in its order."""
        with translate_store_errors(self._redis):
            found, reading = self._collector.collect(ask, ask.limit + 1)
            shown = found.doc_ids[: ask.limit]
            papers = unpack_papers(reading.read_stored(shown).values())
            more = len(found.doc_ids) > ask.limit
            following = shown[-1] if more else None if found.is_complete else found.last_examined
            return Page(
                papers=tuple(papers[id] for id in map(ArxivId.from_doc_id, shown) if id in papers),
                next_cursor=str(ArxivId.from_doc_id(following)) if following else None,
                is_complete=found.is_complete,
                examined=found.examined,
            )

    def previous_cursor(self, ask: SearchRequest) -> str:
        """The cursor of the page before the one that an `ask` with a cursor begins.

        Empty where that is the first page. Of what came since nothing is skipped: it stands on
        the pages before that one.
        """
        with translate_store_errors(self._redis):
            found, _ = self._ascending_collector.collect(ask, ask.limit + 1)
            if len(found.doc_ids) > ask.limit:
                return str(ArxivId.from_doc_id(found.doc_ids[ask.limit]))
            return (
                ""
                if found.is_complete or not found.last_examined
                else str(ArxivId.from_doc_id(found.last_examined))
            )

    def undescribed(self, limit: int) -> list[ArxivId]:
        """Ids that a community named and arXiv has not described yet, newest first."""
        with translate_store_errors(self._redis):
            members: Any = self._redis.smembers(keys.UNDESCRIBED)
            ids = sorted((ArxivId.parse(member.decode()) for member in members), reverse=True)
            papers = read_papers(self._redis, ids)
            described = [id for id in ids if id in papers and papers[id].is_from_arxiv]
            if described:
                self._redis.srem(keys.UNDESCRIBED, *map(str, described))
            return [id for id in ids if id in papers and not papers[id].is_from_arxiv][:limit]

    def iter_papers(self) -> Iterator[Paper]:
        """Every paper there is, oldest first, in few round trips and bounded memory.

        What is written meanwhile may be seen or not.
        """
        with translate_store_errors(self._redis):
            members: Any = self._redis.zrange(keys.MONTHS, 0, -1, withscores=True)
            for yymm, month in members:
                fields: Any = self._redis.hkeys(keys.month_papers(yymm.decode()))
                numbers = sorted(int.from_bytes(field, "big") for field in fields)
                for at in range(0, len(numbers), _BATCH_SIZE):
                    ids = [ArxivId(int(month), number) for number in numbers[at : at + _BATCH_SIZE]]
                    yield from read_papers(self._redis, ids).values()

    def count_papers(self) -> int:
        """How many papers there are."""
        with translate_store_errors(self._redis), self._redis.pipeline(transaction=False) as pipe:
            members: Any = self._redis.zrange(keys.MONTHS, 0, -1)
            for yymm in members:
                pipe.hlen(keys.month_papers(yymm.decode()))
            return sum(pipe.execute())
