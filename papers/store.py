"""The store: papers and their index in Redis, month by month.

An ingest writes one month at a time, in one transaction (`papers.index.writing.month_writer`): a
killed ingest leaves whole months, and repeating it leads to the state of one that was not killed.
What is outside a month (`months`, `picks`, events, `undescribed`, votes by day, term dictionary) is
written before it and may only claim too much; readers check. A search reads the newest months first
(`papers.search.collector`).

The revision moves after an ingest that changed what a feed shows. While an ingest runs its token is
in `pending`; if it dies, `settle` moves the revision instead, and announces its papers as changed.
"""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import uuid4

from redis import Redis

from papers.blocks.block_list import BlockList
from papers.changes.change_log import LoggedChange, append_change
from papers.errors import BlockedPaper, NotFound, UnknownPaper
from papers.index.term_months import TermMonths
from papers.index.writing.ingest_result import IngestResult, MonthResult
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper, Sighting
from papers.query.parser import Query
from papers.query.request import ALL_ANNOUNCE_TYPES, Hits, Page, SearchRequest
from papers.records.packing import LazyPaper, PaperRecord
from papers.records.unread_paper import SelectKnown, UnreadPaper, select_none
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors
from papers.redis_backend.listings.changed_papers import ChangedPapers, ChangeKind
from papers.redis_backend.listings.event_sets import open_index
from papers.redis_backend.listings.id_listing import IdListing
from papers.redis_backend.months import stored_months
from papers.redis_backend.records import iter_records, read_papers, unpack_papers
from papers.redis_backend.revision import bump_revision
from papers.search.collector import Collector
from papers.search.reader import IndexReader, ReadSession
from papers.state.voting.votes import VoteHistory

if TYPE_CHECKING:
    from papers.index.writing.term_batch import Vocabulary

_PENDING_SECONDS: Final = 600


