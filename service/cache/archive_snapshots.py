"""Archive snapshots: a keyword's papers of a period that is over, as they were then.

    papers that match now ─▶ those in the snapshot stay as they were, whether they match or not
      ─▶ those that are not in it are added, and stay from now on

So a revision, a vote or a withdrawal changes nothing that has been published, and a paper that came
late (after an outage, by a backfill) is not lost. A snapshot holds papers, not bytes: the formats
agree, whichever is requested first. What is blocked stays in it and is not shown.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import msgpack
from redis import Redis
from zstandard import ZstdError

from papers.errors import BadId, StoreError, StoreUnavailable
from papers.model.arxiv_id import ArxivId
from papers.model.labels import indexed_day
from papers.model.paper import Paper
from papers.model.periods import Period, PeriodKind
from papers.query.parser import Query, parse_query
from papers.query.request import Page, SearchRequest
from papers.records import packing
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors
from papers.state.keyword_record import Keyword
from papers.store import Store

SNAPSHOT_TTL_DAYS: Final[dict[PeriodKind, int]] = {"month": 400, "week": 100, "day": 40}
"""Days since the last read: digests go back two weeks of days, or two months of weeks."""
MAX_SNAPSHOT_PAPERS: Final = 2_000
"""A period of more papers (all of a large category) has no snapshot, and revisions show in it."""
_PAGE_SIZE: Final = 200
_log = logging.getLogger(__name__)


class ArchiveSnapshots:
    """The snapshots in Redis. Every method raises StoreUnavailable."""

    def __init__(self, redis: Redis, store: Store) -> None:
        self._redis = redis
        self._store = store

    def papers(self, keyword: Keyword, period: Period) -> list[Paper]:
        """Return a keyword's papers of a period that is over, newest first."""
        key = keys.archive_snapshot(keyword.slug, period.name)
        ttl = timedelta(days=SNAPSHOT_TTL_DAYS[period.kind])
        papers = self._load(key, keyword, ttl)
        found = papers_in_period(self._store, parse_query(keyword.query), period)
        late = [paper for paper in found if paper.id not in papers]
        blocks = self._store.block_list()
        if late and blocks:  # as they are when the block is lifted
            late = [paper for paper in self._store.get_records([p.id for p in late]) if paper]
        if late:
            papers |= {paper.id: paper for paper in late}
            if len(papers) <= MAX_SNAPSHOT_PAPERS:
                self._save(key, keyword, papers, ttl)
        shown = (blocks.visible_part(papers[id]) for id in sorted(papers, reverse=True))
        return [paper for paper in shown if paper]

    def _load(self, key: str, keyword: Keyword, ttl: timedelta) -> dict[ArxivId, Paper]:
        """Return the snapshot, {} if there is none, it is damaged, or it is of an earlier query."""
        with translate_store_errors(self._redis), self._redis.pipeline(transaction=False) as pipe:
            pipe.get(key)
            pipe.expire(key, ttl)
            packed, _ = pipe.execute(raise_on_error=False)  # EXPIRE fails in a read-only store
            if isinstance(packed, Exception):
                raise packed
        try:
            query, papers = msgpack.unpackb(packed) if packed else ("", {})
            if query != keyword.query:
                return {}
            ids = [ArxivId.parse(id) for id in papers]
            return {id: packing.unpack(id, papers[str(id)]) for id in ids}
        except (ValueError, TypeError, AttributeError, KeyError, BadId, ZstdError) as error:
            _log.warning("%s is damaged and replaced: %s", key, error)
            return {}

    def _save(
        self, key: str, keyword: Keyword, papers: dict[ArxivId, Paper], ttl: timedelta
    ) -> None:
        """Store the papers. A store that takes no writes costs the snapshot, not the response."""
        packed = {str(id): packing.pack(paper) for id, paper in papers.items()}
        value: bytes = msgpack.packb((keyword.query, packed))
        try:
            with translate_store_errors(self._redis):
                self._redis.set(key, value, ex=ttl)
        except StoreUnavailable:
            raise
        except StoreError as error:
            _log.warning("snapshot not stored: %s", error)


def papers_in_period(store: Store, query: Query, period: Period) -> Iterator[Paper]:
    """Yield every paper of a period that matches, newest first."""
    return _search_all_pages(
        store,
        SearchRequest(query=query, limit=_PAGE_SIZE, since=period.first_day, until=period.last_day),
    )


def newest_period_before(
    store: Store, query: Query, period: Period, newest_page: Page | None = None
) -> Period | None:
    """Return the newest period of that kind, before this one, with a paper that matches.

    `newest_page` is the first page of the same query without filters, if the caller has it: if it
    has all papers, or one of the period just before, no search is needed.
    """
    found = _newest_period_on_page(newest_page, period) if newest_page else None
    if newest_page and newest_page.is_complete and newest_page.next_cursor is None:
        return found
    # Papers are in order of ids, which is nearly that of days: one held back may lie between.
    while found != period.previous and (newest := _newest_between(store, query, found, period)):
        found = Period.containing(period.kind, indexed_day(newest))
    return found


def oldest_period_after(store: Store, query: Query, period: Period, now: datetime) -> Period | None:
    """Return the oldest period of that kind, after this one and over, with a paper that matches.

    Only days of the same month are considered.
    """
    newest = Period.containing(period.kind, now.date()).previous
    end_of_month = Period.containing("month", period.first_day).last_day
    is_bounded = period.kind == "day" and newest.first_day > end_of_month
    last, after = Period("day", end_of_month) if is_bounded else newest, period
    while after.first_day < last.first_day and _newest_between(store, query, after, last.next):
        after = after.next
        if _newest_between(store, query, after.previous, after.next):
            return after
    return None


def _newest_period_on_page(page: Page, before: Period) -> Period | None:
    days = [day for day in map(indexed_day, page.papers) if day < before.first_day]
    return Period.containing(before.kind, max(days)) if days else None


def _newest_between(
    store: Store, query: Query, after: Period | None, before: Period
) -> Paper | None:
    """Return the match with the highest id from the days between two periods, if there is one."""
    since, until = after.next.first_day if after else None, before.previous.last_day
    search_request = SearchRequest(query=query, limit=1, since=since, until=until)
    return next(_search_all_pages(store, search_request), None)


def _search_all_pages(store: Store, search_request: SearchRequest) -> Iterator[Paper]:
    """Yield all papers that a search finds, page by page."""
    while True:
        page = store.search(search_request)
        yield from page.papers
        if not page.next_cursor:
            return
        search_request = replace(search_request, before=page.next_cursor)
