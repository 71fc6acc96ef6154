"""Counters and histograms of all processes, added up in one hash in Redis.

Job processes end after each job and a scrape reaches only one of several web processes, so counts
cannot stay in the memory of a process. Each collects its own and adds them to the hash every few
seconds: a request costs a microsecond and no round trip. What a killed process had not added yet is
lost; nothing depends on these figures.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final

from redis import Redis

from papers.config.settings import Seconds
from papers.errors import StoreError
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors
from papers.telemetry.metric_table import ANNOUNCEMENT_SECONDS, METRICS, MetricSpec

FLUSH_INTERVAL: Final[Seconds] = 5.0
"""The time between two additions of a process to Redis."""

_SEPARATOR: Final = "|"
_SUM, _BUCKET = "sum", "le="
_COUNTER: Final = -1
_SeriesKey = tuple[str, tuple[str, ...], int]
"""Name, values of the labels, and number of the bucket, or `_COUNTER`."""


class MetricRecorder:
    """Collects counts of this process. Methods never raise for a store that does not answer."""

    def __init__(self, redis: Redis, clock: Callable[[], Seconds] = time.monotonic) -> None:
        self._redis, self._clock = redis, clock
        self._lock = threading.Lock()
        self._counts = _new_counts()
        self._flushed_at = clock()

    def count(self, spec: MetricSpec, *labels: str, amount: float = 1.0) -> None:
        """Add to a counter."""
        with self._lock:
            self._counts[spec.name, labels, _COUNTER][0] += amount

    def observe(self, spec: MetricSpec, value: float, *labels: str) -> None:
        """Add a value to a histogram."""
        with self._lock:
            counted = self._counts[spec.name, labels, bisect_left(spec.buckets, value)]
            counted[0] += 1.0
            counted[1] += value

    def flush_if_due(self) -> None:
        """Add the counts to those in Redis if it is time."""
        if self._clock() - self._flushed_at >= FLUSH_INTERVAL:
            self.flush()

    def flush(self) -> None:
        """Add the counts to those in Redis. If that fails they are kept until the next time."""
        with self._lock:
            self._flushed_at = self._clock()
            counts, self._counts = self._counts, _new_counts()
        if not counts:
            return
        try:
            with translate_store_errors(self._redis), self._redis.pipeline() as pipe:
                for field, amount in _fields(counts):
                    pipe.hincrbyfloat(keys.METRICS, field, amount)
                pipe.execute()
        except StoreError:
            with self._lock:
                for key, (amount, total) in counts.items():
                    self._counts[key][0] += amount
                    self._counts[key][1] += total


def _new_counts() -> defaultdict[_SeriesKey, list[float]]:
    """Return an empty table: how many values, and their sum."""
    return defaultdict(lambda: [0.0, 0.0])


def _fields(counts: Mapping[_SeriesKey, list[float]]) -> Iterator[tuple[str, float]]:
    """Yield the fields of the hash in Redis that grow, and by how much."""
    specs = {spec.name: spec for spec in METRICS}
    for (name, labels, at), (amount, total) in counts.items():
        if at == _COUNTER:
            yield _SEPARATOR.join((name, *labels)), amount
        else:
            bounds = (*specs[name].buckets, float("inf"))
            yield _SEPARATOR.join((name, *labels, f"{_BUCKET}{bounds[at]:g}")), amount
            yield _SEPARATOR.join((name, *labels, _SUM)), total


@dataclass(frozen=True, slots=True)
class Histogram:
    """A histogram: (upper bound, number of values up to it) with rising bounds, and their sum."""

    buckets: tuple[tuple[float, float], ...]
    sum: float

    @property
    def total(self) -> int:
        """The number of values."""
        return round(self.buckets[-1][1]) if self.buckets else 0

    def quantile(self, part: float) -> float:
        """Return a quantile, interpolated within its bucket; in the last, its lower bound."""
        lower, before = 0.0, 0.0
        for bound, count in self.buckets:
            if count >= part * self.total and count > before:
                share = (part * self.total - before) / (count - before)
                return lower if bound == float("inf") else lower + share * (bound - lower)
            lower, before = bound, count
        return lower


class RecordedMetrics:
    """The counts of all processes at one time."""

    def __init__(self, redis: Redis) -> None:
        """Read the counts. Raises StoreError."""
        with translate_store_errors(redis):
            stored: Any = redis.hgetall(keys.METRICS)
        self._counts = {field.decode(): float(value) for field, value in stored.items()}

    def counters(self, spec: MetricSpec) -> Iterator[tuple[tuple[str, ...], float]]:
        """Yield the label values and the count of each series of a counter."""
        return self._series(spec)

    def histograms(self, spec: MetricSpec) -> Mapping[tuple[str, ...], Histogram]:
        """Return the series of a histogram by their label values."""
        bounds = [*spec.buckets, float("inf")]
        counts: dict[tuple[str, ...], dict[float, float]] = defaultdict(
            lambda: dict.fromkeys(bounds, 0.0)
        )
        sums: dict[tuple[str, ...], float] = defaultdict(float)
        for (*labels, what), value in self._series(spec):
            series = tuple(labels)
            if what == _SUM:
                sums[series] += value
            else:  # of another version perhaps, with other bounds
                bound = float(what.removeprefix(_BUCKET))
                counts[series][bound] = counts[series].get(bound, 0.0) + value
        return {series: _histogram(found, sums[series]) for series, found in counts.items()}

    def announcement_delays(self) -> Histogram | None:
        """Return the seconds from announcements to the feeds; None before the first."""
        return self.histograms(ANNOUNCEMENT_SECONDS).get(())

    def _series(self, spec: MetricSpec) -> Iterator[tuple[tuple[str, ...], float]]:
        for field, value in sorted(self._counts.items()):
            name, *labels = field.split(_SEPARATOR)
            if name == spec.name:
                yield tuple(labels), value


def _histogram(counts: Mapping[float, float], total: float) -> Histogram:
    bounds = sorted(counts)
    return Histogram(tuple(zip(bounds, accumulate(counts[b] for b in bounds), strict=True)), total)
