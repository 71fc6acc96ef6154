"""A rendered answer: its bytes, packed in a coding, and what validates them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import msgpack

from service.cache.encodings import ENCODINGS, IDENTITY

_FORMAT: Final = 2


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer ready to send.

    `etag` is of the content, without quotes. `modified` is when the content last changed, in
    seconds since 1970. `packed` holds the body in one coding, or in none where only validators are
    left; `length` is that of the body itself. `stamp` tells which state of the store it was made
    from.
    """

    etag: str
    modified: int
    packed: Mapping[str, bytes]
    length: int
    stamp: bytes

    def body(self, encoding: str = IDENTITY) -> bytes:
        """The body in a coding; made from another where only that is here."""
        if encoding in self.packed:
            return self.packed[encoding]
        name, packed = next(iter(self.packed.items()))
        plain = ENCODINGS[name].unpack(packed)
        return ENCODINGS[encoding].pack(plain) if encoding else plain

    def within(self, encoding: str) -> Answer:
        """The same answer with its body in a coding."""
        return replace(self, packed={encoding: self.body(encoding)})

    def tag(self, encoding: str = IDENTITY) -> str:
        """The entity tag of the body in a coding: other bytes, another tag."""
        return f'"{self.etag}{ENCODINGS[encoding].mark if encoding else ""}"'

    def tags(self, encoding: str) -> list[str]:
        """The tags of the body in every coding, that one's first."""
        return [self.tag(name) for name in dict.fromkeys((encoding, *ENCODINGS, IDENTITY))]

    @property
    def validators(self) -> Answer:
        """What is left to tell whether a later answer is the same."""
        return replace(self, packed={}, stamp=b"")


def rendered(
    body: bytes, coding: str, *, stamp: bytes, before: Answer | None, now: datetime
) -> Answer:
    """A body as an answer in a coding; the same bytes as `before` keep their Last-Modified."""
    etag = etag_of(body)
    packed = {coding: ENCODINGS[coding].pack(body)}
    return Answer(etag, _modified(etag, before, now), packed, len(body), stamp)


def _modified(etag: str, before: Answer | None, now: datetime) -> int:
    """When the content last changed: now, unless it is what it was before. Never goes back."""
    if before is None:
        return int(now.timestamp())
    if before.etag == etag:
        return before.modified
    return max(int(now.timestamp()), before.modified + 1)


def etag_of(body: bytes) -> str:
    """The tag of a body: the same bytes have the same tag everywhere and for ever."""
    return hashlib.blake2b(body, digest_size=12).hexdigest()


def pack(answer: Answer) -> bytes:
    """An answer as bytes, for Redis and for the disk."""
    parts = (answer.etag, answer.modified, dict(answer.packed), answer.length, answer.stamp)
    packed: Any = msgpack.packb((_FORMAT, *parts))
    return bytes(packed)


def unpack(packed: bytes | None) -> Answer | None:
    """The answer that was packed; None where there is none or where it is damaged."""
    if not packed:
        return None
    try:
        form, etag, modified, bodies, length, stamp = msgpack.unpackb(packed)
    except (ValueError, TypeError, msgpack.UnpackException):
        return None
    return Answer(etag, modified, bodies, length, stamp) if form == _FORMAT else None
