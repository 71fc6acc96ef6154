"""The table of counters and histograms, as `/metrics` shows them.

Gauges are not here: `service.routes.metrics` reads them from the store when they are scraped.
Values of labels come from small fixed sets, never from a request: the number of series is bounded.

https://prometheus.io/docs/practices/naming/
"""

from __future__ import annotations

from typing import Final, NamedTuple


class MetricSpec(NamedTuple):
    """A counter, or a histogram if it has `buckets`, which are upper bounds in its unit."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


_FAST: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_SLOW: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0)

REQUEST_SECONDS: Final = MetricSpec(
    "paperwire_request_seconds",
    "Seconds from a request until its response is ready, by kind of route and class of status.",
    ("route", "status"),
    _FAST,
)
CACHE_OUTCOMES: Final = MetricSpec(
    "paperwire_cache_outcomes",
    "Cacheable requests by what answered them: a cache (hit), a rendering (render), the response "
    "before while another process renders (previous), the last good one (stale).",
    ("outcome",),
)
UPSTREAM_SECONDS: Final = MetricSpec(
    "paperwire_upstream_seconds",
    "Seconds of a request to an upstream, by its kind and the outcome.",
    ("upstream", "outcome"),
    _SLOW,
)
ARXIV_WAIT_SECONDS: Final = MetricSpec(
    "paperwire_arxiv_wait_seconds",
    "Seconds that requests to arXiv waited for their turn.",
    (),
    _SLOW,
)
TASK_SECONDS: Final = MetricSpec(
    "paperwire_task_seconds",
    "Seconds of a task, by its kind and outcome.",
    ("task", "state"),
    _SLOW,
)
QUEUE_SECONDS: Final = MetricSpec(
    "paperwire_queue_seconds", "Seconds that a wake-up waited for a worker.", (), _SLOW
)
INGESTED_PAPERS: Final = MetricSpec(
    "paperwire_ingested_papers",
    "Papers that were new or changed for readers, by kind of task.",
    ("task", "result"),
)
ANNOUNCEMENT_SECONDS: Final = MetricSpec(
    "paperwire_announcement_seconds",
    "Seconds, at most, from arXiv showing an announcement until feeds have it: since the last "
    "request that found none, or midnight.",
    (),
    (10.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 300.0, 600.0, 1200.0, 3600.0),
)

METRICS: Final = (
    REQUEST_SECONDS,
    CACHE_OUTCOMES,
    UPSTREAM_SECONDS,
    ARXIV_WAIT_SECONDS,
    TASK_SECONDS,
    QUEUE_SECONDS,
    INGESTED_PAPERS,
    ANNOUNCEMENT_SECONDS,
)
