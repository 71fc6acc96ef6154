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
from papers.redis_backend.connection import translate_store_errors

TRIAL_TTL: Final = timedelta(minutes=15)
MAX_SHOWN_PAPERS: Final = 20
"""Of the papers that a feed names, how many a trial tells of."""


@dataclass(frozen=True, slots=True)
class TrialPaper:
    """A paper that the feed names: when it was picked (aware UTC) and the entry's own link."""

    id: ArxivId
    picked_at: datetime
    url: str


@dataclass(frozen=True, slots=True)
class FeedTrial:
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
    papers: tuple[TrialPaper, ...] = ()


class FeedTrials:
    """The trials in Redis. Raises StoreAway."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def create(self, name: str, url: str) -> FeedTrial:
        """A trial that waits for a worker."""
        trial = FeedTrial(uuid4().hex, name, url)
        self.save(trial)
        return trial

    def get(self, id: str) -> FeedTrial:
        """A trial. Raises UnknownSource where there is none, or none any more."""
        with translate_store_errors(self._redis):
            text: Any = self._redis.get(keys.feed_trial(id)) if id.isalnum() else None
        if text is None:
            raise UnknownSource("that trial is over; try the feed again")
        return _decode(id, text)

    def save(self, trial: FeedTrial) -> None:
        """Keep a trial for a while."""
        with translate_store_errors(self._redis):
            self._redis.set(keys.feed_trial(trial.id), _encode(trial), ex=TRIAL_TTL)


def _encode(trial: FeedTrial) -> bytes:
    papers = [
        (str(paper.id), paper.picked_at.astimezone(UTC).isoformat(), paper.url)
        for paper in trial.papers[:MAX_SHOWN_PAPERS]
    ]
    values = {
        **{"name": trial.name, "url": trial.url, "over": trial.over, "fault": trial.fault},
        **{"said": trial.said, "entries": trial.entries, "named": trial.named, "papers": papers},
    }
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def _decode(id: str, text: bytes) -> FeedTrial:
    try:
        values = json.loads(text)
        papers = tuple(
            TrialPaper(ArxivId.parse(paper), datetime.fromisoformat(at), url)
            for paper, at, url in values.pop("papers")
        )
        return FeedTrial(id=id, papers=papers, **values)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"{keys.feed_trial(id)}: {text[:200]!r} is no trial ({error})") from error
