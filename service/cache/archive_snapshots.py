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

from papers.errors import BadId, StoreAway, StoreError
from papers.model import packing
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper
from papers.model.periods import Kind, Period
from papers.query.match import day_of
from papers.query.parser import Query, parse
from papers.query.request import Ask
from papers.redis_backend import keys
from papers.redis_backend.connection import store_errors
from papers.state.keywords import Keyword
from papers.store import Store

KEPT_DAYS: Final[dict[Kind, int]] = {"month": 400, "week": 100, "day": 40}
"""How long after they were last read: digests go back two weeks of days, or two months of weeks."""
MOST_KEPT: Final = 2_000
"""Papers of one period; of more (all of a large category) none are kept, and a revision shows."""
_PAGE: Final = 200
_log = logging.getLogger(__name__)


class Snapshots:
    """The snapshots in Redis. Raises StoreAway."""

    def __init__(self, redis: Redis, store: Store) -> None:
        self._redis = redis
        self._store = store

    def papers(self, keyword: Keyword, period: Period) -> list[Paper]:
        """A keyword's papers of a period that is over, newest first."""
        key = keys.snapshot(keyword.slug, period.name)
        lasting = timedelta(days=KEPT_DAYS[period.kind])
        papers = self._kept(key, keyword, lasting)
        found = matching(self._store, parse(keyword.query), period)
        late = [paper for paper in found if paper.id not in papers]
        if late:
            papers |= {paper.id: paper for paper in late}
            if len(papers) <= MOST_KEPT:
                self._keep(key, keyword, papers, lasting)
        return [papers[id] for id in sorted(papers, reverse=True)]

    def _kept(self, key: str, keyword: Keyword, lasting: timedelta) -> dict[ArxivId, Paper]:
        """What is kept of this very keyword: one with another query begins anew."""
        with store_errors(self._redis), self._redis.pipeline(transaction=False) as pipe:
            pipe.get(key)
            pipe.expire(key, lasting)
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

    def _keep(
        self, key: str, keyword: Keyword, papers: dict[ArxivId, Paper], lasting: timedelta
    ) -> None:
        """Keep the papers; a store that takes no writes serves all the same."""
        packed = {str(id): packing.pack(paper) for id, paper in papers.items()}
        value: bytes = msgpack.packb((keyword.query, packed))
        try:
            with store_errors(self._redis):
                self._redis.set(key, value, ex=lasting)
        except StoreAway:
            raise
        except StoreError as error:
            _log.warning("snapshot not kept: %s", error)


def matching(store: Store, query: Query, period: Period) -> Iterator[Paper]:
    """Every paper of a period that matches, newest first."""
    return _every(store, Ask(query=query, limit=_PAGE, since=period.first, until=period.last))


def newest_before(store: Store, query: Query, period: Period) -> Period | None:
    """The newest period of that kind, before this one, that any paper matches in."""
    found, ask = None, Ask(query=query, limit=1, until=period.before.last)
    # Answers are in order of ids, which is nearly that of days: a paper held back may lie between.
    while newest := next(_every(store, ask), None):
        found = Period.of(period.kind, day_of(newest))
        if found == period.before:
            break
        ask = replace(ask, since=found.after.first)
    return found


def _every(store: Store, ask: Ask) -> Iterator[Paper]:
    """All papers that answer a question, page by page."""
    while True:
        page = store.search(ask)
        yield from page.papers
        if not page.next:
            return
        ask = replace(ask, before=page.next)
