"""Cached bodies: rendered bytes in a content coding, with their validators."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgpack

from service.cache.encodings import ENCODINGS, IDENTITY

_FORMAT_VERSION: Final = 3
_LEGACY_FORMAT_VERSION: Final = 2
"""The format of releases whose stamp was one digest: their validators remain valid."""
_BUILDS_FORMAT_VERSION: Final = 4
"""The format of a list of bodies by build. Those of other builds are not decoded to be stored
again, so that one release keeps the validators of another whatever their format is."""
_MAX_BUILDS: Final = 2
"""Builds that run at a time, in a rolling upgrade."""
_LEGACY_EMPTY_PREFIX: Final = b"never filled "


class VersionStamp(NamedTuple):
    """The state of the store that a body was rendered from.

    `revision` is that of the papers, empty in a store that never held one; `others` is a digest of
    all else that the body depends on.
    """

    revision: bytes = b""
    others: bytes = b""


@dataclass(frozen=True, slots=True)
class CachedBody:
    """A rendered body ready to send, or its validators alone.

    `etag` is the digest of the content, without quotes. `last_modified` is when the content last
    changed, in seconds since 1970. `encoded_bodies` has the body in some codings, or is empty if
    only the validators are left; `plain_length` is the length without coding. `version_stamp`
    identifies the state of the store that the body was rendered from, or a later one that gives the
    same. `content_digest` is that of what was rendered, empty if it has to be rendered to be known.
    """

    etag: str
    last_modified: int
    encoded_bodies: Mapping[str, bytes]
    plain_length: int
    version_stamp: VersionStamp
    content_digest: bytes = b""

    def encoded_body(self, coding: str = IDENTITY) -> bytes:
        """Return the body in a coding, decoding and encoding it if need be."""
        if coding in self.encoded_bodies:
            return self.encoded_bodies[coding]
        name, encoded = next(iter(self.encoded_bodies.items()))
        plain = ENCODINGS[name].decompress(encoded)
        return ENCODINGS[coding].compress(plain) if coding else plain

    def with_coding(self, coding: str) -> CachedBody:
        """Return a copy that has its body in this coding, too."""
        if coding in self.encoded_bodies:
            return self
        return replace(
            self, encoded_bodies={**self.encoded_bodies, coding: self.encoded_body(coding)}
        )

    def stamped(self, version_stamp: VersionStamp) -> CachedBody:
        """Return a copy with the stamp of another state of the store that gives the same body."""
        return replace(self, version_stamp=version_stamp)

    def with_bodies_of(self, other: CachedBody) -> CachedBody:
        """Return these validators with the encoded bodies of another copy of the content."""
        # Runs for every 200 from the cache; `replace` takes four times as long.
        return CachedBody(
            self.etag,
            self.last_modified,
            other.encoded_bodies,
            self.plain_length,
            self.version_stamp,
            self.content_digest,
        )

    def entity_tag(self, coding: str = IDENTITY) -> str:
        """Return the entity tag of the body in a coding: each coding has its own."""
        return f'"{self.etag}{ENCODINGS[coding].etag_suffix if coding else ""}"'

    def entity_tags(self, coding: str) -> list[str]:
        """Return the entity tags of all codings, that of `coding` first."""
        return [self.entity_tag(name) for name in dict.fromkeys((coding, *ENCODINGS, IDENTITY))]

    @property
    def without_body(self) -> CachedBody:
        """The validators alone."""
        return replace(self, encoded_bodies={})


def build_cached_body(
    body: bytes,
    coding: str,
    *,
    version_stamp: VersionStamp,
    previous: CachedBody | None,
    now: datetime,
    content_digest: bytes = b"",
) -> CachedBody:
    """Encode a body; it keeps the Last-Modified of `previous` if the bytes are equal."""
    etag = etag_of(body)
    encoded = {coding: ENCODINGS[coding].compress(body)}
    modified = _last_modified(etag, previous, now)
    return CachedBody(etag, modified, encoded, len(body), version_stamp, content_digest)


def _last_modified(etag: str, previous: CachedBody | None, now: datetime) -> int:
    """Return when the content last changed, in seconds since 1970. It never goes back."""
    if previous is None:
        return int(now.timestamp())
    if previous.etag == etag:
        return previous.last_modified
    return max(int(now.timestamp()), previous.last_modified + 1)


def etag_of(body: bytes) -> str:
    """Return the digest of a body, 24 hexadecimal digits: equal bytes, equal ETags everywhere.

    By SHA-256, which processors have instructions for: twice as fast here as any other.
    """
    return hashlib.sha256(body).hexdigest()[:24]


def pack_cached_body(cached_body: CachedBody) -> bytes:
    """Serialize a cached body, for Redis and the disk."""
    parts = (
        cached_body.etag,
        cached_body.last_modified,
        dict(cached_body.encoded_bodies),
        cached_body.plain_length,
        *cached_body.version_stamp,
        cached_body.content_digest,
    )
    packed: Any = msgpack.packb((_FORMAT_VERSION, *parts))
    return bytes(packed)


def unpack_cached_body(packed: bytes | None) -> CachedBody | None:
    """Deserialize a cached body; None if there is none, it is damaged, or of another format."""
    if not packed:
        return None
    try:
        format_version, etag, modified, bodies, length, *stamps = msgpack.unpackb(packed)
        if format_version == _LEGACY_FORMAT_VERSION:
            return CachedBody(etag, modified, bodies, length, _legacy_stamp(*stamps))
        revision, others, content_digest = stamps
    except (ValueError, TypeError, msgpack.UnpackException):
        return None
    if format_version != _FORMAT_VERSION:
        return None
    stamp = VersionStamp(revision, others)
    return CachedBody(etag, modified, bodies, length, stamp, content_digest)


class StoredValidators(NamedTuple):
    """The validators of one response, of this build of the code and of the one beside it.

    `own` are None if this build has not rendered it yet; `others` are pairs of build and packed
    validators, newest first.
    """

    own: CachedBody | None = None
    others: tuple[tuple[str, bytes], ...] = ()

    @classmethod
    def unpack(cls, packed: bytes | None, build_id: str) -> StoredValidators:
        """Deserialize a stored value; damaged ones are left out."""
        if not packed:
            return cls()
        try:
            format_version, *rows = msgpack.unpackb(packed)
            if format_version != _BUILDS_FORMAT_VERSION:
                return cls(None, (("", packed),))
            entries = [(str(build), bytes(stored)) for build, stored in rows]
        except (ValueError, TypeError, msgpack.UnpackException):
            return cls()
        own = next((stored for build, stored in entries if build == build_id), None)
        others = [entry for entry in entries if entry[0] != build_id]
        return cls(unpack_cached_body(own), tuple(others))

    @property
    def newest(self) -> CachedBody | None:
        """The validators of this build, or else the newest of another."""
        if self.own:
            return self.own
        found = (unpack_cached_body(stored) for _, stored in self.others)
        return next((validators for validators in found if validators), None)

    def pack(self, own: CachedBody, build_id: str) -> bytes:
        """Serialize new validators of this build, beside those of another."""
        entries = [(build_id, pack_cached_body(own)), *self.others][:_MAX_BUILDS]
        packed: Any = msgpack.packb((_BUILDS_FORMAT_VERSION, *entries))
        return bytes(packed)


def _legacy_stamp(stamp: bytes) -> VersionStamp:
    """Return a stamp that no state of the store has; it still says whether there were papers."""
    return VersionStamp(b"" if stamp.startswith(_LEGACY_EMPTY_PREFIX) else b"unknown", stamp)
