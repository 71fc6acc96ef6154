"""A circuit breaker for commands to Redis: after repeated failures they fail at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final, Self, TypeVar

from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

T = TypeVar("T")

BREAKER_COOLDOWN: Final = 1.0
"""Seconds the circuit breaker stays open."""


class CircuitBreakerRetry(Retry):
    """A circuit breaker: no retries, and after repeated failures commands fail at once.

    A second later one command is let through as a probe. Without it every request to a store that
    hangs would block a thread for half a second, and a hundred readers would queue up. One slow
    reply is no repetition, whoever waits behind it: the breaker opens when a command fails that
    began after another had failed, with no success in between. All connections of a client share
    one breaker, hence `__deepcopy__`.
    """

    def __init__(self) -> None:
        super().__init__(NoBackoff(), 0)
        self._lock = threading.Lock()
        self._local = threading.local()
        self._failed_at: float | None = None
        """When the first command since the last success failed."""
        self._is_open, self._next_attempt = False, 0.0
        self._last_error: Exception | None = None

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def call_with_retry(self, do: Callable[[], T], *args: Any, **kwargs: Any) -> T:
        """Call `do`, unless the breaker is open (redis-py's interface)."""
        if getattr(self._local, "is_calling", False):  # connecting, inside the call of a command
            return super().call_with_retry(do, *args, **kwargs)
        began = self.admit()
        self._local.is_calling = True
        try:
            result = super().call_with_retry(do, *args, **kwargs)
        except (RedisConnectionError, RedisTimeoutError) as error:
            self.record_failure(began, error)
            raise
        finally:
            self._local.is_calling = False
        self.record_success()
        return result

    def admit(self) -> float:
        """Return the time, at which a command may begin. Raises while the breaker is open."""
        now = time.monotonic()
        if self._is_open:
            with self._lock:
                if now < self._next_attempt:
                    raise RedisConnectionError(
                        "it failed less than a second ago"
                    ) from self._last_error
                self._next_attempt = now + BREAKER_COOLDOWN
        return now

    def record_success(self) -> None:
        """Close the breaker: a command succeeded."""
        self._failed_at, self._is_open = None, False

    def record_failure(self, began: float, error: Exception) -> None:
        """Note that a command that began at that time failed."""
        with self._lock:
            now, self._last_error = time.monotonic(), type(error)(*error.args)
            if self._failed_at is None:
                self._failed_at = now
            elif began >= self._failed_at:
                self._is_open = True
            self._next_attempt = now + BREAKER_COOLDOWN
