"""A rendered answer: its bytes, packed once, and what validates them."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from typing import Any, Final

import msgpack

_LEVEL: Final = 6
_FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer ready to send.

    `etag` is of the content, without quotes. `modified` is when the content last changed, in
    seconds since 1970. `gzipped` is the body as it is sent to nearly everyone; `length` that of the
    body itself. `stamp` tells which state of the store it was made from.
    """

    etag: str
    modified: int
    gzipped: bytes
    length: int
    stamp: bytes

    @property
    def body(self) -> bytes:
        """The body as it was rendered."""
        return gzip.decompress(self.gzipped)

    @property
    def gzip_etag(self) -> str:
        """The tag of the gzipped body: other bytes, another tag."""
        return f"{self.etag}-gz"


def answer_of(body: bytes, *, stamp: bytes, modified: int) -> Answer:
    """Pack a body."""
    gzipped = gzip.compress(body, _LEVEL, mtime=0)
    return Answer(etag_of(body), modified, gzipped, len(body), stamp)


def etag_of(body: bytes) -> str:
    """The tag of a body: the same bytes have the same tag everywhere and for ever."""
    return hashlib.blake2b(body, digest_size=12).hexdigest()


def pack(answer: Answer) -> bytes:
    """An answer as bytes, for Redis and for the disk."""
    parts = (answer.etag, answer.modified, answer.gzipped, answer.length, answer.stamp)
    packed: Any = msgpack.packb((_FORMAT, *parts))
    return bytes(packed)


def unpack(packed: bytes | None) -> Answer | None:
    """The answer that was packed; None where there is none or where it is damaged."""
    if not packed:
        return None
    try:
        form, etag, modified, gzipped, length, stamp = msgpack.unpackb(packed)
    except (ValueError, TypeError, msgpack.UnpackException):
        return None
    return Answer(etag, modified, gzipped, length, stamp) if form == _FORMAT else None
