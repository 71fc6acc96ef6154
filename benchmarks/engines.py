"""Search engines behind one interface, and Paperwire behind it; `benchmarks.rivals` has others."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import repeat
from typing import Any, Final, Protocol

from redis import Redis

from papers.index.compaction.compactor import Compactor, first_open_month
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Sighting
from papers.query.parser import Query
from papers.query.request import ALL_ANNOUNCE_TYPES, SearchRequest
from papers.store import Store
from workers.tasks.compaction import compact_behind

NOW: Final = datetime(2026, 11, 21, tzinfo=UTC)


class Engine(Protocol):
    """The interface of the compared engines."""

    name: str

    def add_month(self, month: Sequence[Sighting]) -> None:
        """Index the papers of a month; months come oldest first."""

    def finish_indexing(self) -> None:
        """Finish after the last month: merge, commit, optimize."""

    def prepare_query(self, query: Query) -> Callable[[], Sequence[int]]:
        """Return a function that searches the newest hundred matches, as the engine's own ids."""

    def document_numbers(self, hits: Sequence[int]) -> list[int]:
        """Convert the engine's ids to those of `document_number`."""

    def drop_query_caches(self) -> None:
        """Drop the caches that earlier queries have filled in this process."""

    def size_in_bytes(self) -> int:
        """Return the bytes of memory or disk."""


def document_number(id: ArxivId) -> int:
    """Return a number that sorts like the id."""
    return id.month << 16 | id.number


class PaperwireEngine:
    """Paperwire on a real store."""

    name = "paperwire"

    def __init__(self, redis: Redis) -> None:
        self.redis, self.store = redis, Store(redis)
        self._empty = int(self._memory()["used_memory"])
        self._loading = compact_behind(Compactor(redis), repeat(None))

    def add_month(self, month: Sequence[Sighting]) -> None:
        """Ingest a month, and compact past years, as a bulk load does."""
        next(self._loading)
        self.store.ingest(month, now=NOW)

    def finish_indexing(self) -> None:
        """Compact past months, as the daily task does."""
        Compactor(self.redis).compact_before(first_open_month(NOW))

    def prepare_query(self, query: Query) -> Callable[[], Sequence[int]]:
        """Return a function that finds the newest hundred doc ids."""
        request = SearchRequest(query=query, types=ALL_ANNOUNCE_TYPES)
        return lambda: self.store.find_hits(request, 100).doc_ids

    def document_numbers(self, hits: Sequence[int]) -> list[int]:
        """Convert doc ids."""
        return [document_number(ArxivId.from_doc_id(doc_id)) for doc_id in hits]

    def drop_query_caches(self) -> None:
        """Clear the cache of terms and postings."""
        self.store.reader.clear_postings()

    def size_in_bytes(self) -> int:
        """Return the memory of records and index."""
        return int(self._memory()["used_memory"]) - self._empty

    def resident_bytes(self) -> int:
        """Return the store's resident memory, which may include freed bytes."""
        return int(self._memory()["used_memory_rss"])

    def rewrite_append_only_file(self) -> None:
        """Rewrite the append-only file, after any rewrite already in progress."""
        self._wait_for_rewrite()
        self.redis.bgrewriteaof()
        self._wait_for_rewrite()

    def _wait_for_rewrite(self) -> None:
        while (info := self._server_info("persistence"))["aof_rewrite_in_progress"]:
            time.sleep(0.1)
        assert info["aof_last_bgrewrite_status"] == "ok", "the rewrite has failed"

    def _memory(self) -> dict[str, Any]:
        """Return INFO memory, after lazily freed objects are gone."""
        while (info := self._server_info("memory"))["lazyfree_pending_objects"]:
            time.sleep(0.01)
        return info

    def _server_info(self, section: str) -> dict[str, Any]:
        return dict(self.redis.info(section))
