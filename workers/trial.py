"""The feed trial job: fetches a feed once as its source would, and stores only a summary.

`run` is stored in Redis by its dotted name: it is never renamed.
"""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from typing import Final

from redis import Redis

from papers.config.settings import Seconds, Settings, discover_settings
from papers.config.url_secrets import hide_secrets, url_secrets
from papers.errors import BadParameter, SourceError
from papers.model.paper import Sighting
from papers.redis_backend.connection import connect
from papers.redis_backend.store_clock import read_store_time
from papers.state.communities import validate_feed
from papers.state.feed_trials import FeedTrial, FeedTrials, TrialPaper
from workers.fetch.arxiv_rate_limiter import ArxivRateLimiter
from workers.fetch.fetcher import Fetcher
from workers.sources.community import ACCEPT, parse_community_feed

FEED_TRIAL_JOB: Final = "workers.trial.run"

MAX_RATE_LIMIT_WAIT: Final[Seconds] = 20.0
"""How long one request of a trial waits for its turn at arXiv; then the trial says so."""


def run(id: str) -> None:
    """Run a trial and save its outcome. Raises UnknownSource, StoreError."""
    settings = discover_settings(os.environ)
    with closing(connect(settings.redis_url, retry=True)) as redis:
        trials = FeedTrials(redis)
        trial = trials.get(id)
        trials.save(try_feed(trial, trial_fetcher(redis, settings), read_store_time(redis)))


def trial_fetcher(redis: Redis, settings: Settings) -> Fetcher:
    """Return a fetcher that waits less long for arXiv's rate limiter: somebody is waiting."""
    limiter = ArxivRateLimiter.from_settings(redis, settings, max_wait=MAX_RATE_LIMIT_WAIT)
    return Fetcher(settings, redis, limiter)


def try_feed(trial: FeedTrial, fetcher: Fetcher, now: datetime) -> FeedTrial:
    """Return the finished trial. Its address is checked as every upstream's is.

    No validators are sent, so that the content is always complete.
    """
    try:
        feed = validate_feed(trial.name, trial.url, now)
        response = fetcher.get(feed.url, now=now, accept=ACCEPT)
        result = parse_community_feed(response.body, feed.name, now)
    except (SourceError, BadParameter) as error:
        return replace(trial, over=True, fault=hide_secrets(str(error), url_secrets([trial.url])))
    first = {sighting.id: sighting for sighting in reversed(result.sightings)}
    papers = sorted(
        map(_trial_paper, first.values()), key=lambda paper: paper.picked_at, reverse=True
    )
    return replace(
        trial,
        over=True,
        said=hide_secrets(result.message, url_secrets([trial.url])),
        entries=result.record_count,
        named=len(papers),
        papers=tuple(papers),
    )


def _trial_paper(sighting: Sighting) -> TrialPaper:
    assert sighting.pick is not None, f"{sighting.id}: a community's sighting has its pick"
    return TrialPaper(sighting.id, sighting.pick.picked_at, sighting.pick.url)
