"""Render cache: a response is rendered once and served to all until what it shows has changed.

Requests for the same uncached response are coalesced (single-flight): one process renders.

    one round trip: revision, sources in trouble, keywords, and the validators of the response
      (`service/cache/lookup.py`)
      ─▶ of this very state: serve it
      ─▶ no paper that changed since matches its query, as it was or as it is (`papers.changes`):
         serve it
      ─▶ another process is rendering: wait for its response; if that takes long, serve the
         previous one to a client that has an even older one, else render
      ─▶ custom, and the client used up its quota: TooManyRequests, unless it proves with a
         validator that it was sent the last response
      ─▶ search; what is to be rendered has the digest of what was: serve it
      ─▶ render; equal bytes keep their ETag and Last-Modified; validators go to Redis, the body to
         memory and disk (`service/cache/body_tiers.py`)
    the client has it: 304 without a body; the body is on another machine: render
    store unavailable, or emptied ─▶ serve the last good response from disk, or StoreError

So no client gets a 304 for old bytes, nor old bytes twice, because another process was busy.

Last-Modified is the time at which the content was first seen to differ from what it was before. It
is stored with the ETag, so the two change together, in all processes. It never goes back, and of
two changes within a second the later one gets the next second.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from redis import Redis

from papers.changes.recent_changes import RecentChanges
from papers.errors import StoreError
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors
from papers.state.keyword_directory import KeywordDirectory
from service.cache.body_tiers import BodyTiers
from service.cache.cached_body import CachedBody, StoredValidators, build_cached_body
from service.cache.disk_tier import DiskTier
from service.cache.lookup import CacheKey, CacheLookup, LookupResult
from service.cache.redis_tier import RENDER_LOCK_SECONDS, RedisTier, RenderLock
from service.cache.render_request import (
    NO_CLIENT,
    PreparedBody,
    Renderer,
    RenderRequest,
    SentValidators,
    ServedBody,
    ShownQuery,
)

RENDER_WAIT_SECONDS: Final = 2.0
PREVIOUS_SECONDS: Final = 5.0
"""Seconds of a rendering during which others may get the previous response.

