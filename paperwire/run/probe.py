"""Whether a part is alive, for whoever starts it: a container's health check."""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from papers.config.settings import Settings
from papers.errors import StoreError
from papers.redis_backend import keys
from papers.redis_backend.connection import connect, translate_store_errors

HEARTBEAT_TIMEOUT: Final = timedelta(minutes=2)
"""A worker says that it lives more often than that, in the midst of a job too."""


def check_web_alive(settings: Settings) -> None:
    """The web server on this host answers. Raises StoreError."""
    url = f"http://127.0.0.1:{settings.port}/healthz"
    try:
        urllib.request.urlopen(url, timeout=3).close()
    except OSError as error:
        raise StoreError(f"the web server does not answer at {url}: {error}") from error


def check_scheduler_alive(settings: Settings) -> None:
    """Some scheduler ticks. Raises StoreError."""
    redis = connect(settings.redis_url, retry=False)
    with translate_store_errors(redis):
        if not redis.exists(keys.SCHEDULER_LEASE):
            raise StoreError("no scheduler ticks: nobody holds its lease")


def check_worker_alive(settings: Settings) -> None:
    """A worker on this host was heard of. Raises StoreError."""
    from rq import Worker

    redis, now = connect(settings.redis_url, retry=False), datetime.now(UTC)
    with translate_store_errors(redis):
        here = [w for w in Worker.all(connection=redis) if w.hostname == socket.gethostname()]
    heard = [w.last_heartbeat for w in here if w.last_heartbeat]
    if not heard or now - max(heard) > HEARTBEAT_TIMEOUT:
        raise StoreError(f"no worker on {socket.gethostname()} was heard of lately")


HEALTH_CHECKS: Final[dict[str, Callable[[Settings], None]]] = {
    "web": check_web_alive,
    "worker": check_worker_alive,
    "scheduler": check_scheduler_alive,
}
