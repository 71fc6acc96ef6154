"""Body tiers: the bodies of responses in process memory and on disk.

The store knows which response is current (its validators); here is what to send. A process that has
no body for these validators renders, which gives the same bytes. So bodies take neither memory of
the store nor room in its append-only file.
"""

from __future__ import annotations

import hashlib
from typing import Final

from service.cache.cached_body import CachedBody, pack_cached_body, unpack_cached_body
from service.cache.disk_tier import DiskTier
from service.cache.lru import ByteLRU

LOCAL_CACHE_BYTES: Final = 8_000_000
"""Bytes of bodies that a process caches; one takes some 70 kB."""


class BodyTiers:
    """The bodies that one process can send, by the digest of the cache key."""

    def __init__(self, disk_tier: DiskTier, build_id: str) -> None:
        self._disk_tier = disk_tier
        self._build = hashlib.blake2b(build_id.encode(), digest_size=4).hexdigest()
        self._local_cache = ByteLRU[str, CachedBody](LOCAL_CACHE_BYTES)

    def find(
        self, digest: str, validators: CachedBody, coding: str, *, is_custom: bool
    ) -> CachedBody | None:
        """Return the response with these validators and a body in a coding, if it is here."""
        local = self._local_cache.get(digest)
        found = local if local and local.etag == validators.etag else None
        found = found or self.last_good(digest, is_custom=is_custom)
        if found is None or found.etag != validators.etag:
            return None
        body = validators.with_bodies_of(found)
        if coding not in found.encoded_bodies:
            body = body.with_coding(coding)
            self.put(digest, body, is_custom=is_custom)
        elif found is not local:
            self._put_local(digest, body)
        return body

    def put(self, digest: str, body: CachedBody, *, is_custom: bool) -> None:
        """Store a response in place of the previous one."""
        self._put_local(digest, body)
        packed = pack_cached_body(body)
        self._disk_tier.put(digest, packed, is_custom=is_custom, build=self._build)

    def last_good(self, digest: str, *, is_custom: bool) -> CachedBody | None:
        """Return the response that this build stored last on this machine, or else another."""
        packed = self._disk_tier.get(digest, is_custom=is_custom, build=self._build)
        last_good = unpack_cached_body(packed)
        return last_good if last_good and last_good.encoded_bodies else None

    def _put_local(self, digest: str, body: CachedBody) -> None:
        self._local_cache.put(digest, body, sum(map(len, body.encoded_bodies.values())))