Together with a second rendering, after the lock of a dead process has expired, they stay below
ten."""

MAX_UNSTAMPED_CHANGES: Final = 8
"""After so many changes of the store that do not affect a response, its stamp is renewed for all
processes, as the change log is short."""

_POLL_SECONDS: Final = 0.05
_log = logging.getLogger(__name__)


class RenderCache:
    """Rendered responses: their validators in Redis, their bodies in process memory and on disk.

    `base_url` is part of every key: URLs in a body begin with it. Responses rendered by a build
    with another `build_id` are rendered anew, and keep their validators if the bytes are equal. Of
    two builds that run side by side each has its own validators and bodies of a response. Of
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
        self._base_url, self._build_id = base_url, build_id
        self._bodies = BodyTiers(disk_tier, build_id)
        directory = directory or KeywordDirectory(redis)
        self._lookup = CacheLookup(redis, self._bodies, build_id, directory)
        self._redis_tier = RedisTier(redis, build_id, max_custom)
        self._changes = RecentChanges(redis)
        self._sleep = sleep

    def get(
        self,
        cache_key: CacheKey,
        render: Renderer,
        *,
        now: datetime,
        shown_query: ShownQuery | None = None,
        consume_quota: Callable[[], None] = lambda: None,
        charge: Callable[[float, bool], None] = lambda _seconds, _is_new: None,
        validators: SentValidators = NO_CLIENT,
    ) -> ServedBody:
        """Return the response to a request, rendering its body if no tier has it.

        `consume_quota` is called before a custom response is rendered and may raise
        TooManyRequests; `charge` is called after it, with the processor time in seconds and whether
        there was no response before. Raises StoreError if the store does not serve and the disk has
        no copy, UnknownKeyword, and what `consume_quota` and `render` raise.
        """
        digest = self._digest(cache_key.canonical_path)
        request = RenderRequest(
            cache_key, digest, render, shown_query, now, consume_quota, charge, validators
        )
        try:
            return self._get_or_render(request)
        except StoreError as error:
            last_good = self._last_good(request)
            if last_good is None:
                raise
            _log.warning("served the last good %s: %s", cache_key.canonical_path, error)
            return ServedBody(last_good, validators.match(last_good), is_stale=True)

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
        return StoredValidators.unpack(packed, self._build_id).newest

    def _get_or_render(self, request: RenderRequest) -> ServedBody:
        lock = RenderLock(request.digest)
        try:
            found = self._lookup.get(request.cache_key, request.digest, lock)
            if found.current or self._is_unaffected(request, found, MAX_UNSTAMPED_CHANGES):
                self._lookup.add_proof(request.cache_key, request.digest, found)
                if served := self._serve(request, found.cached):
                    return served
            state = found if lock.is_held else self._lock_and_read(request, lock)
            if not lock.is_held:
                if other := self._wait_for_other_renderer(request, found, lock):
                    return other
                state = self._lookup.get_render_state(request.cache_key, request.digest, lock)
            rendered = self._render_and_store(request, state, lock)
            is_sent = request.validators.match(rendered)
            return ServedBody(rendered, is_not_modified=is_sent, is_rendered=True)
        finally:
            if lock.is_held:
                self._redis_tier.release(lock)

    def _lock_and_read(self, request: RenderRequest, lock: RenderLock) -> LookupResult:
        return self._lookup.get_render_state(request.cache_key, request.digest, lock, acquire=True)

    def _serve(
        self, request: RenderRequest, validators: CachedBody | None, *, is_previous: bool = False
    ) -> ServedBody | None:
        """Return the response with these validators, if the client has it or this machine does."""
        if validators and request.validators.match(validators):
            return ServedBody(validators, is_not_modified=True)
        body = self._find_body(request, validators)
        return ServedBody(body, is_previous=is_previous) if body else None

    def _find_body(
        self, request: RenderRequest, validators: CachedBody | None
    ) -> CachedBody | None:
        coding = request.cache_key.coding
        return validators and self._bodies.find(
            request.digest, validators, coding, is_custom=request.is_custom
        )

    def _is_unaffected(
        self, request: RenderRequest, found: LookupResult, max_changes: int | None = None
    ) -> bool:
        """Return True if the changes since a response was rendered do not affect it.

        False if that is unknown, or there are more than `max_changes` changes.
        """
        cached, stamp = found.cached, found.version_stamp
        if not (request.shown_query and found.version and cached and cached.content_digest):
            return False
        before = cached.version_stamp
        if before.others != stamp.others or not before.revision or not stamp.revision:
            return False
        query = request.shown_query(found.version)
        since, until = int(before.revision), int(stamp.revision)
        return self._changes.affect(query, since, until, max_changes) is False

    def _wait_for_other_renderer(
        self, request: RenderRequest, first: LookupResult, lock: RenderLock
    ) -> ServedBody | None:
        """Return what another process renders, or the previous response; None to render now.

        A response of the state at the beginning of this request (`first`) is as good as one of the
        present state: in an ingest that changes from second to second.
        """
        for _ in range(int(RENDER_WAIT_SECONDS / _POLL_SECONDS)):
            self._sleep(_POLL_SECONDS)
            found = self._lookup.get_render_state(request.cache_key, request.digest, lock)
            stamps = (first.version_stamp, found.version_stamp)
            is_new = found.cached and found.cached.version_stamp in stamps
            if is_new and (served := self._serve(request, found.cached)):
                return served
            if self._redis_tier.try_lock(lock):
                return None
        previous = first.cached
        if previous and request.validators.allow_previous(previous) and self._is_fresh(request):
            return self._serve(request, previous, is_previous=True)
        return None

    def _is_fresh(self, request: RenderRequest) -> bool:
        """Return True if the other process has not been rendering for long."""
        with translate_store_errors(self._redis):
            left: Any = self._redis.pttl(keys.render_lock(request.digest))
        return int(left) > 1000 * (RENDER_LOCK_SECONDS - PREVIOUS_SECONDS)

    def _render_and_store(
        self, request: RenderRequest, state: LookupResult, lock: RenderLock
    ) -> CachedBody:
        """Return the response of a state; another process may have been faster to render it."""
        stands = state.cached and (state.current or self._is_unaffected(request, state))
        if stands and (kept := self._find_body(request, state.cached)):
            kept = kept.stamped(state.version_stamp)
            return kept if state.current else self._store(request, kept, state, lock)
        previous = state.stored.newest or self._last_good(request)
        if request.is_custom and not (previous and request.validators.prove(previous)):
            request.consume_quota()
        began = time.thread_time()
        try:
            return self._store(request, self._render(request, state, previous), state, lock)
        finally:
            if request.is_custom:
                request.charge(time.thread_time() - began, previous is None)

    def _store(
        self, request: RenderRequest, body: CachedBody, state: LookupResult, lock: RenderLock
    ) -> CachedBody:
        is_custom, now = request.is_custom, request.now
        self._redis_tier.put(request.digest, body, state.stored, lock, is_custom=is_custom, now=now)
        return body

    def _last_good(self, request: RenderRequest) -> CachedBody | None:
        return self._bodies.last_good(request.digest, is_custom=request.is_custom)

    def _render(
        self, request: RenderRequest, state: LookupResult, previous: CachedBody | None
    ) -> CachedBody:
        """Render the response, unless what it is rendered from has the digest of the previous one.

        Raises StoreError if the store was emptied meanwhile.
        """
        assert state.version
        try:
            made = request.render(state.version)
            prepared = PreparedBody(lambda: made) if isinstance(made, bytes) else made
            content_digest = self._content_digest(prepared)
            is_same = previous and content_digest and content_digest == previous.content_digest
            if is_same and (kept := self._find_body(request, previous)):
                return kept.stamped(state.version_stamp)
            rendered = prepared.render()
        finally:
            if previous:  # else there is no last good response to serve and to protect
                self._lookup.verify_store(request.cache_key, request.digest)
        body = build_cached_body(
            rendered,
            request.cache_key.coding,
            version_stamp=state.version_stamp,
            previous=previous,
            now=request.now,
            content_digest=content_digest,
        )
        self._bodies.put(request.digest, body, is_custom=request.is_custom)
        return body

    def _content_digest(self, prepared: PreparedBody) -> bytes:
        """Return the digest of what is rendered and of what renders it, empty if unknown."""
        if not prepared.content_digest:
            return b""
        stated = prepared.content_digest + self._build_id.encode()
        return hashlib.blake2b(stated, digest_size=12).digest()

    def _digest(self, canonical_path: str) -> str:
        return hashlib.blake2b(
            f"{self._base_url}\n{canonical_path}".encode(), digest_size=16
        ).hexdigest()
