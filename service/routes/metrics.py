"""`/metrics`: store, sources and workload, for Prometheus.

Everything is read from the store at each request: jobs run in processes that come and go, and
counters of their own would go with them (`papers.telemetry`). Served to this machine, or with the
token.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from flask import Blueprint, Request, Response, request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector, CollectorRegistry

from papers.config.networks import address_in, is_loopback, parse_cidrs
from papers.config.settings import Settings
from papers.errors import StoreError
from papers.maintenance.backup_plan import backup_age
from papers.redis_backend import health
from papers.redis_backend.health import NodeLoad, StoreStatus
from papers.redis_backend.store_clock import read_store_time
from papers.state.task_states import MAX_QUARANTINED, TaskState, TaskStatus
from papers.telemetry.metric_recorder import Histogram, RecordedMetrics
from papers.telemetry.metric_table import METRICS, MetricSpec
from service.context import AppContext, context
from service.http.client_quota import FORWARDED_FLAG
from service.workload import read_workload

metrics = Blueprint("metrics", __name__)

_SOURCE_GAUGES: Final = (
    ("got", "Records that the last attempt brought."),
    ("usual", "Records that such a day usually has, where that is known."),
    ("failures", "Attempts in a row that were neither ok nor quiet."),
    ("attempted_at", "When it was last fetched, in seconds since 1970."),
    ("succeeded_at", "When it was last ok or quiet, in seconds since 1970."),
)


@metrics.get("/metrics")
def exposed() -> Response:
    """Serve all metrics. Raises Unauthorized for a request from elsewhere without the token."""
    ctx = context()
    if not is_local(request, ctx.settings):
        ctx.token_guard.require(request.headers, "metrics")
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_StoreCollector(ctx))
    headers = {"Cache-Control": "no-store"}
    return Response(generate_latest(registry), headers=headers, content_type=CONTENT_TYPE_LATEST)


def is_local(http_request: Request, settings: Settings) -> bool:
    """Return True for a request of this machine itself. A header can deny that, never grant it.

    Where this machine is declared to be a proxy, nothing shows whose requests it forwards.
    """
    peer = http_request.remote_addr or ""
    if http_request.environ.get(FORWARDED_FLAG) or not is_loopback(peer):
        return False
    return not address_in(peer, parse_cidrs(settings.trusted_proxies))


class _StoreCollector(Collector):
    """The metrics at one time. If the store fails halfway, the rest is left out."""

    def __init__(self, ctx: AppContext) -> None:
        self._ctx = ctx

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        found = health.check_health(self._ctx.redis)
        up, ok = found.status is not StoreStatus.UNREACHABLE, found.status is StoreStatus.OK
        yield _gauge("store_up", "Whether the store answers.", up)
        yield _gauge("store_writable", "Whether the store takes writes.", ok)
        yield _store_problem_metric(found.stated_cause)
        if not up:
            return
        yield _gauge("store_memory_bytes", "Memory that the store uses.", found.used_memory)
        yield _gauge("store_memory_limit_bytes", "Its maxmemory; 0: none.", found.max_memory)
        if found.nodes:
            yield from _node_metrics(found.nodes)
        try:
            yield from self._workload()
            yield from _source_metrics(self._ctx.source_states.all())
            yield from self._backup()
            yield _initial_fetch_metric(self._ctx.initial_fetches.counts())
            yield from self._recorded()
        except StoreError:  # since the health check: the next scrape shows it
            return

    def _backup(self) -> Iterator[Metric]:
        """Yield the age of the last good backup, if backups are made and there is one."""
        age = (
            backup_age(self._ctx.redis, self._ctx.now()) if self._ctx.settings.backup_dir else None
        )
        if age is not None:
            seconds = age.total_seconds()
            yield _gauge("backup_age_seconds", "Seconds since the last good backup.", seconds)

    def _recorded(self) -> Iterator[Metric]:
        """Yield the counters and histograms of all processes, with the latest of this one."""
        self._ctx.recorder.flush()
        recorded = RecordedMetrics(self._ctx.redis)
        for spec in METRICS:
            if spec.buckets:
                yield _histogram_metric(spec, recorded.histograms(spec))
            else:
                family = CounterMetricFamily(spec.name, spec.help, labels=spec.labels)
                for labels, value in recorded.counters(spec):
                    family.add_metric(labels, value)
                yield family

    def _workload(self) -> Iterator[Metric]:
        ctx, store_time = self._ctx, read_store_time(self._ctx.redis)
        skew = (ctx.now() - store_time).total_seconds()
        work = read_workload(ctx.redis, store_time)
        quarantined = ctx.source_states.quarantine_size()
        yield _gauge("papers", "Papers in the store.", ctx.store.count_papers())
        yield _gauge("revision", "Moves whenever a feed may have changed.", ctx.store.revision())
        yield _gauge("workers", "Workers with a heartbeat in the last two minutes.", work.workers)
        yield _gauge("scheduler_up", "Whether a scheduler runs.", work.has_scheduler)
        yield _gauge("wake_ups", "Jobs that no worker has taken yet.", work.queued_jobs)
        yield _gauge("tasks_due", "Tasks whose time has come.", work.due_tasks)
        yield _gauge("tasks_overdue", "Tasks due and not woken for minutes.", work.overdue_tasks)
        yield _gauge("clock_skew_seconds", "The clock here minus that of the store's host.", skew)
        yield _gauge("set_aside", f"Records in quarantine, {MAX_QUARANTINED} at most.", quarantined)


def _source_metrics(states: list[TaskState]) -> Iterator[Metric]:
    """Yield for each task a gauge of every status, 1 for its present one; then its figures."""
    family = GaugeMetricFamily(
        "paperwire_source_state", "1 for the state a source is in.", labels=("source", "state")
    )
    for state in states:
        for kind in TaskStatus:
            family.add_metric((state.name, str(kind)), float(state.state is kind))
    yield family
    for name, about in _SOURCE_GAUGES:
        family = GaugeMetricFamily(f"paperwire_source_{name}", about, labels=("source",))
        for state in states:
            value = getattr(state, name)
            if value is not None:
                family.add_metric((state.name,), _to_float(value))
        yield family


def _initial_fetch_metric(counts: Mapping[str, int]) -> Metric:
    """Return how many initial fetches of saved keywords are in each state: one series per state."""
    family = GaugeMetricFamily(
        "paperwire_initial_fetches",
        "Initial fetches of saved keywords by state; waiting: those still scheduled.",
        labels=("state",),
    )
    for state, count in counts.items():
        family.add_metric((state,), float(count))
    return family


def _node_metrics(nodes: Sequence[NodeLoad]) -> Iterator[Metric]:
    """Yield memory and load of each primary of the cluster."""
    for name, about, values in (
        ("memory_bytes", "Memory that the node uses.", [node.used_memory for node in nodes]),
        (
            "commands_per_second",
            "Commands that the node has answered in the last second.",
            [node.commands_per_second for node in nodes],
        ),
    ):
        family = GaugeMetricFamily(f"paperwire_store_node_{name}", about, labels=("node",))
        for node, value in zip(nodes, values, strict=True):
            family.add_metric((node.url,), float(value))
        yield family


def _histogram_metric(spec: MetricSpec, histograms: Mapping[tuple[str, ...], Histogram]) -> Metric:
    family = HistogramMetricFamily(spec.name, spec.help, labels=spec.labels)
    for labels, histogram in histograms.items():
        buckets = [
            ("+Inf" if bound == math.inf else str(bound), count)
            for bound, count in histogram.buckets
        ]
        family.add_metric(labels, buckets, histogram.sum)
    return family


def _store_problem_metric(cause: str) -> Metric:
    """Return why the store refuses, by name, as a series of 1; none if it says nothing."""
    family = GaugeMetricFamily(
        "paperwire_store_problem", "1 for the reason why the store refuses.", labels=("cause",)
    )
    if cause:
        family.add_metric((cause,), 1.0)
    return family


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(f"paperwire_{name}", about, value=float(value))


def _to_float(value: datetime | int) -> float:
    return value.timestamp() if isinstance(value, datetime) else float(value)
