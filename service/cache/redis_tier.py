"""Redis tier: the validators of current responses, each with the state of the store.

As clients can make up queries all day, those of custom responses are limited in number, and the
oldest are evicted. A lock for each response has one process render it; taking and releasing it
needs no round trip of its own.
"""

from __future__ import annotations

import logging
from datetime import datetime
from functools import cached_property
from typing import Any, Final
from uuid import uuid4

from redis import Redis

from papers.errors import StoreError
from papers.redis_backend import keys
from papers.redis_backend.connection import RedisCommand, read_many, translate_store_errors
from service.cache.cached_body import CachedBody, StoredValidators

VALIDATOR_TTL_SECONDS: Final = 30 * 24 * 3600
RENDER_LOCK_SECONDS: Final = 10.0
_EVICTED_SHARE: Final = 50
"""One in so many custom responses is evicted at once: to evict takes two round trips, which few
readers should wait for."""
_log = logging.getLogger(__name__)

_ACQUIRE_SCRIPT: Final = """
if KEYS[2] and redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
local set = redis.pcall('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2])
if not set then return 0 end
return set.err or 1
"""
"""Returns 1 if the lock is acquired, 0 if it is held or the second key exists, or the error of a
store that takes no writes: commands sent with this one have their replies all the same."""

_RELEASE_SCRIPT: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


class RenderLock:
    """The lock of one response, for one request: as commands, to be sent with others."""

    def __init__(self, digest: str) -> None:
        self._digest = digest
        self.is_held = False
        """True once this request is to render, if only because the store takes no writes."""

    @property
    def _key(self) -> str:
        return keys.render_lock(self._digest)

    @cached_property
    def _token(self) -> str:
        return uuid4().hex

    def acquire_command(self, *, if_never_rendered: bool = False) -> RedisCommand:
        """Return the command to acquire it; at will only while the store has no validators."""
        names = [self._key]
        if if_never_rendered:
            names.append(keys.response_validators(self._digest))
        milliseconds = str(int(RENDER_LOCK_SECONDS * 1000))
        return ("EVAL", _ACQUIRE_SCRIPT, str(len(names)), *names, self._token, milliseconds)

    def accept(self, reply: Any) -> bool:
        """Take the reply to `acquire_command`; return `is_held`."""
        if isinstance(reply, bytes):
            _log.warning("rendering without a lock: %s", reply.decode(errors="replace"))
        self.is_held = bool(reply)
        return self.is_held

    @property
    def release_command(self) -> RedisCommand:
        """The command to release it, if it has not expired: another process may hold it by now."""
        return ("EVAL", _RELEASE_SCRIPT, "1", self._key, self._token)


class RedisTier:
    """The validators in one Redis, of `max_custom` custom responses at most.

    A store that takes no writes is logged: it costs speed, not the response.
    """

    def __init__(self, redis: Redis, build_id: str, max_custom: int) -> None:
        self._redis, self._build_id, self._max_custom = redis, build_id, max_custom

    def put(
        self,
        digest: str,
        cached_body: CachedBody,
        stored: StoredValidators,
        lock: RenderLock,
        *,
        is_custom: bool,
        now: datetime,
    ) -> None:
        """Store the validators of a response and release its lock, in one round trip.

        `stored` has those that another build of the code stored, which stay.
        """
        validators = stored.pack(cached_body.without_body, self._build_id)
        seconds, added = str(VALIDATOR_TTL_SECONDS), str(now.timestamp())
        commands: list[RedisCommand] = [
            ("SET", keys.response_validators(digest), validators, "EX", seconds)
        ]
        if is_custom:
            commands.append(("ZADD", keys.CUSTOM_RESPONSES, added, digest))
            commands.append(("ZCARD", keys.CUSTOM_RESPONSES))
        if lock.is_held:
            commands.append(lock.release_command)
        try:
            with translate_store_errors(self._redis):
                _, *counts = read_many(self._redis, commands)
                lock.is_held = False
                if is_custom and (excess := counts[1] - self._max_custom) > 0:
                    self._evict_oldest_custom(excess + self._max_custom // _EVICTED_SHARE)
        except StoreError as error:
            _log.warning("validators not stored: %s", error)

    def _evict_oldest_custom(self, excess: int) -> None:
        """Delete the validators of the oldest custom responses."""
        evicted: Any = self._redis.zpopmin(keys.CUSTOM_RESPONSES, excess)
        with self._redis.pipeline(transaction=False) as pipe:
            for digest in (old.decode() for old, _ in evicted):
                pipe.unlink(keys.response_validators(digest))
            pipe.execute()

    def try_lock(self, lock: RenderLock) -> bool:
        """Return True if this process is to render."""
        with translate_store_errors(self._redis):
            (reply,) = read_many(self._redis, [lock.acquire_command()])
            return lock.accept(reply)

    def release(self, lock: RenderLock) -> None:
        """Release a lock that is held."""
        lock.is_held = False
        try:
            with translate_store_errors(self._redis):
                read_many(self._redis, [lock.release_command])
        except StoreError as error:
            _log.info("lock not released, it will expire: %s", error)
