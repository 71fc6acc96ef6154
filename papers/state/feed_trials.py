"""Trials: what a feed would bring, fetched once by a worker for whoever thinks of saving it.

    asked (by a page) ─▶ a worker fetches, and stores none of it ─▶ what came, or why nothing did

A trial is kept for a quarter of an hour, under a name that nobody can guess.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from redis import Redis

from papers.errors import StoreError, UnknownSource
from papers.model.arxiv_id import ArxivId
from papers.redis_backend import keys
from papers.redis_backend.connection import store_errors

KEPT: Final = timedelta(minutes=15)
MOST_SHOWN: Final = 20
"""Of the papers that a feed names, how many a trial tells of."""


@dataclass(frozen=True, slots=True)
class Brought:
    """A paper that the feed names: when it was picked (aware UTC) and the entry's own link."""

    id: ArxivId
    picked_at: datetime
    url: str


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial of the feed at `url`, called `name` by whoever asks.

    `over` is False until a worker has been there. Then `fault` says why nothing came, or `said`
    what did: `papers` are the first of `named` ones, by `entries` entries.
    """

    id: str
    name: str
    url: str
    over: bool = False
    fault: str = ""
    said: str = ""
    entries: int = 0
    named: int = 0
    papers: tuple[Brought, ...] = ()


class Trials:
    """The trials in Redis. Raises StoreAway."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def begin(self, name: str, url: str) -> Trial:
        """A trial that waits for a worker."""
        trial = Trial(uuid4().hex, name, url)
        self.put(trial)
        return trial

    def get(self, id: str) -> Trial:
        """A trial. Raises UnknownSource where there is none, or none any more."""
        with store_errors(self._redis):
            text: Any = self._redis.get(keys.trial(id)) if id.isalnum() else None
        if text is None:
            raise UnknownSource("that trial is over; try the feed again")
        return _decoded(id, text)

    def put(self, trial: Trial) -> None:
        """Keep a trial for a while."""
        with store_errors(self._redis):
            self._redis.set(keys.trial(trial.id), _encoded(trial), ex=KEPT)


def _encoded(trial: Trial) -> bytes:
    papers = [
        (str(paper.id), paper.picked_at.astimezone(UTC).isoformat(), paper.url)
        for paper in trial.papers[:MOST_SHOWN]
    ]
    values = {
        **{"name": trial.name, "url": trial.url, "over": trial.over, "fault": trial.fault},
        **{"said": trial.said, "entries": trial.entries, "named": trial.named, "papers": papers},
    }
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def _decoded(id: str, text: bytes) -> Trial:
    try:
        values = json.loads(text)
        papers = tuple(
            Brought(ArxivId.parse(paper), datetime.fromisoformat(at), url)
            for paper, at, url in values.pop("papers")
        )
        return Trial(id=id, papers=papers, **values)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"{keys.trial(id)}: {text[:200]!r} is no trial ({error})") from error
