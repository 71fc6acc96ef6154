"""Redis tier: rendered responses in each coding that was requested, and their validators.

Bodies expire after a day. As clients can make up queries all day, custom responses are limited in
number too, and the oldest are evicted. Validators outlive the body.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any, Final

from redis import Redis

from papers.errors import StoreError
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors
from service.cache.cached_body import CachedBody, pack_cached_body
from service.cache.encodings import ENCODINGS

BODY_TTL_SECONDS: Final = 24 * 3600
VALIDATOR_TTL_SECONDS: Final = 30 * 24 * 3600
_log = logging.getLogger(__name__)


class RedisTier:
    """The responses in one Redis, `max_custom` custom ones at most.

    A store that takes no writes is logged: it costs speed, not the response.
    """

    def __init__(self, redis: Redis, max_custom: int) -> None:
        self._redis, self._max_custom = redis, max_custom

    def put(self, digest: str, cached_body: CachedBody, *, is_custom: bool, now: datetime) -> None:
        """Store a body in the one coding it has, and its validators."""
        (coding,) = cached_body.encoded_bodies
        try:
            with (
                translate_store_errors(self._redis),
                self._redis.pipeline(transaction=False) as pipe,
            ):
                pipe.set(
                    keys.rendered_response(digest, coding),
                    pack_cached_body(cached_body),
                    ex=BODY_TTL_SECONDS,
                )
                validators = pack_cached_body(cached_body.without_body)
                pipe.set(keys.response_validators(digest), validators, ex=VALIDATOR_TTL_SECONDS)
                if is_custom:
                    pipe.zadd(keys.CUSTOM_RESPONSES, {digest: now.timestamp()})
                    pipe.zcard(keys.CUSTOM_RESPONSES)
                *_, count = pipe.execute()
                if is_custom and count > self._max_custom:
                    self._evict_oldest_custom(count - self._max_custom)
        except StoreError as error:
            _log.warning("response not cached: %s", error)

    def _evict_oldest_custom(self, excess: int) -> None:
        """Delete the oldest custom responses, with their validators."""
        evicted: Any = self._redis.zpopmin(keys.CUSTOM_RESPONSES, excess)
        with self._redis.pipeline(transaction=False) as pipe:
            for digest in (old.decode() for old, _ in evicted):
                for coding in ENCODINGS:
                    pipe.unlink(keys.rendered_response(digest, coding))
                pipe.unlink(keys.response_validators(digest))
            pipe.execute()
