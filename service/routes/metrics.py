"""`/metrics`: the store, the sources and the work to be done, for Prometheus.

Everything is read from the store when it is asked for: jobs run in processes that come and go, and
their own counters would go with them. For this machine, or for whoever has the token.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from flask import Blueprint, Request, Response, request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry
from redis import Redis

from papers.errors import StoreError
from papers.redis_backend import health, keys
from papers.redis_backend.connection import translate_store_errors
from papers.redis_backend.health import StoreStatus
from papers.state.task_states import MAX_QUARANTINED, TaskState, TaskStatus
from service.context import AppContext, context
from service.http.auth import require_token

metrics = Blueprint("metrics", __name__)

QUEUE_KEY: Final = "rq:queue:paperwire"
"""The list of wake-ups that no worker has taken yet."""

WORKERS_KEY: Final = "rq:workers"
"""The set of workers that have announced themselves."""

_SOURCE_GAUGES: Final = (
    ("got", "Records that the last attempt brought."),
    ("usual", "Records that such a day usually has, where that is known."),
    ("failures", "Attempts in a row that were neither ok nor quiet."),
    ("attempted_at", "When it was last asked, in seconds since 1970."),
    ("succeeded_at", "When it was last ok or quiet, in seconds since 1970."),
)


@metrics.get("/metrics")
def exposed() -> Response:
    """What Prometheus reads. Raises NotAllowed for others than this machine without the token."""
    ctx = context()
    if not is_local(request, proxies=ctx.settings.trusted_proxies):
        require_token(ctx.settings, request.headers)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_StoreCollector(ctx))
    headers = {"Cache-Control": "no-store"}
    return Response(generate_latest(registry), headers=headers, content_type=CONTENT_TYPE_LATEST)


def is_local(http_request: Request, *, proxies: int) -> bool:
    """Whether a request comes from this machine itself, and through no proxy but trusted ones."""
    if not proxies and (
        "X-Forwarded-For" in http_request.headers or "Forwarded" in http_request.headers
    ):
        return False
    try:
        return ipaddress.ip_address(http_request.remote_addr or "").is_loopback
    except ValueError:
        return False


def live_worker_count(redis: Redis) -> int:
    """How many workers were heard of lately: of one that was killed the name stays, for a while."""
    names: Any = redis.smembers(WORKERS_KEY)
    return int(redis.exists(*names)) if names else 0


class _StoreCollector(Collector):
    """One look at the store. What it does not answer any more is left out."""

    def __init__(self, ctx: AppContext) -> None:
        self._ctx = ctx

    def collect(self) -> Iterator[Metric]:
        """Every metric, as far as the store tells."""
        found = health.check_health(self._ctx.redis)
        up, ok = found.status is not StoreStatus.UNREACHABLE, found.status is StoreStatus.OK
        yield _gauge("store_up", "Whether the store answers.", up)
        yield _gauge("store_writable", "Whether the store takes writes.", ok)
        if not up:
            return
        yield _gauge("store_memory_bytes", "Memory that the store uses.", found.used_memory)
        try:
            yield from self._workload()
            yield from _source_metrics(self._ctx.source_states.all())
        except StoreError:  # it went away in between: the next reading tells
            return

    def _workload(self) -> Iterator[Metric]:
        at, redis = self._ctx, self._ctx.redis
        with translate_store_errors(redis):
            waiting: Any = redis.llen(QUEUE_KEY)
            overdue: Any = redis.zcount(keys.DUE_TASKS, "-inf", at.now().timestamp())
            aside: Any = redis.llen(keys.QUARANTINE)
            workers = live_worker_count(redis)
            scheduled = redis.exists(keys.SCHEDULER_LEASE)
        yield _gauge("papers", "Papers kept.", at.store.count_papers())
        yield _gauge("revision", "Moves whenever a feed may have changed.", at.store.revision())
        yield _gauge("workers", "Workers that were heard of in the last two minutes.", workers)
        yield _gauge("scheduler_up", "Whether a scheduler ticks.", scheduled)
        yield _gauge("wake_ups", "Wake-ups that no worker has taken yet.", waiting)
        yield _gauge("tasks_due", "Tasks whose time has come.", overdue)
        yield _gauge("set_aside", f"Records set aside, {MAX_QUARANTINED} at most.", aside)


def _source_metrics(states: list[TaskState]) -> Iterator[Metric]:
    """A gauge for each state a source may be in, 1 for the one it is in; then its figures."""
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


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(f"paperwire_{name}", about, value=float(value))


def _to_float(value: datetime | int) -> float:
    return value.timestamp() if isinstance(value, datetime) else float(value)
