"""Render cache: a response is rendered once and served to all until what it shows has changed.

Requests for the same uncached response are coalesced (single-flight): one process renders.

    one round trip: revision, task states, keywords, and the cached response
      (`service/cache/lookup.py`) unless this process has it in memory
      ─▶ rendered from this very state: serve it
      ─▶ another process is rendering: wait for its response; if that takes long, serve the
         previous one to a client that has an even older one, else render
      ─▶ rendered from this state in another coding: encode it in this one, and store it
      ─▶ custom, and the client used up its quota: TooManyRequests, unless it proves with a
         validator that it was sent the last response
      ─▶ render; equal bytes keep their ETag and Last-Modified; store in Redis and on disk
    store unavailable, or emptied ─▶ serve the last good response from disk, or StoreError

So no client gets a 304 for old bytes, nor old bytes twice, because somebody was busy.

Last-Modified is the time at which the content was first seen to differ from what it was before. It
is stored with the ETag under a key of its own that outlives the body, so the two change together,
in all processes and after the body has expired. It never goes back, and of two changes within a
second the later one gets the next second.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from redis import Redis
from redis.exceptions import LockError
from redis.lock import Lock

from papers.errors import StoreError, StoreUnavailable
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors
from papers.state.keyword_directory import KeywordDirectory
from service.cache.cached_body import (
    CachedBody,
    build_cached_body,
    pack_cached_body,
    unpack_cached_body,
)
from service.cache.disk_tier import DiskTier
from service.cache.lookup import CacheKey, CacheLookup, LookupResult, RenderState
from service.cache.redis_tier import RedisTier
from service.cache.version_stamp import StoreVersion

RENDER_LOCK_SECONDS: Final = 10.0
RENDER_WAIT_SECONDS: Final = 2.0
PREVIOUS_SECONDS: Final = 5.0
"""Seconds of a rendering during which others may get the previous response.

