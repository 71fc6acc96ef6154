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

from papers.errors import StoreAway, StoreError, TooMany
from papers.redis_backend import keys
from papers.redis_backend.connection import store_errors
from service.cache.cached_body import Answer, pack, rendered, unpack
from service.cache.disk_tier import LastGood
from service.cache.lookup import States, Wanted
from service.cache.redis_tier import KeptAnswers

LOCK_SECONDS: Final = 10.0
WAIT_SECONDS: Final = 2.0
_PAUSE: Final = 0.05
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Served:
    """An answer; `away` if it is the last good one of a store that is absent or was emptied."""

    answer: Answer
    away: bool = False


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request for an answer, the digest it is kept by, and what `Answers.get` was given."""

    wanted: Wanted
    digest: str
    render: Callable[[], bytes]
    now: datetime
    spend: Callable[[], None]


class Answers:
    """The cache.

    `site` tells the answers of one public address from another's; answers of another `edition` of
    the code are rendered again, and keep their validators where the bytes are the same. Of the
    answers that anyone can ask for, the store keeps `most_custom`.
    """

    def __init__(
        self,
        redis: Redis,
        last_good: LastGood,
        *,
        site: str,
        edition: str,
        most_custom: int = 1_000,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._redis = redis
        self._last_good = last_good
        self._site = site
        self._states = States(redis, last_good, edition)
        self._kept = KeptAnswers(redis, most_custom)
        self._pause = pause

    def get(
        self,
        wanted: Wanted,
        render: Callable[[], bytes],
        *,
        now: datetime,
        spend: Callable[[], None] = lambda: None,
    ) -> Served:
        """The answer to a request; `render` makes its body if need be.

        `spend` counts what anyone can ask for and what must be rendered; it may raise TooMany.
        Raises StoreError where the store does not serve and no answer was kept, UnknownKeyword,
        and what `spend` and `render` raise.
        """
        digest = self._digest(wanted)
        try:
            answer = self._current(_Asked(wanted, digest, render, now, spend))
        except StoreError as error:
            kept = unpack(self._last_good.get(digest, custom=wanted.custom))
            if kept is None:
                raise
            _log.warning("served the last good %s: %s", wanted.request, error)
            return Served(kept, away=True)
        if not self._last_good.holds(digest, answer.etag):
            self._last_good.keep(digest, answer.etag, pack(answer), custom=wanted.custom)
        return Served(answer)

    def _current(self, asked: _Asked) -> Answer:
        state = self._states.of(asked.wanted, asked.digest)
        if state.current:
            return state.current
        lock = self._redis.lock(keys.feed_lock(asked.digest), timeout=LOCK_SECONDS, blocking=False)
        waits = not self._acquired(lock)
        if waits and (awaited := state.cached or self._awaited(asked.wanted, asked.digest)):
            return awaited
        try:
            return self._made(asked)
        finally:
            self._release(lock)

    def _made(self, asked: _Asked) -> Answer:
        """The answer made from the state of now, and kept; unless somebody was faster."""
        wanted, digest, now = asked.wanted, asked.digest, asked.now
        state = self._states.full(wanted, digest)
        if state.current and wanted.coding in state.current.packed:
            return state.current
        try:
            if wanted.custom and not state.current:
                asked.spend()
        except TooMany:
            if state.cached:
                return state.cached
            raise
        made = state.current or rendered(
            self._body(asked), wanted.coding, stamp=state.stamp, before=state.before, now=now
        )
        made = made.within(wanted.coding)
        self._kept.keep(digest, made, custom=wanted.custom, now=now)
        return made

    def _body(self, asked: _Asked) -> bytes:
        """The body of an answer; StoreError if the store was emptied while it was rendered."""
        try:
            return asked.render()
        finally:
            self._states.check(asked.wanted, asked.digest)

    def _acquired(self, lock: Lock) -> bool:
        """Whether this process renders: one does. A store that takes no writes locks nothing."""
        try:
            with store_errors(self._redis):
                return bool(lock.acquire())
        except StoreAway:
            raise
        except StoreError as error:
            _log.warning("rendering without a lock: %s", error)
            return True

    def _release(self, lock: Lock) -> None:
        try:
            with store_errors(self._redis):
                if lock.local.token is not None:
                    lock.release()
        except (LockError, StoreError) as error:
            # It has lapsed, or will: whoever holds it now is another.
            _log.info("lock not released: %s", error)

    def _awaited(self, wanted: Wanted, digest: str) -> Answer | None:
        """The answer somebody else is rendering, if it comes within the wait."""
        for _ in range(int(WAIT_SECONDS / _PAUSE)):
            self._pause(_PAUSE)
            if cached := self._states.of(wanted, digest).cached:
                return cached
        return None

    def _digest(self, wanted: Wanted) -> str:
        return hashlib.blake2b(
            f"{self._site}\n{wanted.request}".encode(), digest_size=16
        ).hexdigest()
