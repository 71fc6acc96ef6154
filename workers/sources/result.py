"""The interface of sources: a generator of `FetchResult`, one per response of its upstream.

The pipeline stores each result as it arrives and then saves its validators, so that after a kill in
between the content is requested again:

    for result in fetch(subject, upstreams, now):
        store_batch(store, result.sightings, now); quarantine(result.rejected)
        upstreams.fetcher.save_validators(result.response, result.memo)
    # ended without an error, no result stale or incomplete: ok, or quiet if there was nothing

A `SourceError` out of the generator ends it; results before it are sound and stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from redis import Redis

from papers.config.settings import Settings
from papers.model.paper import Sighting
from papers.telemetry.metric_recorder import MetricRecorder
from workers.fetch.fetcher import Fetcher, UpstreamResponse


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """A record that could not be read: the reason, and an excerpt of readable length."""

    reason: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class FetchResult:
    """The content of one response of an upstream.

    `record_count` counts its records: those read, those `rejected`, and those `skipped` because
    they name no paper; the state says how many, if there is a `skip_reason`. `stale`: a valid
    response, but of an earlier `day` than the `expected_day`.
    A thin result becomes stale too, see `workers.ingest.expected_volume`. `complete` is False if
    part of the response is missing: the rest is sound, and everything must be requested again.
    `message` describes the result in a sentence, `summary` the whole run so far. `done` of `total`
    is the progress of a run of several responses since it `began`, in records (None: unknown; began
    with this attempt). `has_more`: the run continues in another attempt, due at once. `counted_day`
    is the day whose records these are, all of them, if their number is comparable with other days';
    `expected_count` is the usual number, once known. `response` and `memo` are passed to
    `Fetcher.save_validators` once all this is stored. `next_at` is when to look again, if the
    source knows better than the cadence of its kind.
    """

    sightings: tuple[Sighting, ...] = ()
    rejected: tuple[RejectedRecord, ...] = ()
    record_count: int = 0
    skipped: int = 0
    skip_reason: str = ""
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
    next_at: datetime | None = None

    @property
    def is_quiet(self) -> bool:
        """True for a valid response with nothing new."""
        return not self.record_count and not self.stale and self.complete

    @property
    def is_unreadable(self) -> bool:
        """True if there were records and none was readable: a failure, not a quiet day."""
        return 0 < self.record_count == len(self.rejected)


@dataclass(frozen=True, slots=True)
class UpstreamClients:
    """The clients that all sources share."""

    settings: Settings
    fetcher: Fetcher

    @classmethod
    def from_settings(
        cls, redis: Redis, settings: Settings, recorder: MetricRecorder | None = None
    ) -> UpstreamClients:
        """Return the clients for these settings; rate limiter and validators are in `redis`."""
        return cls(settings, Fetcher(settings, redis, recorder=recorder))


FetchFunction = Callable[[str, UpstreamClients, datetime], Iterator[FetchResult]]
"""`fetch(subject, upstreams, now)`: `subject` is the part of a task's name after the colon.

Raises SourceError; StoreUnavailable (the rate limiter and the validators are in Redis);
BadParameter for an invalid subject.
"""
