"""Cache lookup: reads version stamp and cached response in one round trip.

A process that has the response in memory reads only what the stamp is computed from.
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
from papers.state.keyword_directory import KeywordDirectory
from papers.state.keywords import Keywords
from service.cache import version_stamp
from service.cache.cached_body import CachedBody, unpack_cached_body
from service.cache.disk_tier import DiskTier
from service.cache.encodings import ENCODINGS
from service.cache.lru import ByteLRU
from service.cache.version_stamp import StoreVersion

LOCAL_CACHE_BYTES: Final = 8_000_000
"""Bytes of bodies that a process caches; one takes some 70 kB."""

_EMPTY_STORE_PREFIX: Final = b"never filled "
"""Prefix of stamps computed from a store that has never held a paper."""


@dataclass(frozen=True, slots=True)
class CacheKey:
    """The key of a cached response: the canonical request, and the saved keywords it depends on.

    `keywords` are slugs, or `ALL_KEYWORDS` alone, or none for a custom query. `period` names the
    day or month that the response covers, if another response takes its place when that is over.
    `is_archive` marks one of hundreds of documents of a keyword, or the page of one paper or day.
    `coding` is the content coding that the client gets. `is_fixed` marks an address that depends on
    no keyword, as that of a pick list.
    """

    canonical_path: str
    keywords: tuple[str, ...] = ()
    period: str = ""
    is_archive: bool = False
    coding: str = "gzip"
    is_fixed: bool = False

    @property
    def is_custom(self) -> bool:
        """True if clients can make up any number of such requests: these are evicted first."""
        is_one = self.is_fixed or len(self.keywords) == 1
        return self.is_archive or not is_one or "?" in self.canonical_path


@dataclass(frozen=True, slots=True)
class LookupResult:
    """The stamp of the present state of the store, and the cached response of any state."""

    version_stamp: bytes
    cached: CachedBody | None

    @property
    def current(self) -> CachedBody | None:
        """The cached response if it was rendered from the present state."""
        return (
            self.cached if self.cached and self.cached.version_stamp == self.version_stamp else None
        )


@dataclass(frozen=True, slots=True)
class RenderState(LookupResult):
    """What a response is rendered from.

    `previous` is the response before, or its validators alone, which outlive the body.
    """

    version: StoreVersion
    previous: CachedBody | None


@dataclass(frozen=True, slots=True)
class _LocalEntry:
    """A response in process memory; current while the store gives the same replies."""

    cached_body: CachedBody
    version_replies: list[Any]
    period: str


class CacheLookup:
    """Reads of one store, for responses rendered by one build of the code.

    Every method raises StoreError if the store does not serve or was emptied since it last gave
    the response, and UnknownKeyword.
    """

    def __init__(
        self, redis: Redis, disk_tier: DiskTier, build_id: str, directory: KeywordDirectory
    ) -> None:
        self._redis, self._disk_tier, self._build_id = redis, disk_tier, build_id
        self._directory = directory
        self._clients = ThreadLocalClient(redis)
        self._local_cache = ByteLRU[tuple[str, str], _LocalEntry](LOCAL_CACHE_BYTES)

    def get(self, cache_key: CacheKey, digest: str) -> LookupResult:
        """Look a response up in one round trip; in two if this process has one of another state."""
        local = self._local_cache.get((digest, cache_key.coding))
        read_body = ("GET", keys.rendered_response(digest, cache_key.coding))
        version_replies, replies = self._read_version(cache_key, [] if local else [read_body])
        if local and local.version_replies == version_replies and local.period == cache_key.period:
            return LookupResult(local.cached_body.version_stamp, local.cached_body)
        stamp, _ = self._version_stamp(cache_key, digest, version_replies)
        if local:
            _, replies = self._read_version(cache_key, [read_body])
        result = LookupResult(stamp, unpack_cached_body(replies[-1]))
        if result.current:
            size = sum(map(len, result.current.encoded_bodies.values()))
            entry = _LocalEntry(result.current, version_replies, cache_key.period)
            self._local_cache.put((digest, cache_key.coding), entry, size)
        return result

    def get_render_state(self, cache_key: CacheKey, digest: str) -> RenderState:
        """Read what to render from, the response in every coding and its validators at once.

        The cached response is the one of the present state if there is any, else the newest.
        """
        response_keys = [
            *(keys.rendered_response(digest, coding) for coding in ENCODINGS),
            keys.response_validators(digest),
        ]
        version_replies, replies = self._read_version(
            cache_key, [("GET", key) for key in response_keys]
        )
        stamp, version = self._version_stamp(cache_key, digest, version_replies)
        *bodies, previous = map(unpack_cached_body, replies)
        cached = max(
            (body for body in bodies if body),
            key=lambda body: (
                body.version_stamp == stamp,
                body.last_modified,
                cache_key.coding in body.encoded_bodies,
            ),
            default=None,
        )
        previous = previous or cached or self._last_good(cache_key, digest)
        return RenderState(stamp, cached, version, previous)

    def verify_store(self, cache_key: CacheKey, digest: str) -> None:
        """Return if the store still holds what the response was rendered from."""
        version_replies, _ = self._read_version(cache_key, [])
        self._version_stamp(cache_key, digest, version_replies)

    def _read_version(
        self, cache_key: CacheKey, commands: Sequence[RedisCommand]
    ) -> tuple[list[Any], list[Any]]:
        """Return the replies that make a StoreVersion, and those to `commands`."""
        version_commands = version_stamp.version_commands(cache_key.keywords)
        with translate_store_errors(self._redis):
            replies = read_many(self._clients.client, [*version_commands, *commands])
        return replies[: len(version_commands)], replies[len(version_commands) :]

    def _version_stamp(
        self, cache_key: CacheKey, digest: str, version_replies: list[Any]
    ) -> tuple[bytes, StoreVersion]:
        version = version_stamp.parse_store_version(
            cache_key.keywords, version_replies, self._directory
        )
        missing = version.missing_slugs or (cache_key.keywords and not version.has_keywords)
        if version.revision is None or (missing and not Keywords(self._redis).is_seeded):
            self._require_not_emptied(cache_key, digest)
        version.require_keywords()
        stamp = version.version_stamp(self._build_id, cache_key.period)
        return (stamp if version.revision else _EMPTY_STORE_PREFIX + stamp), version

    def _require_not_emptied(self, cache_key: CacheKey, digest: str) -> None:
        """Raise StoreError if the last good response dates from when this store held papers."""
        last_good = self._last_good(cache_key, digest)
        if last_good and not last_good.version_stamp.startswith(_EMPTY_STORE_PREFIX):
            raise StoreError("the store is empty: it was emptied, or is another one")

    def _last_good(self, cache_key: CacheKey, digest: str) -> CachedBody | None:
        return unpack_cached_body(self._disk_tier.get(digest, is_custom=cache_key.is_custom))
