"""Recent changes: whether what was changed between two revisions may show in a query's results.

    records of the change log between the two, each read once per process
      ─▶ the papers before and after the change, each time an index in memory
        ─▶ does one of them match the query? Then it may have come, gone, or look different.

That takes some 20 µs a record, a search milliseconds. Only the result of a search that was cut off
(`Page.is_complete`) depends on papers that match neither before nor after.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import Final

from redis import Redis

from papers.changes.batch_index import index_batch
from papers.changes.change_log import MAX_RECORDS, ChangeRecord, read_changes
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper
from papers.query.ast import Node
from papers.records.packing import LazyPaper
from papers.redis_backend.connection import ThreadLocalClient, translate_store_errors
from papers.redis_backend.records import read_papers, unpack_papers
from papers.search.percolate import PaperBatch, StoredQuery

MAX_CACHED_PAPERS: Final = 6_000
"""Papers of all records that a process keeps; one takes some 14 kB with its index."""


class RecentChanges:
    """The change log of one Redis, as one process has read it; threads share it."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._clients = ThreadLocalClient(redis)
        self._lock = threading.Lock()
        self._known: dict[int, _Change] = {}

    def affect(
        self, tree: Node, since: int, until: int, max_changes: int | None = None
    ) -> bool | None:
        """Return whether a change between two revisions may show in a query's results.

        None if that is not known, or there are more than `max_changes`. Raises StoreError.
        """
        chain = self._chain(since, until)
        if chain is None:
            with translate_store_errors(self._redis):
                self._read(since)
                chain = self._chain(since, until)
        if chain is None or (max_changes is not None and len(chain) > max_changes):
            return None
        query = StoredQuery.of(None, tree)
        return any(change.matches(query) for change in chain)

    def _chain(self, since: int, until: int) -> list[_Change] | None:
        """Return the changes that lead from one revision to another, None if some are missing."""
        known, found = self._known, list[_Change]()
        while until > since:
            change = known.get(until)
            if change is None:
                return None
            found.append(change)
            until = change.previous
        return found if until == since else None

    def _read(self, since: int) -> None:
        """Read the records after a revision that are not known, and the papers as they are now.

        A paper may have been changed once more since; the record of that change has what it was
        in between.
        """
        redis = self._clients.client
        with self._lock:
            records = [r for r in read_changes(redis, since) if r.revision not in self._known]
            if not records:
                return
            ids = {doc_id for record in records for doc_id in record.doc_ids}
            papers = read_papers(redis, map(ArxivId.from_doc_id, sorted(ids)))
            after = {id.doc_id: paper for id, paper in papers.items()}
            known = {**self._known, **{r.revision: _Change(r, after) for r in records}}
            self._known = _newest(known)


def _newest(changes: dict[int, _Change]) -> dict[int, _Change]:
    """Return the newest changes that may be kept, at least one."""
    kept, paper_count = dict[int, _Change](), 0
    for revision in sorted(changes, reverse=True)[:MAX_RECORDS]:
        paper_count += changes[revision].paper_count
        if kept and paper_count > MAX_CACHED_PAPERS:
            break
        kept[revision] = changes[revision]
    return kept


class _Change:
    """The papers of one record, before and after; indexed on first use."""

    def __init__(self, record: ChangeRecord, after: dict[int, Paper]) -> None:
        self.previous = record.previous
        replaced = [LazyPaper(doc_id, packed) for doc_id, packed in record.replaced]
        self._versions: list[Sequence[Paper]] = [
            [*unpack_papers(replaced).values()],
            [after[doc_id] for doc_id in record.doc_ids if doc_id in after],
        ]
        self.paper_count = sum(map(len, self._versions))
        self._batches: Sequence[PaperBatch] | None = None
        self._lock = threading.Lock()

    def matches(self, query: StoredQuery[None]) -> bool:
        """Return whether a paper matches as it was before, or as it was afterwards."""
        return any(query.matches_any(batch) for batch in self._indexed())

    def _indexed(self) -> Iterable[PaperBatch]:
        with self._lock:
            if self._batches is None:
                self._batches = [
                    PaperBatch.of(papers, index_batch) for papers in self._versions if papers
                ]
            return self._batches
