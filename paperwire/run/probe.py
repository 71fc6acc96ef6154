"""Health checks of the web server, the worker and the scheduler, for containers."""

from __future__ import annotations

import json
import socket
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from typing import Final

from papers.config.settings import Settings
from papers.errors import StoreError
from papers.redis_backend import keys
from papers.redis_backend.connection import connect, translate_store_errors

HEARTBEAT_TIMEOUT: Final = timedelta(minutes=2)
"""A worker sends heartbeats more often than that, also during a job."""

MAX_HEALTH_BYTES: Final = 4096
"""A longer response is none of `/healthz`."""


def check_web_alive(settings: Settings) -> None:
    """Check that the web server on this host answers. Raises StoreError."""
    url = f"http://127.0.0.1:{settings.port}/healthz"
    try:
        urllib.request.urlopen(url, timeout=3).close()
    except OSError as error:
        raise StoreError(f"the web server does not answer at {url}: {error}") from error


def is_web_server_ours(settings: Settings) -> bool:
    """Return whether what listens on the web server's port of this machine is a Paperwire.

    For processes that were started separately: `up` records its address in the data folder.
    """
    url = f"http://127.0.0.1:{settings.port}/healthz"
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            document = json.loads(response.read(MAX_HEALTH_BYTES))
    except (OSError, HTTPException, ValueError):
        return False
    return isinstance(document, dict) and {"status", "store"} <= document.keys()


def check_scheduler_alive(settings: Settings) -> None:
    """Check that some scheduler holds its lease. Raises StoreError."""
    redis = connect(settings.redis_url, retry=False)
    with translate_store_errors(redis):
        if not redis.exists(keys.SCHEDULER_LEASE):
            raise StoreError("no scheduler is running: its lease is free")


def check_worker_alive(settings: Settings) -> None:
    """Check for a recent heartbeat of a worker on this host. Raises StoreError."""
    from rq import Worker

    redis, now = connect(settings.redis_url, retry=False), datetime.now(UTC)
    with translate_store_errors(redis):
        here = [w for w in Worker.all(connection=redis) if w.hostname == socket.gethostname()]
    heartbeats = [w.last_heartbeat for w in here if w.last_heartbeat]
    if not heartbeats or now - max(heartbeats) > HEARTBEAT_TIMEOUT:
        raise StoreError(f"no worker on {socket.gethostname()} has sent a heartbeat recently")


HEALTH_CHECKS: Final[dict[str, Callable[[Settings], None]]] = {
    "web": check_web_alive,
    "worker": check_worker_alive,
    "scheduler": check_scheduler_alive,
}
