"""The clock of the store's host, the only one that all processes share.

A host whose clock is wrong would wake tasks hours late, or all at once, and take a task that ran
for one that did not. So what is due is decided by the store's time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from redis import Redis

from papers.redis_backend.connection import translate_store_errors


def read_store_time(redis: Redis) -> datetime:
    """Return the time of the store's host, aware UTC. Raises StoreError."""
    with translate_store_errors(redis):
        reply: Any = redis.time()
    seconds, microseconds = reply
    return datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=microseconds)


def store_clock(redis: Redis) -> Callable[[], datetime]:
    """Return a clock that is set once by the store's time, for the length of a job.

    Raises StoreError.
    """
    began, started = read_store_time(redis), time.monotonic()
    return lambda: began + timedelta(seconds=time.monotonic() - started)
