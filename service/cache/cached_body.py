"""A rendered answer: its bytes, packed in a coding, and what validates them."""

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
    """An answer ready to send.

    `etag` is of the content, without quotes. `modified` is when the content last changed, in
    seconds since 1970. `packed` holds the body in one coding, or in none where only validators are
    left; `length` is that of the body itself. `stamp` tells which state of the store it was made
    from.
    """

    etag: str
    last_modified: int
    encoded_bodies: Mapping[str, bytes]
    plain_length: int
    version_stamp: bytes

    def encoded_body(self, coding: str = IDENTITY) -> bytes:
        """The body in a coding; made from another where only that is here."""
        if coding in self.encoded_bodies:
            return self.encoded_bodies[coding]
        name, packed = next(iter(self.encoded_bodies.items()))
        plain = ENCODINGS[name].decompress(packed)
        return ENCODINGS[coding].compress(plain) if coding else plain

    def reencoded(self, coding: str) -> CachedBody:
        """The same answer with its body in a coding."""
        return replace(self, encoded_bodies={coding: self.encoded_body(coding)})

    def entity_tag(self, coding: str = IDENTITY) -> str:
        """The entity tag of the body in a coding: other bytes, another tag."""
        return f'"{self.etag}{ENCODINGS[coding].etag_suffix if coding else ""}"'

    def entity_tags(self, coding: str) -> list[str]:
        """The tags of the body in every coding, that one's first."""
        return [self.entity_tag(name) for name in dict.fromkeys((coding, *ENCODINGS, IDENTITY))]

    @property
    def without_body(self) -> CachedBody:
        """What is left to tell whether a later answer is the same."""
        return replace(self, encoded_bodies={}, version_stamp=b"")


def build_cached_body(
    body: bytes, coding: str, *, version_stamp: bytes, previous: CachedBody | None, now: datetime
) -> CachedBody:
    """A body as an answer in a coding; the same bytes as `before` keep their Last-Modified."""
    etag = etag_of(body)
    packed = {coding: ENCODINGS[coding].compress(body)}
    return CachedBody(etag, _last_modified(etag, previous, now), packed, len(body), version_stamp)


def _last_modified(etag: str, previous: CachedBody | None, now: datetime) -> int:
    """When the content last changed: now, unless it is what it was before. Never goes back."""
    if previous is None:
        return int(now.timestamp())
    if previous.etag == etag:
        return previous.last_modified
    return max(int(now.timestamp()), previous.last_modified + 1)


def etag_of(body: bytes) -> str:
    """The tag of a body: the same bytes have the same tag everywhere and for ever."""
    return hashlib.blake2b(body, digest_size=12).hexdigest()


def pack_cached_body(cached_body: CachedBody) -> bytes:
    """An answer as bytes, for Redis and for the disk."""
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
    """The answer that was packed; None where there is none or where it is damaged."""
    if not packed:
        return None
    try:
        form, etag, modified, bodies, length, stamp = msgpack.unpackb(packed)
    except (ValueError, TypeError, msgpack.UnpackException):
        return None
    return CachedBody(etag, modified, bodies, length, stamp) if form == _FORMAT_VERSION else None
