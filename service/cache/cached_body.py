"""Cached bodies: rendered bytes in a content coding, with their validators."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import msgpack

from service.cache.encodings import ENCODINGS, IDENTITY

_FORMAT_VERSION: Final = 2


@dataclass(frozen=True, slots=True)
class CachedBody:
    """A rendered body ready to send, or its validators alone.

    `etag` is the digest of the content, without quotes. `last_modified` is when the content last
    changed, in seconds since 1970. `encoded_bodies` has the body in one coding, or is empty if only
    the validators are left; `plain_length` is the length without coding. `version_stamp` identifies
    the state of the store that the body was rendered from.
    """

    etag: str
    last_modified: int
    encoded_bodies: Mapping[str, bytes]
    plain_length: int
    version_stamp: bytes

    def encoded_body(self, coding: str = IDENTITY) -> bytes:
        """Return the body in a coding, decoding and encoding it if need be."""
        if coding in self.encoded_bodies:
            return self.encoded_bodies[coding]
        name, encoded = next(iter(self.encoded_bodies.items()))
        plain = ENCODINGS[name].decompress(encoded)
        return ENCODINGS[coding].compress(plain) if coding else plain

    def reencoded(self, coding: str) -> CachedBody:
        """Return the same with its body in a coding."""
        return replace(self, encoded_bodies={coding: self.encoded_body(coding)})

    def entity_tag(self, coding: str = IDENTITY) -> str:
        """Return the entity tag of the body in a coding: each coding has its own."""
        return f'"{self.etag}{ENCODINGS[coding].etag_suffix if coding else ""}"'

    def entity_tags(self, coding: str) -> list[str]:
        """Return the entity tags of all codings, that of `coding` first."""
        return [self.entity_tag(name) for name in dict.fromkeys((coding, *ENCODINGS, IDENTITY))]

    @property
    def without_body(self) -> CachedBody:
        """The validators, which tell whether a later body is the same."""
        return replace(self, encoded_bodies={}, version_stamp=b"")


def build_cached_body(
    body: bytes, coding: str, *, version_stamp: bytes, previous: CachedBody | None, now: datetime
) -> CachedBody:
    """Encode a body; if its bytes are those of `previous` it keeps their Last-Modified."""
    etag = etag_of(body)
    encoded = {coding: ENCODINGS[coding].compress(body)}
    return CachedBody(etag, _last_modified(etag, previous, now), encoded, len(body), version_stamp)


def _last_modified(etag: str, previous: CachedBody | None, now: datetime) -> int:
    """Return when the content last changed, in seconds since 1970. It never goes back."""
    if previous is None:
        return int(now.timestamp())
    if previous.etag == etag:
        return previous.last_modified
    return max(int(now.timestamp()), previous.last_modified + 1)


def etag_of(body: bytes) -> str:
    """Return the digest of a body, 24 hexadecimal digits: equal bytes, equal ETags everywhere."""
    return hashlib.blake2b(body, digest_size=12).hexdigest()


def pack_cached_body(cached_body: CachedBody) -> bytes:
    """Serialize a cached body, for Redis and the disk."""
    parts = (
        cached_body.etag,
        cached_body.last_modified,
        dict(cached_body.encoded_bodies),
        cached_body.plain_length,
        cached_body.version_stamp,
    )
    packed: Any = msgpack.packb((_FORMAT_VERSION, *parts))
    return bytes(packed)


def unpack_cached_body(packed: bytes | None) -> CachedBody | None:
    """Deserialize a cached body; None if there is none, it is damaged, or of another format."""
    if not packed:
        return None
    try:
        format_version, etag, modified, bodies, length, stamp = msgpack.unpackb(packed)
    except (ValueError, TypeError, msgpack.UnpackException):
        return None
    if format_version != _FORMAT_VERSION:
        return None
    return CachedBody(etag, modified, bodies, length, stamp)
