"""Answers that are rendered once and served to everyone until what they show has changed.

    one round trip: revision, source states, keyword, and the cached answer
    unless this process has one
      ─▶ made from this very state: that answer
      ─▶ too many new questions by this client: the answer before, or TooMany
      ─▶ somebody is rendering: the answer before, or a short wait for theirs
      ─▶ render; the same bytes again keep their ETag and Last-Modified; keep in Redis and on disk
    store away, or emptied ─▶ the last good answer from disk, or StoreError

Last-Modified is the moment the content was first seen to differ from what it was before. It is
kept beside the ETag in a key of its own that outlives the answer, so the two change together, in
all processes and after the answer has expired; it never goes back, and of two changes within a
second the later gets the next one.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from redis import Redis
from redis.exceptions import LockError
from redis.lock import Lock

from papers import keys
from papers.connection import read_many, store_errors
from papers.errors import StoreAway, StoreError, TooMany
from service import stamps
from service.answer import Answer, answer_of, etag_of, pack, unpack
from service.custom_answers import CustomAnswers
from service.encodings import ENCODINGS
from service.last_good import LastGood

MOST_RECENT: Final = 128
"""Answers that a process remembers; one is some 60 kB."""

ANSWER_SECONDS: Final = 24 * 3600
VALIDATOR_SECONDS: Final = 30 * 24 * 3600
LOCK_SECONDS: Final = 10.0
WAIT_SECONDS: Final = 2.0
_PAUSE: Final = 0.05
_NEVER_FILLED: Final = b"never filled "
"""How the stamp of a store begins that has had no paper yet."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: the canonical request, and the saved keywords it depends on.

    `keywords` are slugs, or `EVERY_KEYWORD` alone; none for a custom one. `period` names the day or
    month that the answer is of, where it is another one when that is over. An `archive` is one of
    hundreds of its keyword, or a page of one paper or day. `coding` is the one the client gets.
    """

    request: str
    keywords: tuple[str, ...] = ()
    period: str = ""
    archive: bool = False
    coding: str = "gzip"

    @property
    def custom(self) -> bool:
        """Whether anyone may ask for any number of these: queries, choices, options, archives.

        Of what is kept they are the first to go.
        """
        return self.archive or len(self.keywords) != 1 or "?" in self.request


@dataclass(frozen=True, slots=True)
class Served:
    """An answer; `away` if it is the last good one of a store that is absent or was emptied."""

    answer: Answer
    away: bool = False


@dataclass(frozen=True, slots=True)
class _State:
    """What one round trip told: the stamp of the store's state, and the cached answer."""

    stamp: bytes
    cached: Answer | None

    @property
    def current(self) -> Answer | None:
        """The cached answer if it was made from this very state."""
        return self.cached if self.cached and self.cached.stamp == self.stamp else None


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
        self._edition = edition
        self._custom = CustomAnswers(redis, most_custom)
        self._pause = pause
        self._recent = _Recent()

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
            answer = self._current(wanted, digest, render, now, spend)
        except StoreError as error:
            kept = unpack(self._last_good.get(digest, custom=wanted.custom))
            if kept is None:
                raise
            _log.warning("served the last good %s: %s", wanted.request, error)
            return Served(kept, away=True)
        self._last_good.keep(digest, answer.etag, pack(answer), custom=wanted.custom)
        return Served(answer)

    def _current(
        self,
        wanted: Wanted,
        digest: str,
        render: Callable[[], bytes],
        now: datetime,
        spend: Callable[[], None],
    ) -> Answer:
        state = self._state(wanted, digest)
        if state.current:
            self._recent.keep((digest, wanted.coding), state.current)
            return state.current
        try:
            if wanted.custom:
                spend()
        except TooMany:
            if state.cached:
                return state.cached
            raise
        lock = self._redis.lock(keys.feed_lock(digest), timeout=LOCK_SECONDS, blocking=False)
        if not self._acquired(lock):
            awaited = state.cached or self._awaited(wanted, digest)
            if awaited:
                return awaited
        try:
            return self._rendered(wanted, digest, render, now)
        finally:
            self._release(lock)

    def _rendered(
        self, wanted: Wanted, digest: str, render: Callable[[], bytes], now: datetime
    ) -> Answer:
        """The answer made from the state of now, and kept; unless somebody was faster."""
        state = self._state(wanted, digest)
        if state.current:
            return state.current
        body = render()
        before = state.cached or self._before(wanted, digest)
        answer = answer_of(body, stamp=state.stamp, modified=_modified(body, before, now))
        self._keep(digest, answer)
        if wanted.custom:
            self._custom.add(digest, now)
        return answer.only(wanted.coding)

    def _state(self, wanted: Wanted, digest: str) -> _State:
        """One round trip; two where this process has an answer of another state."""
        remembered = self._recent.get((digest, wanted.coding))
        asked = stamps.asked(wanted.keywords)
        cached = ("GET", keys.feed(digest, wanted.coding))
        with store_errors(self._redis):
            replies = read_many(self._redis, asked if remembered else [*asked, cached])
            told = stamps.told(wanted.keywords, replies)
            if told.revision is None:
                self._check_emptied(wanted, digest)
            told.check_keywords()
            stamp = told.stamp(self._edition, wanted.period)
            stamp = stamp if told.revision else _NEVER_FILLED + stamp
            if remembered and remembered.stamp == stamp:
                return _State(stamp, remembered)
            if remembered:
                replies = read_many(self._redis, [cached])
        return _State(stamp, unpack(replies[-1]))

    def _check_emptied(self, wanted: Wanted, digest: str) -> None:
        """Raise StoreError where the last good answer is of a time when this store held papers."""
        kept = unpack(self._last_good.get(digest, custom=wanted.custom))
        if kept and not kept.stamp.startswith(_NEVER_FILLED):
            raise StoreError("the store is empty: it was emptied, or is another one")

    def _before(self, wanted: Wanted, digest: str) -> Answer | None:
        """The answer before, or what is left of it: its validators are kept for long."""
        with store_errors(self._redis):
            kept: Any = self._redis.get(keys.feed_validators(digest))
        return unpack(kept) or unpack(self._last_good.get(digest, custom=wanted.custom))

    def _keep(self, digest: str, answer: Answer) -> None:
        """Keep an answer in Redis; a store that takes no writes costs speed, not the answer."""
        try:
            with store_errors(self._redis), self._redis.pipeline(transaction=False) as pipe:
                for coding in ENCODINGS:
                    part = pack(answer.only(coding))
                    pipe.set(keys.feed(digest, coding), part, ex=ANSWER_SECONDS)
                pipe.set(
                    keys.feed_validators(digest), pack(answer.validators), ex=VALIDATOR_SECONDS
                )
                pipe.execute()
        except StoreError as error:
            _log.warning("answer not cached: %s", error)

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
            cached = self._state(wanted, digest).cached
            if cached:
                return cached
        return None

    def _digest(self, wanted: Wanted) -> str:
        return hashlib.blake2b(
            f"{self._site}\n{wanted.request}".encode(), digest_size=16
        ).hexdigest()


def _modified(body: bytes, before: Answer | None, now: datetime) -> int:
    """When the content last changed: now, unless it is what it was before. Never goes back."""
    if before is None:
        return int(now.timestamp())
    if before.etag == etag_of(body):
        return before.modified
    return max(int(now.timestamp()), before.modified + 1)


class _Recent:
    """The answers that this process served of late. Threads share them."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str], Answer] = {}

    def get(self, key: tuple[str, str]) -> Answer | None:
        """The answer last served under a key."""
        return self._answers.get(key)

    def keep(self, key: tuple[str, str], answer: Answer) -> None:
        """Keep an answer; of too many the one kept first goes."""
        self._answers[key] = answer
        if len(self._answers) > MOST_RECENT:
            with contextlib.suppress(StopIteration, RuntimeError):  # another thread was there first
                self._answers.pop(next(iter(self._answers)), None)
