"""Cache lookup: reads version stamp and validators of the cached response in one round trip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from redis import Redis

from papers.errors import StoreError
from papers.redis_backend import keys
from papers.redis_backend.connection import (
    RedisCommand,
    RoutingClient,
    ThreadLocalClient,
    read_many,
    translate_store_errors,
)
from papers.state.keyword_directory import KeywordDirectory
from papers.state.keywords import Keywords
from service.cache import version_stamp
from service.cache.body_tiers import BodyTiers
from service.cache.cached_body import CachedBody, StoredValidators, VersionStamp
from service.cache.lru import ByteLRU
from service.cache.redis_tier import RenderLock
from service.cache.version_stamp import StoreVersion

LOCAL_PROOF_BYTES: Final = 8_000_000
_PROOF_BYTES: Final = 2_000
"""An estimate: proofs share the largest replies of the store."""


@dataclass(frozen=True, slots=True)
class CacheKey:
    """The key of a cached response: the canonical request, and the saved keywords it depends on.

    `keywords` are slugs, or `ALL_KEYWORDS` alone, or none for a custom query. `period` names the
    day or month that the response covers, if another response takes its place when that is over.
    `is_archive` marks one of hundreds of documents of a keyword, or the page of one paper or day.
    With `troubled_before`, which does not change with every request, the response shows only the
    sources that have been in trouble since before then.
    `coding` is the content coding that the client gets. `is_fixed` marks an address that depends on
    no keyword, as that of a pick list.
    """

    canonical_path: str
    keywords: tuple[str, ...] = ()
    period: str = ""
    is_archive: bool = False
    troubled_before: datetime | None = None
    coding: str = "gzip"
    is_fixed: bool = False

    @property
    def clock(self) -> tuple[str, datetime | None]:
        """The part of the key that depends on the time of the request."""
        return self.period, self.troubled_before

    @property
    def is_custom(self) -> bool:
        """True if clients can make up any number of such requests: these are evicted first."""
        is_one = self.is_fixed or len(self.keywords) == 1
        return self.is_archive or not is_one or "?" in self.canonical_path


class _Replies(NamedTuple):
    """The replies of the store: those that make a StoreVersion, and the packed validators."""

    version: list[Any]
    validators: bytes | None


@dataclass(frozen=True, slots=True)
class LookupResult:
    """The stamp of the present state of the store, and the newest validators, of any state.

    `version` is what to render from; None if it was not needed to find that `cached` is current.
    `stored` has `cached`, and the validators of a build of the code that runs beside this one.
    """

    version_stamp: VersionStamp
    stored: StoredValidators
    version: StoreVersion | None
    replies: _Replies

    @property
    def cached(self) -> CachedBody | None:
        """The newest validators of this build."""
        return self.stored.own

    @property
    def current(self) -> CachedBody | None:
        """The validators if they belong to the present state of the store."""
        return (
            self.cached if self.cached and self.cached.version_stamp == self.version_stamp else None
        )


@dataclass(frozen=True, slots=True)
class _Proof:
    """Validators that are current while the store gives the same replies."""

    cached: CachedBody
    replies: _Replies
    clock: tuple[str, datetime | None]


class CacheLookup:
    """Reads of one store, for responses rendered by one build of the code.

    Every method raises StoreError if the store does not serve or was emptied since it last gave
    the response, and UnknownKeyword.
    """

    def __init__(
        self, redis: Redis, bodies: BodyTiers, build_id: str, directory: KeywordDirectory
    ) -> None:
        self._redis, self._bodies, self._build_id = redis, bodies, build_id
        self._directory = directory
        self._clients = ThreadLocalClient(redis)
        self._proofs = ByteLRU[str, _Proof](LOCAL_PROOF_BYTES)
        self._states: Any = None

    def get(self, cache_key: CacheKey, digest: str, lock: RenderLock) -> LookupResult:
        """Look a response up in one round trip.

        If it is that of a custom query and was never rendered, its lock is acquired as well.
        """
        proof = self._proofs.get(digest)
        may_be_new = not proof and not cache_key.keywords
        acquire = [lock.acquire_command(if_never_rendered=True)] if may_be_new else []
        replies = self._read(cache_key, digest, lock, acquire)
        if proof and (proof.replies, proof.clock) == (replies, cache_key.clock):
            stored = StoredValidators(proof.cached)
            return LookupResult(proof.cached.version_stamp, stored, None, replies)
        return self._parse(cache_key, digest, replies)

    def get_render_state(
        self, cache_key: CacheKey, digest: str, lock: RenderLock, *, acquire: bool = False
    ) -> LookupResult:
        """Look a response up without the proofs of this process; the result has a version.

        With `acquire`, in the same round trip, its lock is acquired first if it is free.
        """
        commands = [lock.acquire_command()] if acquire else []
        return self._parse(cache_key, digest, self._read(cache_key, digest, lock, commands))

    def add_proof(self, cache_key: CacheKey, digest: str, found: LookupResult) -> None:
        """Cache that the validators of a result are current in the state it was read in."""
        if found.version is None or found.cached is None:
            return  # found by such a proof
        current = found.cached.stamped(found.version_stamp)
        self._proofs.put(digest, _Proof(current, found.replies, cache_key.clock), _PROOF_BYTES)

    def _read(
        self, cache_key: CacheKey, digest: str, lock: RenderLock, acquire: Sequence[RedisCommand]
    ) -> _Replies:
        validators_key = keys.response_validators(digest)
        commands = version_stamp.version_commands(cache_key.keywords, validators_key)
        replies = self._read_many([*acquire, *commands])
        if acquire:
            lock.accept(replies.pop(0))
        validators: bytes | None = replies[0].pop()
        if replies[1] == self._states:  # proofs share what is the same for most of them
            replies[1] = self._states
        self._states = replies[1]
        return _Replies(replies, validators)

    def _read_many(self, commands: Sequence[RedisCommand]) -> list[Any]:
        with translate_store_errors(self._redis):
            return read_many(self._clients.client, commands)

    def _parse(self, cache_key: CacheKey, digest: str, replies: _Replies) -> LookupResult:
        stamp, version = self._version_stamp(cache_key, digest, replies.version)
        stored = StoredValidators.unpack(replies.validators, self._build_id)
        return LookupResult(stamp, stored, version, replies)

    def verify_store(self, cache_key: CacheKey, digest: str) -> None:
        """Return if the store still holds what the response was rendered from."""
        commands = version_stamp.version_commands(cache_key.keywords)
        self._version_stamp(cache_key, digest, self._read_many(commands))

    def _version_stamp(
        self, cache_key: CacheKey, digest: str, version_replies: list[Any]
    ) -> tuple[VersionStamp, StoreVersion]:
        version = version_stamp.parse_store_version(
            cache_key.keywords,
            version_replies,
            self._directory,
            cache_key.troubled_before,
            in_cluster=isinstance(self._redis, RoutingClient),
        )
        missing = version.missing_slugs or (cache_key.keywords and not version.has_keywords)
        if version.revision is None or (missing and not Keywords(self._redis).is_seeded):
            self._require_not_emptied(cache_key, digest)
        version.require_keywords()
        return version.version_stamp(self._build_id, cache_key.period), version

    def _require_not_emptied(self, cache_key: CacheKey, digest: str) -> None:
        """Raise StoreError if the last good response dates from when this store held papers."""
        last_good = self._bodies.last_good(digest, is_custom=cache_key.is_custom)
        if last_good and last_good.version_stamp.revision:
            raise StoreError("the store is empty: it was emptied, or is another one")
