"""Redis tier: the validators of current responses, each with the state of the store.

As clients can make up queries all day, those of custom responses are limited in number, and the
oldest are evicted. A lock for each response has one process render it.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any, Final

from redis import Redis
from redis.exceptions import LockError
from redis.lock import Lock

from papers.errors import StoreError, StoreUnavailable
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors
from service.cache.cached_body import CachedBody, pack_cached_body

VALIDATOR_TTL_SECONDS: Final = 30 * 24 * 3600
_log = logging.getLogger(__name__)


class RedisTier:
    """The validators in one Redis, of `max_custom` custom responses at most.

    A store that takes no writes is logged: it costs speed, not the response.
    """

    def __init__(self, redis: Redis, max_custom: int) -> None:
        self._redis, self._max_custom = redis, max_custom

    def put(self, digest: str, cached_body: CachedBody, *, is_custom: bool, now: datetime) -> None:
        """Store the validators of a response."""
        try:
            with (
                translate_store_errors(self._redis),
                self._redis.pipeline(transaction=False) as pipe,
            ):
                validators = pack_cached_body(cached_body.without_body)
                pipe.set(keys.response_validators(digest), validators, ex=VALIDATOR_TTL_SECONDS)
                if is_custom:
                    pipe.zadd(keys.CUSTOM_RESPONSES, {digest: now.timestamp()})
                    pipe.zcard(keys.CUSTOM_RESPONSES)
                *_, count = pipe.execute()
                if is_custom and count > self._max_custom:
                    self._evict_oldest_custom(count - self._max_custom)
        except StoreError as error:
            _log.warning("validators not stored: %s", error)

    def _evict_oldest_custom(self, excess: int) -> None:
        """Delete the validators of the oldest custom responses."""
        evicted: Any = self._redis.zpopmin(keys.CUSTOM_RESPONSES, excess)
        with self._redis.pipeline(transaction=False) as pipe:
            for digest in (old.decode() for old, _ in evicted):
                pipe.unlink(keys.response_validators(digest))
            pipe.execute()

    def try_lock(self, lock: Lock) -> bool:
        """Return True if this process is to render; a store that takes no writes locks nothing."""
        try:
            with translate_store_errors(self._redis):
                return bool(lock.acquire())
        except StoreUnavailable:
            raise
        except StoreError as error:
            _log.warning("rendering without a lock: %s", error)
            return True

    def release(self, lock: Lock) -> None:
        """Release a lock, if it was acquired."""
        try:
            with translate_store_errors(self._redis):
                if lock.local.token is not None:
                    lock.release()
        except (LockError, StoreError) as error:
            # It has expired or will, and another process may hold it by now.
            _log.info("lock not released: %s", error)
