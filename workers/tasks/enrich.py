"""Papers that a community named and nobody has described: arXiv's API is asked, by id.

Ids that arXiv does not know (a typing error, a paper not announced yet) are asked for again at
growing intervals, so that they never fill the batches of those it does know.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from redis import Redis

from papers.model.arxiv_id import ArxivId
from papers.redis_backend import keys
from papers.redis_backend.connection import store_errors
from papers.store import Store
from workers.sources.arxiv import api
from workers.sources.result import Fetched, Upstreams

MOST: Final = 500
"""Papers asked for in one run: five answers of the API."""

FIRST_PAUSE: Final = timedelta(minutes=10)
LONGEST_PAUSE: Final = timedelta(days=30)

_ALL: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Unknown:
    """An id that arXiv did not know: how often it was asked for, and when it is again."""

    tries: int
    again_at: datetime


def asked_again(before: Unknown | None, now: datetime) -> Unknown:
    """The same after one more answer without it: ten minutes, then three times as long each."""
    tries = before.tries + 1 if before else 1
    pause = min(FIRST_PAUSE * 3 ** min(tries - 1, 16), LONGEST_PAUSE)
    return Unknown(tries, now + pause)


def ready(
    undescribed: Sequence[ArxivId], unknown: Mapping[ArxivId, Unknown], now: datetime
) -> list[ArxivId]:
    """Those to ask for now: those never asked for, and those whose pause is over."""
    return [id for id in undescribed if id not in unknown or unknown[id].again_at <= now][:MOST]


class Enrichment:
    """The source of the task `enrich`."""

    def __init__(self, store: Store, redis: Redis) -> None:
        self._store, self._redis = store, redis

    def fetch(self, subject: str, upstreams: Upstreams, now: datetime) -> Iterator[Fetched]:
        """What arXiv says of them, one part per answer. Raises SourceError, StoreAway."""
        undescribed = self._store.undescribed(_ALL)
        unknown = self._unknown()
        self._forget(set(unknown) - set(undescribed))
        ids = ready(undescribed, unknown, now)
        if not ids:
            yield Fetched(said=_nothing(len(undescribed)))
            return
        done = 0
        for part in api.by_ids(ids, upstreams, now):
            yield part
            missing = set(ids[done : part.done]) - {paper.id for paper in part.sightings}
            self._note({id: asked_again(unknown.get(id), now) for id in missing})
            done = part.done

    def _unknown(self) -> dict[ArxivId, Unknown]:
        with store_errors(self._redis):
            found: Any = self._redis.hgetall(keys.UNKNOWN)
        return {ArxivId.parse(id.decode()): _decoded(text) for id, text in found.items()}

    def _note(self, unknown: Mapping[ArxivId, Unknown]) -> None:
        if unknown:
            values: Any = {str(id): _encoded(entry) for id, entry in unknown.items()}
            with store_errors(self._redis):
                self._redis.hset(keys.UNKNOWN, mapping=values)

    def _forget(self, ids: Collection[ArxivId]) -> None:
        if ids:
            with store_errors(self._redis):
                self._redis.hdel(keys.UNKNOWN, *map(str, ids))


def _nothing(waiting: int) -> str:
    return f"{waiting} papers that arXiv does not know yet" if waiting else "nothing to describe"


def _encoded(entry: Unknown) -> str:
    return json.dumps([entry.tries, entry.again_at.timestamp()])


def _decoded(text: bytes) -> Unknown:
    tries, again_at = json.loads(text)
    return Unknown(tries, datetime.fromtimestamp(again_at, UTC))
