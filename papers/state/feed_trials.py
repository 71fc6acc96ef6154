"""Feed trials: what a feed would bring, fetched once before somebody saves it.

    created (by a page) ─▶ a worker fetches the feed, stores no paper ─▶ the result, or the fault

A trial expires after a quarter of an hour; its id cannot be guessed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from redis import Redis

from papers.config.url_secrets import hide_credentials
from papers.errors import StoreError, UnknownSource
from papers.model.arxiv_id import ArxivId
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors

TRIAL_TTL: Final = timedelta(minutes=15)
MAX_SHOWN_PAPERS: Final = 20
"""The most papers of a feed that a trial lists."""


@dataclass(frozen=True, slots=True)
class TrialPaper:
    """A paper that the feed lists: when it was picked (aware UTC), and the entry's own link."""

    id: ArxivId
    picked_at: datetime
    url: str


@dataclass(frozen=True, slots=True)
class FeedTrial:
    """A trial of the feed at `url`, to be saved as `name`.

    `over` is False until a worker has fetched the feed. Then either `fault` says why that failed,
    or `said` sums up the result: `papers` are the first of `named` papers in `entries` entries.
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

    @property
    def display_url(self) -> str:
        """The URL without user, password and query values, for anyone who knows the trial's id."""
        return hide_credentials(self.url)


class FeedTrials:
    """The trials in Redis. Raises StoreUnavailable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def create(self, name: str, url: str) -> FeedTrial:
        """Store a trial that waits for a worker."""
        trial = FeedTrial(uuid4().hex, name, url)
        self.save(trial)
        return trial

    def get(self, id: str) -> FeedTrial:
        """Return a trial. Raises UnknownSource if it does not exist or has expired."""
        with translate_store_errors(self._redis):
            stored: Any = self._redis.get(keys.feed_trial(id)) if id.isalnum() else None
        if stored is None:
            raise UnknownSource("that trial is over; try the feed again")
        return _decode(id, stored)

    def save(self, trial: FeedTrial) -> None:
        """Store a trial until it expires."""
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


def _decode(id: str, stored: bytes) -> FeedTrial:
    try:
        values = json.loads(stored)
        papers = tuple(
            TrialPaper(ArxivId.parse(paper), datetime.fromisoformat(at), url)
            for paper, at, url in values.pop("papers")
        )
        return FeedTrial(id=id, papers=papers, **values)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(
            f"{keys.feed_trial(id)}: {stored[:200]!r} is no trial ({error})"
        ) from error
