"""The task `enrich`: looks up in arXiv's API what communities named and arXiv has not described.

Ids unknown to arXiv (a typing error, a paper not announced yet) are looked up again at growing
intervals, so that they never fill the batches of known ones.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from redis import Redis

from papers.counted import format_counted
from papers.model.arxiv_id import ArxivId
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors
from papers.store import Store
from workers.sources.arxiv import api
from workers.sources.result import FetchResult, UpstreamClients

ENRICH_TASK: Final = "enrich"
MAX_IDS_PER_RUN: Final = 500
"""Papers looked up in one run: five responses of the API."""

FIRST_RETRY_DELAY: Final = timedelta(minutes=10)
MAX_RETRY_DELAY: Final = timedelta(days=30)

_NO_LIMIT: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class UnknownId:
    """An id unknown to arXiv: how often it was looked up, and when it is again."""

    tries: int
    retry_at: datetime


def back_off(before: UnknownId | None, now: datetime) -> UnknownId:
    """Return the entry after another failed lookup: its wait is ten minutes, then triples."""
    tries = before.tries + 1 if before else 1
    pause = min(FIRST_RETRY_DELAY * 3 ** min(tries - 1, 16), MAX_RETRY_DELAY)
    return UnknownId(tries, now + pause)


def due_for_lookup(
    undescribed: Sequence[ArxivId], unknown: Mapping[ArxivId, UnknownId], now: datetime
) -> list[ArxivId]:
    """Return the ids to look up now: those never looked up, and those whose back-off is over."""
    return [id for id in undescribed if id not in unknown or unknown[id].retry_at <= now][
        :MAX_IDS_PER_RUN
    ]


class Enrichment:
    """Fetches the task `enrich`."""

    def __init__(self, store: Store, redis: Redis) -> None:
        self._store, self._redis = store, redis

    def fetch(
        self, subject: str, upstreams: UpstreamClients, now: datetime
    ) -> Iterator[FetchResult]:
        """Yield arXiv's records of undescribed papers. Raises SourceError, StoreUnavailable."""
        undescribed = self._store.undescribed(_NO_LIMIT)
        unknown = self._load_unknown()
        self._delete_unknown(set(unknown) - set(undescribed))
        ids = due_for_lookup(undescribed, unknown, now)
        if not ids:
            yield FetchResult(message=_idle_message(len(undescribed)))
            return
        done = 0
        for result in api.fetch_by_ids(ids, upstreams, now):
            yield result
            missing = set(ids[done : result.done]) - {paper.id for paper in result.sightings}
            self._save_unknown({id: back_off(unknown.get(id), now) for id in missing})
            done = result.done

    def _load_unknown(self) -> dict[ArxivId, UnknownId]:
        with translate_store_errors(self._redis):
            stored: Any = self._redis.hgetall(keys.ENRICH_RETRIES)
        return {ArxivId.parse(id.decode()): _decoded(text) for id, text in stored.items()}

    def _save_unknown(self, unknown: Mapping[ArxivId, UnknownId]) -> None:
        if unknown:
            values: Any = {str(id): _encoded(entry) for id, entry in unknown.items()}
            with translate_store_errors(self._redis):
                self._redis.hset(keys.ENRICH_RETRIES, mapping=values)

    def _delete_unknown(self, ids: Collection[ArxivId]) -> None:
        if ids:
            with translate_store_errors(self._redis):
                self._redis.hdel(keys.ENRICH_RETRIES, *map(str, ids))


def _idle_message(waiting: int) -> str:
    papers = format_counted(waiting, "paper")
    return f"{papers} that arXiv does not know yet" if waiting else "nothing to describe"


def _encoded(entry: UnknownId) -> str:
    return json.dumps([entry.tries, entry.retry_at.timestamp()])


def _decoded(text: bytes) -> UnknownId:
    tries, again_at = json.loads(text)
    return UnknownId(tries, datetime.fromtimestamp(again_at, UTC))
