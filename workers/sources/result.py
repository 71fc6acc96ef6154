"""What every source returns: `Fetched`, one per answer of its upstream.

A source's `fetch(subject, upstreams, now)` is a generator. The pipeline stores each part as it
comes and then remembers its validators, so that what was killed in between is asked for again:

    for part in SOURCES[prefix](subject, upstreams, now):
        store.ingest(part.sightings); quarantine(part.rejected)
        upstreams.fetcher.remember(part.answer, part.memo)
    # ended without an error, and no part stale or incomplete: ok, or quiet where nothing came

A `SourceError` out of the generator ends it; the parts before it are sound and stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from redis import Redis

from papers.config.settings import Settings
from papers.model.paper import Sighting
from workers.fetch.arxiv_rate_limiter import ArxivLane
from workers.fetch.fetcher import Answer, Fetcher


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record set aside: why, and what it said (cut to a readable length)."""

    reason: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one answer of an upstream brought.

    `got` counts its records: those read, those `rejected`, and those `passed_over` because they
    name no paper. `stale`: a valid answer, but of an earlier `day` than the `expected` one.
    A thin answer becomes stale too, see `workers.ingest.expected_volume`.
    `complete` is False where part of the answer is missing: what is here is sound, and the rest
    must be asked for again. `said` tells a person in a sentence, `summary` the same of the whole
    run so far. `done` of `total` is how far a run of several answers has come since it `began`, in
    records (None: not known; began with this attempt). `more`: the run goes on in another attempt,
    which is due at once.
    `counted` is the day whose records these are, all of them, where their number can be held
    against other days'; `usual` is how many such a day usually has, once that is known.
    `answer` and `memo` are what `Fetcher.remember` keeps once all this is stored.
    """

    sightings: tuple[Sighting, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    got: int = 0
    passed_over: int = 0
    day: date | None = None
    expected: date | None = None
    stale: bool = False
    complete: bool = True
    not_modified: bool = False
    said: str = ""
    summary: str = ""
    done: int = 0
    total: int | None = None
    began: datetime | None = None
    more: bool = False
    answer: Answer | None = None
    memo: str = ""
    counted: date | None = None
    usual: int | None = None

    @property
    def quiet(self) -> bool:
        """Whether this is a valid answer with nothing new in it."""
        return not self.got and not self.stale and self.complete

    @property
    def unreadable(self) -> bool:
        """Whether records came and none of them could be read: a failure, not a quiet day."""
        return 0 < self.got == len(self.rejected)


@dataclass(frozen=True, slots=True)
class Upstreams:
    """The way out that all sources share."""

    settings: Settings
    fetcher: Fetcher
    lane: ArxivLane

    @classmethod
    def over(cls, redis: Redis, settings: Settings) -> Upstreams:
        """The way out as settings describe it; the lane and the validators are in `redis`."""
        lane = ArxivLane(redis, settings.arxiv_interval, longest=settings.fetch_deadline)
        return cls(settings, Fetcher(settings, redis), lane)


Fetch = Callable[[str, Upstreams, datetime], Iterator[Fetched]]
"""`fetch(subject, upstreams, now)`: `subject` is what follows the colon in a task's name.

Raises SourceError; StoreAway (the lane and the validators are in Redis); BadParameter for a
subject that means nothing.
"""
