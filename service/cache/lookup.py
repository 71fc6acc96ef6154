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
from papers.redis_backend.connection import (
    RedisCommand,
    ThreadLocalClient,
    read_many,
    translate_store_errors,
)
from papers.state.keywords import Keywords
from service.cache import version_stamp
from service.cache.cached_body import CachedBody, unpack_cached_body
from service.cache.disk_tier import DiskTier
from service.cache.encodings import ENCODINGS
from service.cache.lru import ByteLRU

LOCAL_CACHE_BYTES: Final = 8_000_000
"""Bytes of answers that a process remembers; one is some 70 kB."""

_EMPTY_STORE_PREFIX: Final = b"never filled "
"""How the stamp of a store begins that has had no paper yet."""


@dataclass(frozen=True, slots=True)
class CacheKey:
    """What is asked for: the canonical request, and the saved keywords it depends on.

    `keywords` are slugs, or `EVERY_KEYWORD` alone; none for a custom one. `period` names the day or
    month that the answer is of, where it is another one when that is over. An `archive` is one of
    hundreds of its keyword, or a page of one paper or day. `coding` is the one the client gets.
    """

    canonical_path: str
    keywords: tuple[str, ...] = ()
    period: str = ""
    is_archive: bool = False
    coding: str = "gzip"

    @property
    def is_custom(self) -> bool:
        """Whether anyone may ask for any number of these: queries, choices, options, archives.

        Of what is kept they are the first to go.
        """
        return self.is_archive or len(self.keywords) != 1 or "?" in self.canonical_path


@dataclass(frozen=True, slots=True)
class LookupResult:
    """What one round trip told: the stamp of the store's state, and the cached answer.

    `before` is that answer too, or what is left of it: its validators are kept for long.
    """

    version_stamp: bytes
    cached: CachedBody | None
    previous: CachedBody | None = None

    @property
    def current(self) -> CachedBody | None:
        """The cached answer if it was made from this very state."""
        return (
            self.cached if self.cached and self.cached.version_stamp == self.version_stamp else None
        )


@dataclass(frozen=True, slots=True)
class _LocalEntry:
    """An answer of late; it is current as long as the store tells the same in the same period."""

    cached_body: CachedBody
    version_replies: list[Any]
    period: str


class CacheLookup:
    """Asks one store; what is made by another `edition` of the code is of another state.

    Every method raises StoreError where the store does not serve, or was emptied since the answer
    was last given; UnknownKeyword.
    """

    def __init__(self, redis: Redis, disk_tier: DiskTier, build_id: str) -> None:
        self._redis, self._disk_tier, self._build_id = redis, disk_tier, build_id
        self._clients = ThreadLocalClient(redis)
        self._local_cache = ByteLRU[tuple[str, str], _LocalEntry](LOCAL_CACHE_BYTES)

    def verify_store(self, cache_key: CacheKey, digest: str) -> None:
        """Return if the store still has what the answer is made of."""
        told, _ = self._read_version(cache_key, [])
        self._version_stamp(cache_key, digest, told)

    def get(self, cache_key: CacheKey, digest: str) -> LookupResult:
        """One round trip; two where this process has an answer of another state."""
        recent = self._local_cache.get((digest, cache_key.coding))
        cached = ("GET", keys.rendered_response(digest, cache_key.coding))
        told, replies = self._read_version(cache_key, [] if recent else [cached])
        if recent and recent.version_replies == told and recent.period == cache_key.period:
            return LookupResult(recent.cached_body.version_stamp, recent.cached_body)
        stamp = self._version_stamp(cache_key, digest, told)
        if recent:
            _, replies = self._read_version(cache_key, [cached])
        state = LookupResult(stamp, unpack_cached_body(replies[-1]))
        if state.current:
            size = sum(map(len, state.current.encoded_bodies.values()))
            remembered = _LocalEntry(state.current, told, cache_key.period)
            self._local_cache.put((digest, cache_key.coding), remembered, size)
        return state

    def get_all_codings(self, cache_key: CacheKey, digest: str) -> LookupResult:
        """One round trip that tells of the answer in every coding, and of its validators.

        The answer is one of the state of now if there is any, else the newest.
        """
        asked = [
            *(keys.rendered_response(digest, coding) for coding in ENCODINGS),
            keys.response_validators(digest),
        ]
        told, replies = self._read_version(cache_key, [("GET", key) for key in asked])
        stamp = self._version_stamp(cache_key, digest, told)
        *answers, before = map(unpack_cached_body, replies)
        cached = max(
            (answer for answer in answers if answer),
            key=lambda it: (
                it.version_stamp == stamp,
                it.last_modified,
                cache_key.coding in it.encoded_bodies,
            ),
            default=None,
        )
        if not before:
            before = cached or unpack_cached_body(
                self._disk_tier.get(digest, is_custom=cache_key.is_custom)
            )
        return LookupResult(stamp, cached, before)

    def _read_version(
        self, cache_key: CacheKey, commands: Sequence[RedisCommand]
    ) -> tuple[list[Any], list[Any]]:
        """What the store tells of its state, and the replies to these commands."""
        asked = version_stamp.version_commands(cache_key.keywords)
        with translate_store_errors(self._redis):
            replies = read_many(self._clients.client, [*asked, *commands])
        return replies[: len(asked)], replies[len(asked) :]

    def _version_stamp(self, cache_key: CacheKey, digest: str, replies: list[Any]) -> bytes:
        """The stamp of what the store tells."""
        told = version_stamp.parse_store_version(cache_key.keywords, replies)
        missing = told.missing_slugs or (cache_key.keywords and not told.keywords)
        if told.revision is None or (missing and not Keywords(self._redis).is_seeded):
            self._require_not_emptied(cache_key, digest)
        told.require_keywords()
        stamp = told.version_stamp(self._build_id, cache_key.period)
        return stamp if told.revision else _EMPTY_STORE_PREFIX + stamp

    def _require_not_emptied(self, cache_key: CacheKey, digest: str) -> None:
        """Raise StoreError where the last good answer is of a time when this store held papers."""
        kept = unpack_cached_body(self._disk_tier.get(digest, is_custom=cache_key.is_custom))
        if kept and not kept.version_stamp.startswith(_EMPTY_STORE_PREFIX):
            raise StoreError("the store is empty: it was emptied, or is another one")
