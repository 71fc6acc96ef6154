"""A lease: one holder at a time, on any host, for as long as it is renewed."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from redis import Redis

from papers.config.settings import Seconds
from papers.errors import StoreError
from papers.redis_backend.connection import translate_store_errors

log = logging.getLogger(__name__)

_RENEW_SCRIPT: Final = """
-- KEYS: the lease. ARGV: token, milliseconds. Extends the lease and returns 1 if we hold it.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""

_RELEASE_SCRIPT: Final = """
-- KEYS: the lease. ARGV: token. Deletes the lease if we hold it.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""


class Lease:
    """A lease on `key`; it expires `seconds` after it was last acquired or renewed."""

    def __init__(self, redis: Redis, key: str, seconds: Seconds) -> None:
        self._redis, self._key, self._milliseconds = redis, key, round(seconds * 1000)
        self._token = secrets.token_hex(16)

    def acquire(self) -> bool:
        """Acquire or renew the lease; False while another holds it. Raises StoreUnavailable."""
        with translate_store_errors(self._redis):
            if self._redis.set(self._key, self._token, nx=True, px=self._milliseconds):
                return True
            renewed: Any = self._redis.eval(
                _RENEW_SCRIPT, 1, self._key, self._token, str(self._milliseconds)
            )
            return bool(renewed)

    def release(self) -> None:
        """Release the lease if it is ours. Raises StoreUnavailable."""
        with translate_store_errors(self._redis):
            self._redis.eval(_RELEASE_SCRIPT, 1, self._key, self._token)


@contextmanager
def heartbeat_thread(beat: Callable[[], object], interval: Seconds) -> Iterator[None]:
    """Call `beat` from its own thread at the interval, until the block ends.

    A beat that the store misses is logged; the next one may succeed.
    """
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(interval):
            try:
                beat()
            except StoreError as error:
                log.warning("a lease could not be renewed: %s", error)

    thread = threading.Thread(target=run, name="beating", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
