"""What a keyword's papers of a period were when it was over: archives and digests, kept for good.

    papers that match now ─▶ those kept before stay as they were, found again or not
      ─▶ those that are missing join them, and are kept from now on

So a revision, a vote or a withdrawal changes nothing that has been published, and a paper that came
late (after an outage, by a backfill) is not lost. What is kept is papers, not bytes: the formats
agree, whichever is asked for first.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Final

import msgpack
from redis import Redis
from zstandard import ZstdError

from papers.errors import BadId, StoreError, StoreUnavailable
from papers.model import packing
from papers.model.arxiv_id import ArxivId
from papers.model.labels import indexed_day
from papers.model.paper import Paper
from papers.model.periods import Period, PeriodKind
from papers.query.parser import Query, parse_query
from papers.query.request import SearchRequest
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors
from papers.state.keywords import Keyword
from papers.store import Store

SNAPSHOT_TTL_DAYS: Final[dict[PeriodKind, int]] = {"month": 400, "week": 100, "day": 40}
"""How long after they were last read: digests go back two weeks of days, or two months of weeks."""
MAX_SNAPSHOT_PAPERS: Final = 2_000
"""Papers of one period; of more (all of a large category) none are kept, and a revision shows."""
_PAGE_SIZE: Final = 200
_log = logging.getLogger(__name__)


class ArchiveSnapshots:
    """The snapshots in Redis. Raises StoreAway."""

    def __init__(self, redis: Redis, store: Store) -> None:
        self._redis = redis
        self._store = store

    def papers(self, keyword: Keyword, period: Period) -> list[Paper]:
        """A keyword's papers of a period that is over, newest first."""
        key = keys.archive_snapshot(keyword.slug, period.name)
        lasting = timedelta(days=SNAPSHOT_TTL_DAYS[period.kind])
        papers = self._load(key, keyword, lasting)
        found = papers_in_period(self._store, parse_query(keyword.query), period)
        late = [paper for paper in found if paper.id not in papers]
        if late:
            papers |= {paper.id: paper for paper in late}
            if len(papers) <= MAX_SNAPSHOT_PAPERS:
                self._save(key, keyword, papers, lasting)
        return [papers[id] for id in sorted(papers, reverse=True)]

    def _load(self, key: str, keyword: Keyword, ttl: timedelta) -> dict[ArxivId, Paper]:
        """What is kept of this very keyword: one with another query begins anew."""
        with translate_store_errors(self._redis), self._redis.pipeline(transaction=False) as pipe:
            pipe.get(key)
            pipe.expire(key, ttl)
            packed, _ = pipe.execute(raise_on_error=False)  # a store may take no writes
            if isinstance(packed, Exception):
                raise packed
        try:
            query, papers = msgpack.unpackb(packed) if packed else ("", {})
            if query != keyword.query:
                return {}
            ids = [ArxivId.parse(id) for id in papers]
            return {id: packing.unpack(id, papers[str(id)]) for id in ids}
        except (ValueError, TypeError, AttributeError, KeyError, BadId, ZstdError) as error:
            _log.warning("%s is damaged and made anew: %s", key, error)
            return {}

    def _save(
        self, key: str, keyword: Keyword, papers: dict[ArxivId, Paper], ttl: timedelta
    ) -> None:
        """Keep the papers; a store that takes no writes serves all the same."""
        packed = {str(id): packing.pack(paper) for id, paper in papers.items()}
        value: bytes = msgpack.packb((keyword.query, packed))
        try:
            with translate_store_errors(self._redis):
                self._redis.set(key, value, ex=ttl)
        except StoreUnavailable:
            raise
        except StoreError as error:
            _log.warning("snapshot not kept: %s", error)


def papers_in_period(store: Store, query: Query, period: Period) -> Iterator[Paper]:
    """Every paper of a period that matches, newest first."""
    return _search_all_pages(
        store,
        SearchRequest(query=query, limit=_PAGE_SIZE, since=period.first_day, until=period.last_day),
    )


def newest_period_before(store: Store, query: Query, period: Period) -> Period | None:
    """The newest period of that kind, before this one, that any paper matches in."""
    found, ask = None, SearchRequest(query=query, limit=1, until=period.previous.last_day)
    # Answers are in order of ids, which is nearly that of days: a paper held back may lie between.
    while newest := next(_search_all_pages(store, ask), None):
        found = Period.containing(period.kind, indexed_day(newest))
        if found == period.previous:
            break
        ask = replace(ask, since=found.next.first_day)
    return found


def _search_all_pages(store: Store, ask: SearchRequest) -> Iterator[Paper]:
    """All papers that answer a question, page by page."""
    while True:
        page = store.search(ask)
        yield from page.papers
        if not page.next_cursor:
            return
        ask = replace(ask, before=page.next_cursor)