So few that no second rendering, after the lock of a dead process has expired, makes them ten."""

_POLL_SECONDS: Final = 0.05
_log = logging.getLogger(__name__)

Renderer = Callable[[StoreVersion], bytes]
"""Renders a body, with the keywords and task states of the version that it is given."""


class SentValidators(Protocol):
    """The validators that the client of a request sent."""

    def prove(self, body: CachedBody) -> bool:
        """Return True if the client was sent this body, of which only validators may be left."""
        ...

    def allow_previous(self, body: CachedBody) -> bool:
        """Return True if this body, which may have changed, may be sent while it is rendered."""
        ...


class _NoClient:
    """No client: a caller within the process, which compares nothing between two calls."""

    def prove(self, _: CachedBody) -> bool:
        return False

    def allow_previous(self, _: CachedBody) -> bool:
        return True


_NO_CLIENT: Final = _NoClient()


@dataclass(frozen=True, slots=True)
class ServedBody:
    """A response to send.

    `is_stale` if it is the last good one, with the store unavailable; `is_previous` if it is the
    one before, while another process renders.
    """

    cached_body: CachedBody
    is_stale: bool = False
    is_previous: bool = False


@dataclass(frozen=True, slots=True)
class _RenderRequest:
    """The arguments of one `RenderCache.get`, with the digest of its cache key."""

    cache_key: CacheKey
    digest: str
    render: Renderer
    now: datetime
    consume_quota: Callable[[], None]
    charge: Callable[[float, bool], None]
    validators: SentValidators


class RenderCache:
    """Rendered responses in three tiers: process memory, Redis and disk.

    `base_url` is part of every key: URLs in a body begin with it. Responses rendered by a build
    with another `build_id` are rendered anew, and keep their validators if the bytes are equal. Of
    custom responses Redis keeps `max_custom`. `directory` is the one that the app shares.
    """

    def __init__(
        self,
        redis: Redis,
        disk_tier: DiskTier,
        *,
        base_url: str,
        build_id: str,
        max_custom: int = 1_000,
        directory: KeywordDirectory | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._redis = redis
        self._disk_tier = disk_tier
        self._base_url = base_url
        self._lookup = CacheLookup(redis, disk_tier, build_id, directory or KeywordDirectory(redis))
        self._redis_tier = RedisTier(redis, max_custom)
        self._sleep = sleep

    def get(
        self,
        cache_key: CacheKey,
        render: Renderer,
        *,
        now: datetime,
        consume_quota: Callable[[], None] = lambda: None,
        charge: Callable[[float, bool], None] = lambda _seconds, _is_new: None,
        validators: SentValidators = _NO_CLIENT,
    ) -> ServedBody:
        """Return the response to a request, rendering its body if no tier has it.

        `consume_quota` is called before a custom response is rendered and may raise
        TooManyRequests; `charge` is called after it, with the processor time in seconds and whether
        there was no response before. Raises StoreError if the store does not serve and the disk has
        no copy, UnknownKeyword, and what `consume_quota` and `render` raise.
        """
        digest = self._digest(cache_key.canonical_path)
        try:
            served = self._get_or_render(
                _RenderRequest(cache_key, digest, render, now, consume_quota, charge, validators)
            )
        except StoreError as error:
            packed = self._disk_tier.get(digest, is_custom=cache_key.is_custom)
            last_good = unpack_cached_body(packed)
            if last_good is None:
                raise
            _log.warning("served the last good %s: %s", cache_key.canonical_path, error)
            return ServedBody(last_good, is_stale=True)
        body = served.cached_body
        if not served.is_previous and not self._disk_tier.has_written(digest, body.etag):
            packed = pack_cached_body(body)
            self._disk_tier.put(digest, body.etag, packed, is_custom=cache_key.is_custom)
        return served

    def kept_validators(self, canonical_path: str) -> CachedBody | None:
        """Return the validators of the last response at a path, in one round trip.

        None if there are none, or the store does not serve.
        """
        key = keys.response_validators(self._digest(canonical_path))
        try:
            with translate_store_errors(self._redis):
                packed: Any = self._redis.get(key)
        except StoreError:
            return None
        return unpack_cached_body(packed)

    def _get_or_render(self, request: _RenderRequest) -> ServedBody:
        found = self._lookup.get(request.cache_key, request.digest)
        if found.current:
            return ServedBody(found.current)
        lock = self._redis.lock(
            keys.render_lock(request.digest), timeout=RENDER_LOCK_SECONDS, blocking=False
        )
        if not self._try_lock(lock):
            other = self._wait_for_other_renderer(request, found, lock)
            if other:
                return other
        try:
            return ServedBody(self._render_and_store(request))
        finally:
            self._release(lock)

    def _wait_for_other_renderer(
        self, request: _RenderRequest, first: LookupResult, lock: Lock
    ) -> ServedBody | None:
        """Return what another process renders, or the previous response; None to render now.

        A response of the state at the beginning of this request (`first`) is as good as one of the
        present state: in an ingest that changes from second to second.
        """
        for _ in range(int(RENDER_WAIT_SECONDS / _POLL_SECONDS)):
            self._sleep(_POLL_SECONDS)
            found = self._lookup.get(request.cache_key, request.digest)
            stamps = (first.version_stamp, found.version_stamp)
            if found.cached and found.cached.version_stamp in stamps:
                return ServedBody(found.cached)
            if self._try_lock(lock):
                return None
        previous = first.cached
        if previous and request.validators.allow_previous(previous) and self._is_fresh(request):
            return ServedBody(previous, is_previous=True)
        return None

    def _is_fresh(self, request: _RenderRequest) -> bool:
        """Return True if the other process has not been rendering for long."""
        with translate_store_errors(self._redis):
            left: Any = self._redis.pttl(keys.render_lock(request.digest))
        return int(left) > 1000 * (RENDER_LOCK_SECONDS - PREVIOUS_SECONDS)

    def _render_and_store(self, request: _RenderRequest) -> CachedBody:
        """Return the response of the present state; another process may have been faster."""
        coding = request.cache_key.coding
        state = self._lookup.get_render_state(request.cache_key, request.digest)
        if state.current and coding in state.current.encoded_bodies:
            return state.current
        is_custom = request.cache_key.is_custom
        if is_custom and not state.current and not _is_proven(request, state):
            request.consume_quota()
        began = time.thread_time()
        try:
            body = (state.current or self._render(request, state)).reencoded(coding)
            self._redis_tier.put(request.digest, body, is_custom=is_custom, now=request.now)
        finally:
            if is_custom:
                request.charge(time.thread_time() - began, state.previous is None)
        return body

    def _render(self, request: _RenderRequest, state: RenderState) -> CachedBody:
        """Render the response. Raises StoreError if the store was emptied meanwhile."""
        try:
            body = request.render(state.version)
        finally:
            self._lookup.verify_store(request.cache_key, request.digest)
        return build_cached_body(
            body,
            request.cache_key.coding,
            version_stamp=state.version_stamp,
            previous=state.previous,
            now=request.now,
        )

    def _try_lock(self, lock: Lock) -> bool:
        """Return True if this process is to render; a store that takes no writes locks nothing."""
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
            # It has expired or will, and another process may hold it by now.
            _log.info("lock not released: %s", error)

    def _digest(self, canonical_path: str) -> str:
        return hashlib.blake2b(
            f"{self._base_url}\n{canonical_path}".encode(), digest_size=16
        ).hexdigest()


def _is_proven(request: _RenderRequest, state: RenderState) -> bool:
    """Return True if the client has a validator of the last response, if any is kept."""
    return state.previous is not None and request.validators.prove(state.previous)
