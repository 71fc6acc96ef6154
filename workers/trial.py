"""A feed tried: fetched once as its source would be, told of, and nothing of it stored.

`run` stands in Redis by its dotted name: it is never renamed.
"""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from papers.config.settings import Settings, discover
from papers.errors import BadParameter, SourceError
from papers.model.paper import Sighting
from papers.redis_backend.connection import connect
from papers.state.communities import checked
from papers.state.feed_trials import Brought, Trial, Trials
from workers.fetch.fetcher import Fetcher
from workers.sources.community import ACCEPT, read

RUN: Final = "workers.trial.run"


def run(id: str) -> None:
    """Try the feed of a trial and keep what came. Raises UnknownSource, StoreError."""
    settings = discover(os.environ)
    with closing(connect(settings.redis_url, patient=True)) as redis:
        trials = Trials(redis)
        trials.put(tried(trials.get(id), settings, datetime.now(UTC)))


def tried(trial: Trial, settings: Settings, now: datetime) -> Trial:
    """The trial when it is over. The address is checked as every upstream's is.

    No validators are sent, so that what came once comes again.
    """
    try:
        feed = checked(trial.name, trial.url, now)
        answer = Fetcher(settings).get(feed.url, now=now, accept=ACCEPT)
        came = read(answer.body, feed.name, now)
    except (SourceError, BadParameter) as error:
        return replace(trial, over=True, fault=str(error))
    first = {sighting.id: sighting for sighting in reversed(came.sightings)}
    papers = sorted(map(_brought, first.values()), key=lambda paper: paper.picked_at, reverse=True)
    return replace(
        trial,
        over=True,
        said=came.said,
        entries=came.got,
        named=len(papers),
        papers=tuple(papers),
    )


def _brought(sighting: Sighting) -> Brought:
    assert sighting.pick is not None, f"{sighting.id}: a community's sighting has its pick"
    return Brought(sighting.id, sighting.pick.picked_at, sighting.pick.url)
