"""What the store tells of an answer: the state it would be made of now, and what is cached of it.

In one round trip, of which a process that has the answer already asks only half.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from redis import Redis

from papers.errors import StoreError
from papers.redis_backend import keys
from papers.redis_backend.connection import Command, PerThread, read_many, store_errors
from papers.state.keywords import Keywords
from service.cache import version_stamp
from service.cache.cached_body import Answer, unpack
from service.cache.disk_tier import LastGood
from service.cache.encodings import ENCODINGS
from service.cache.lru import Memory

MOST_RECENT: Final = 8_000_000
"""Bytes of answers that a process remembers; one is some 70 kB."""

_NEVER_FILLED: Final = b"never filled "
"""How the stamp of a store begins that has had no paper yet."""


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
class State:
    """What one round trip told: the stamp of the store's state, and the cached answer.

    `before` is that answer too, or what is left of it: its validators are kept for long.
    """

    stamp: bytes
    cached: Answer | None
    before: Answer | None = None

    @property
    def current(self) -> Answer | None:
        """The cached answer if it was made from this very state."""
        return self.cached if self.cached and self.cached.stamp == self.stamp else None


@dataclass(frozen=True, slots=True)
class _Recent:
    """An answer of late; it is current as long as the store tells the same in the same period."""

    answer: Answer
    told: list[Any]
    period: str


class States:
    """Asks one store; what is made by another `edition` of the code is of another state.

    Every method raises StoreError where the store does not serve, or was emptied since the answer
    was last given; UnknownKeyword.
    """

    def __init__(self, redis: Redis, last_good: LastGood, edition: str) -> None:
        self._redis, self._last_good, self._edition = redis, last_good, edition
        self._clients = PerThread(redis)
        self._recent = Memory[tuple[str, str], _Recent](MOST_RECENT)

    def check(self, wanted: Wanted, digest: str) -> None:
        """Return if the store still has what the answer is made of."""
        told, _ = self._asked(wanted, [])
        self._stamp(wanted, digest, told)

    def of(self, wanted: Wanted, digest: str) -> State:
        """One round trip; two where this process has an answer of another state."""
        recent = self._recent.get((digest, wanted.coding))
        cached = ("GET", keys.feed(digest, wanted.coding))
        told, replies = self._asked(wanted, [] if recent else [cached])
        if recent and recent.told == told and recent.period == wanted.period:
            return State(recent.answer.stamp, recent.answer)
        stamp = self._stamp(wanted, digest, told)
        if recent:
            _, replies = self._asked(wanted, [cached])
        state = State(stamp, unpack(replies[-1]))
        if state.current:
            size = sum(map(len, state.current.packed.values()))
            remembered = _Recent(state.current, told, wanted.period)
            self._recent.keep((digest, wanted.coding), remembered, size)
        return state

    def full(self, wanted: Wanted, digest: str) -> State:
        """One round trip that tells of the answer in every coding, and of its validators.

        The answer is one of the state of now if there is any, else the newest.
        """
        asked = [*(keys.feed(digest, coding) for coding in ENCODINGS), keys.feed_validators(digest)]
        told, replies = self._asked(wanted, [("GET", key) for key in asked])
        stamp = self._stamp(wanted, digest, told)
        *answers, before = map(unpack, replies)
        cached = max(
            (answer for answer in answers if answer),
            key=lambda it: (it.stamp == stamp, it.modified, wanted.coding in it.packed),
            default=None,
        )
        if not before:
            before = cached or unpack(self._last_good.get(digest, custom=wanted.custom))
        return State(stamp, cached, before)

    def _asked(self, wanted: Wanted, commands: Sequence[Command]) -> tuple[list[Any], list[Any]]:
        """What the store tells of its state, and the replies to these commands."""
        asked = version_stamp.asked(wanted.keywords)
        with store_errors(self._redis):
            replies = read_many(self._clients.client, [*asked, *commands])
        return replies[: len(asked)], replies[len(asked) :]

    def _stamp(self, wanted: Wanted, digest: str, replies: list[Any]) -> bytes:
        """The stamp of what the store tells."""
        told = version_stamp.told(wanted.keywords, replies)
        missing = told.unsaved or (wanted.keywords and not told.saved)
        if told.revision is None or (missing and not Keywords(self._redis).seeded):
            self._check_emptied(wanted, digest)
        told.check_keywords()
        stamp = told.stamp(self._edition, wanted.period)
        return stamp if told.revision else _NEVER_FILLED + stamp

    def _check_emptied(self, wanted: Wanted, digest: str) -> None:
        """Raise StoreError where the last good answer is of a time when this store held papers."""
        kept = unpack(self._last_good.get(digest, custom=wanted.custom))
        if kept and not kept.stamp.startswith(_NEVER_FILLED):
            raise StoreError("the store is empty: it was emptied, or is another one")
