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
from workers.fetch.arxiv_rate_limiter import ArxivRateLimiter
from workers.fetch.fetcher import Fetcher, UpstreamResponse


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """A record set aside: why, and what it said (cut to a readable length)."""

    reason: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class FetchResult:
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
    rejected: tuple[RejectedRecord, ...] = ()
    record_count: int = 0
    skipped: int = 0
    day: date | None = None
    expected_day: date | None = None
    stale: bool = False
    complete: bool = True
    not_modified: bool = False
    message: str = ""
    summary: str = ""
    done: int = 0
    total: int | None = None
    began: datetime | None = None
    has_more: bool = False
    response: UpstreamResponse | None = None
    memo: str = ""
    counted_day: date | None = None
    expected_count: int | None = None

    @property
    def is_quiet(self) -> bool:
        """Whether this is a valid answer with nothing new in it."""
        return not self.record_count and not self.stale and self.complete

    @property
    def is_unreadable(self) -> bool:
        """Whether records came and none of them could be read: a failure, not a quiet day."""
        return 0 < self.record_count == len(self.rejected)


@dataclass(frozen=True, slots=True)
class UpstreamClients:
    """The way out that all sources share."""

    settings: Settings
    fetcher: Fetcher
    arxiv_limiter: ArxivRateLimiter

    @classmethod
    def from_settings(cls, redis: Redis, settings: Settings) -> UpstreamClients:
        """The way out as settings describe it; the lane and the validators are in `redis`."""
        lane = ArxivRateLimiter(
            redis, settings.arxiv_interval, max_request_seconds=settings.fetch_deadline
        )
        return cls(settings, Fetcher(settings, redis), lane)


FetchFunction = Callable[[str, UpstreamClients, datetime], Iterator[FetchResult]]
"""`fetch(subject, upstreams, now)`: `subject` is what follows the colon in a task's name.

Raises SourceError; StoreAway (the lane and the validators are in Redis); BadParameter for a
subject that means nothing.
"""
