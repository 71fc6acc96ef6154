"""Answers that are rendered once and served to everyone until what they show has changed.

    one round trip: revision, source states, keyword, and the cached answer
    (`service/cache/lookup.py`) unless this process has one
      ─▶ made from this very state: that answer
      ─▶ somebody is rendering: the answer before, or a short wait for theirs
      ─▶ made from this state for clients of another coding: packed in this one, and kept
      ─▶ too many new questions by this client: the answer before, or TooMany
      ─▶ render; the same bytes again keep their ETag and Last-Modified; keep in Redis and on disk
    store away, or emptied ─▶ the last good answer from disk, or StoreError

Last-Modified is the moment the content was first seen to differ from what it was before. It is
kept beside the ETag in a key of its own that outlives the answer, so the two change together, in
all processes and after the answer has expired; it never goes back, and of two changes within a
second the later gets the next one.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from redis import Redis
from redis.exceptions import LockError
from redis.lock import Lock

from papers.errors import StoreError, StoreUnavailable, TooManyRequests
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors
from service.cache.cached_body import (
    CachedBody,
    build_cached_body,
    pack_cached_body,
    unpack_cached_body,
)
from service.cache.disk_tier import DiskTier
from service.cache.lookup import CacheKey, CacheLookup
from service.cache.redis_tier import RedisTier

RENDER_LOCK_SECONDS: Final = 10.0
RENDER_WAIT_SECONDS: Final = 2.0
_POLL_SECONDS: Final = 0.05
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServedBody:
    """An answer; `away` if it is the last good one of a store that is absent or was emptied."""

    cached_body: CachedBody
    is_stale: bool = False


@dataclass(frozen=True, slots=True)
class _RenderRequest:
    """One request for an answer, the digest it is kept by, and what `Answers.get` was given."""

    cache_key: CacheKey
    digest: str
    render: Callable[[], bytes]
    now: datetime
    consume_quota: Callable[[], None]


class RenderCache:
    """The cache.

    `site` tells the answers of one public address from another's; answers of another `edition` of
    the code are rendered again, and keep their validators where the bytes are the same. Of the
    answers that anyone can ask for, the store keeps `most_custom`.
    """

    def __init__(
        self,
        redis: Redis,
        disk_tier: DiskTier,
        *,
        base_url: str,
        build_id: str,
        max_custom: int = 1_000,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._redis = redis
        self._disk_tier = disk_tier
        self._base_url = base_url
        self._lookup = CacheLookup(redis, disk_tier, build_id)
        self._redis_tier = RedisTier(redis, max_custom)
        self._sleep = sleep

    def get(
        self,
        cache_key: CacheKey,
        render: Callable[[], bytes],
        *,
        now: datetime,
        consume_quota: Callable[[], None] = lambda: None,
    ) -> ServedBody:
        """The answer to a request; `render` makes its body if need be.

        `spend` counts what anyone can ask for and what must be rendered; it may raise TooMany.
        Raises StoreError where the store does not serve and no answer was kept, UnknownKeyword,
        and what `spend` and `render` raise.
        """
        digest = self._digest(cache_key)
        try:
            answer = self._get_or_render(
                _RenderRequest(cache_key, digest, render, now, consume_quota)
            )
        except StoreError as error:
            kept = unpack_cached_body(self._disk_tier.get(digest, is_custom=cache_key.is_custom))
            if kept is None:
                raise
            _log.warning("served the last good %s: %s", cache_key.canonical_path, error)
            return ServedBody(kept, is_stale=True)
        if not self._disk_tier.has_written(digest, answer.etag):
            self._disk_tier.put(
                digest, answer.etag, pack_cached_body(answer), is_custom=cache_key.is_custom
            )
        return ServedBody(answer)

    def _get_or_render(self, request: _RenderRequest) -> CachedBody:
        state = self._lookup.get(request.cache_key, request.digest)
        if state.current:
            return state.current
        lock = self._redis.lock(
            keys.render_lock(request.digest), timeout=RENDER_LOCK_SECONDS, blocking=False
        )
        waits = not self._try_lock(lock)
        if waits and (
            awaited := state.cached
            or self._wait_for_other_renderer(request.cache_key, request.digest)
        ):
            return awaited
        try:
            return self._render_and_store(request)
        finally:
            self._release(lock)

    def _render_and_store(self, request: _RenderRequest) -> CachedBody:
        """The answer made from the state of now, and kept; unless somebody was faster."""
        wanted, digest, now = request.cache_key, request.digest, request.now
        state = self._lookup.get_all_codings(wanted, digest)
        if state.current and wanted.coding in state.current.encoded_bodies:
            return state.current
        try:
            if wanted.is_custom and not state.current:
                request.consume_quota()
        except TooManyRequests:
            if state.cached:
                return state.cached
            raise
        made = state.current or build_cached_body(
            self._render_body(request),
            wanted.coding,
            version_stamp=state.version_stamp,
            previous=state.previous,
            now=now,
        )
        made = made.reencoded(wanted.coding)
        self._redis_tier.put(digest, made, is_custom=wanted.is_custom, now=now)
        return made

    def _render_body(self, request: _RenderRequest) -> bytes:
        """The body of an answer; StoreError if the store was emptied while it was rendered."""
        try:
            return request.render()
        finally:
            self._lookup.verify_store(request.cache_key, request.digest)

    def _try_lock(self, lock: Lock) -> bool:
        """Whether this process renders: one does. A store that takes no writes locks nothing."""
        try:
            with translate_store_errors(self._redis):
                return bool(lock.acquire())
        except StoreUnavailable:
            raise
        except StoreError as error:
            _log.warning("rendering without a lock: %s", error)
            return True

    def _release(self, lock: Lock) -> None:
        try:
            with translate_store_errors(self._redis):
                if lock.local.token is not None:
                    lock.release()
        except (LockError, StoreError) as error:
            # It has lapsed, or will: whoever holds it now is another.
            _log.info("lock not released: %s", error)

    def _wait_for_other_renderer(self, cache_key: CacheKey, digest: str) -> CachedBody | None:
        """The answer somebody else is rendering, if it comes within the wait."""
        for _ in range(int(RENDER_WAIT_SECONDS / _POLL_SECONDS)):
            self._sleep(_POLL_SECONDS)
            if cached := self._lookup.get(cache_key, digest).cached:
                return cached
        return None

    def _digest(self, cache_key: CacheKey) -> str:
        return hashlib.blake2b(
            f"{self._base_url}\n{cache_key.canonical_path}".encode(), digest_size=16
        ).hexdigest()