@contextmanager
def _gc_paused() -> Iterator[None]:
    """Pause Python's cycle collector.

    Thousands of papers have no cycles, and looking for them takes a tenth of an ingest's time.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class WriterState(NamedTuple):
    """The terms that earlier ingests have seen: the next ingest need not look them up again."""

    term_months: TermMonths
    vocabulary: Vocabulary


class Store:
    """Papers in one Redis. Every method raises StoreUnavailable if Redis does not answer."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.reader = IndexReader(redis)
        self._collector = Collector(redis, self.reader)
        self._ascending_collector = Collector(redis, self.reader, descending=False)
        self.changed_papers = ChangedPapers(redis)
        self._id_listing = IdListing(redis)
        self._writer_states = list[WriterState]()
        """Free states: a running ingest takes one and returns it if it succeeds."""

    def ingest(self, sightings: Iterable[Sighting | Paper], *, now: datetime) -> IngestResult:
        """Merge and index sightings or whole records; they become visible month by month.

        Raises StoreBusy if other writers keep winning the race for a month.
        """
        if not (papers := list(sightings)):
            return IngestResult((), (), 0)
        with translate_store_errors(self._redis), _gc_paused():
            token = uuid4().hex
            with self._redis.pipeline(transaction=False) as pipe:
                open_index(pipe, now)
                pipe.zadd(keys.PENDING_INGESTS, {token: now.timestamp()})
                self.changed_papers.note_pending(pipe, token, (p.id for p in papers), now)
                pipe.execute()
            VoteHistory(self._redis).record(papers)
            months = self._write_months(papers, now)
            self._finish(token, months, now)
            return IngestResult.of(months)

    def _write_months(self, papers: Iterable[Sighting | Paper], now: datetime) -> list[MonthResult]:
        # Importing numpy, which these need, takes a tenth of a second that readers can spare.
        from papers.index.writing.month_writer import MonthWriter
        from papers.index.writing.term_batch import Vocabulary

        months: dict[tuple[int, str], list[Sighting | Paper]] = defaultdict(list)
        for sighting in papers:
            months[sighting.id.month, sighting.id.yymm].append(sighting)
        states = self._writer_states
        state = states.pop() if states else WriterState(TermMonths(self._redis), Vocabulary())
        written = [
            MonthWriter(self._redis, month, yymm, *state, now=now).write(members)
            for (month, yymm), members in sorted(months.items())
        ]
        if not state.vocabulary.is_full:
            states.append(state)
        return written

    def _finish(self, token: str, months: Sequence[MonthResult], now: datetime) -> None:
        """Move the revision if readers can see a change, and log what has changed."""
        changes = [LoggedChange(id.doc_id, None) for month in months for id in month.new]
        if any(month.may_hide_changes for month in months):
            bump_revision(self._redis)  # without a log entry readers compare everything
        replaced = [paper for month in months for paper in month.replaced]
        changes += [LoggedChange(paper.id.doc_id, paper) for paper in replaced]
        if changes:
            revision, step = bump_revision(self._redis)
            append_change(self._redis, revision - step, revision, changes)
        kinds = [
            (change.doc_id, ChangeKind.CHANGED if change.before else ChangeKind.NEW)
            for change in changes
        ]
        self.changed_papers.move(token, kinds, now)
        self._redis.zrem(keys.PENDING_INGESTS, token)

    def settle(self, *, now: datetime) -> bool:
        """Move the revision for ingests that never finished, and later what they have changed.

        Returns True if there was one.
        """
        with translate_store_errors(self._redis):
            members: Any = self._redis.zrange(keys.PENDING_INGESTS, 0, -1)
            if members:
                oldest = now.timestamp() - _PENDING_SECONDS
                with self._redis.pipeline(transaction=False) as pipe:
                    bump_revision(pipe)
                    pipe.zremrangebyscore(keys.PENDING_INGESTS, "-inf", oldest)
                    pipe.execute()
            self.changed_papers.settle(now=now)
            return bool(members)

    def revision(self) -> int:
        """Return a number that moves whenever anything a feed shows has changed."""
        with translate_store_errors(self._redis):
            revision: Any = self._redis.get(keys.REVISION)
            return int(revision or 0)

    def get_papers(self, ids: Sequence[ArxivId]) -> list[Paper | None]:
        """Return what may be shown of papers by id, in that order; None if unknown or blocked."""
        with translate_store_errors(self._redis):
            session = self.reader.open_session(lambda _: [])
            found = unpack_papers(session.read_stored([id.doc_id for id in ids]).values())
            return [self._visible_part(found.get(id), session) for id in ids]

    def list_ids(self, before: ArxivId | None, limit: int) -> list[ArxivId]:
        """Return the ids of all papers, newest first, or of those after one; also of blocked ones.

        At most `limit`. The time it takes depends on neither the place nor the number of papers.
        """
        with translate_store_errors(self._redis):
            return self._id_listing.read(before, limit)

    def get_records(self, ids: Sequence[ArxivId]) -> list[Paper | None]:
        """Return papers by id as they are stored, in that order; None for an unknown id."""
        with translate_store_errors(self._redis):
            found = read_papers(self._redis, ids)
            return [found.get(id) for id in ids]

    def missing_paper(self, id: ArxivId) -> NotFound:
        """Return the error for an id of which `get_papers` has nothing: BlockedPaper, UnknownPaper.

        A blocked paper's reason is stated if it is public.
        """
        (paper,) = self.get_records([id])
        blocks = self.block_list()
        block = blocks.hiding_block(paper) if paper else blocks.block_of_id(id)
        if block is None:
            return UnknownPaper(f"{id} is not here; arXiv may have it: {id.url}")
        reason = f": {block.reason}" if block.is_public else ""
        return BlockedPaper(f"{id} was taken out by the operator{reason}")

    def block_list(self) -> BlockList:
        """Return what must not be shown."""
        with translate_store_errors(self._redis):
            return self.reader.open_session(lambda _: []).cache.known_blocks

    @staticmethod
    def _visible_part(paper: Paper | None, session: ReadSession) -> Paper | None:
        blocks = session.cache.known_blocks
        return blocks.visible_part(paper) if paper and blocks else paper

    def newest_ids(self, query: Query, limit: int = 100, before: str = "") -> list[ArxivId]:
        """Return the newest ids that match a keyword, of every announcement type."""
        request = SearchRequest(query=query, before=before, types=ALL_ANNOUNCE_TYPES)
        return list(self.find_hits(request, limit).ids)

    def find_hits(self, request: SearchRequest, limit: int) -> Hits:
        """Return the first `limit` matches of a request, in its order."""
        with translate_store_errors(self._redis):
            hits, _ = self._collector.collect(request, limit)
            return hits

    def search(self, request: SearchRequest, select_known: SelectKnown = select_none) -> Page:
        """Return the page of matches of a request; records that `select_known` selects unread."""
        with translate_store_errors(self._redis):
            hits, session = self._collector.collect(request, request.limit + 1)
            shown = hits.doc_ids[: request.limit]
            is_by_id = session.cache.known_blocks.is_by_id
            stored = session.read_unless_known(shown, select_known if is_by_id else select_none)
            records = self._visible_records(stored, session)
            found = [(n, record) for n, id in enumerate(shown) if (record := records.get(id))]
            return Page(
                records=tuple([record for _, record in found]),
                events=tuple([hits.events[n] for n, _ in found]) if hits.events else (),
                next_cursor=hits.next_cursor(request.limit),
                is_complete=hits.is_complete,
                examined=hits.examined,
            )

    def _visible_records(
        self, stored: dict[int, LazyPaper], session: ReadSession
    ) -> dict[int, PaperRecord]:
        """Return what may be shown of papers by doc id; unreadable records are left out."""
        blocks = session.cache.known_blocks
        if not blocks.is_by_id:
            papers = unpack_papers(stored.values()).values()
            visible = {p.id.doc_id: self._visible_part(p, session) for p in papers}
            return {doc_id: part for doc_id, part in visible.items() if part}
        read = [record for record in stored.values() if not isinstance(record, UnreadPaper)]
        readable = {id.doc_id for id in unpack_papers(read)}
        unreadable = {record.doc_id for record in read} - readable
        shown = (id for id in stored if id not in unreadable and id not in blocks.doc_ids)
        return {id: stored[id] for id in shown}

    def previous_cursor(self, request: SearchRequest) -> str:
        """Return the cursor of the page before the page of a request with a cursor.

        Empty if that is the first page. Papers that were added meanwhile are on the pages before.
        """
        with translate_store_errors(self._redis):
            hits, _ = self._ascending_collector.collect(request, request.limit + 1)
            if len(hits.doc_ids) > request.limit:
                return hits.cursor_at(request.limit)
            return "" if hits.is_complete else hits.last_cursor

    def undescribed(self, limit: int) -> list[ArxivId]:
        """Return ids that a community named and arXiv has not described yet, newest first."""
        with translate_store_errors(self._redis):
            members: Any = self._redis.smembers(keys.UNDESCRIBED)
            ids = sorted((ArxivId.parse(member.decode()) for member in members), reverse=True)
            papers = read_papers(self._redis, ids)
            described = [id for id in ids if id in papers and papers[id].is_from_arxiv]
            if described:
                self._redis.srem(keys.UNDESCRIBED, *map(str, described))
            return [id for id in ids if id in papers and not papers[id].is_from_arxiv][:limit]

    def iter_papers(self) -> Iterator[Paper]:
        """Yield every paper, oldest first, in few round trips and bounded memory; none is blocked.

        Papers written meanwhile may be missing.
        """
        blocks = self.block_list()
        with translate_store_errors(self._redis):
            for batch in iter_records(self._redis):
                papers = unpack_papers(batch.values()).values()
                yield from filter(None, map(blocks.visible_part, papers))

    def iter_newest(self) -> Iterator[PaperRecord]:
        """Yield what may be shown of every paper, newest first, and cache the records' hashes."""
        with translate_store_errors(self._redis):
            session = self.reader.open_session(lambda _: [])
            for batch in iter_records(self._redis, newest_first=True):
                # Into the cache of a revision that was read before the records were.
                session.cache.add_record_hashes({id: p.record_hash for id, p in batch.items()})
                session = self.reader.open_session(lambda _: [])
                yield from self._visible_records(batch, session).values()

    def count_papers(self) -> int:
        """Return how many papers there are."""
        with translate_store_errors(self._redis), self._redis.pipeline(transaction=False) as pipe:
            for yymm, _ in stored_months(self._redis):
                pipe.hlen(keys.month_papers(yymm))
            return sum(pipe.execute())
