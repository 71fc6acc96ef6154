"""The content codings a body is kept ready in, and which one a client gets.

https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import brotli

IDENTITY: Final = ""
"""The body as it was rendered: what a client gets that names no coding we have."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """A coding: the mark its entity tags bear, and how a body is packed and unpacked."""

    mark: str
    pack: Callable[[bytes], bytes]
    unpack: Callable[[bytes], bytes]


ENCODINGS: Final[Mapping[str, Encoding]] = {
    "br": Encoding("-br", lambda body: bytes(brotli.compress(body, quality=5)), brotli.decompress),
    "gzip": Encoding("-gz", lambda body: gzip.compress(body, 6, mtime=0), gzip.decompress),
}
"""By their names in HTTP, smallest bodies first. Both are packed once, when a body is rendered.

Of 100 papers (409 kB of Atom) gzip makes 70 kB and brotli 62 kB, in the same time. A higher quality
of brotli takes five times as long for 4 %.
"""
_ALIASES: Final = {"x-gzip": "gzip"}


def chosen(accepted: Iterable[tuple[str, float]]) -> str:
    """The coding for a client, from its `Accept-Encoding` as (name, quality).

    The one it likes best, of those alike the smallest; none (`IDENTITY`) where it likes none, or
    the plain body better. A client that refuses all there is gets the plain body too.
    """
    said = {_ALIASES.get(name.lower(), name.lower()): quality for name, quality in accepted}
    others, plain = said.get("*", 0.0), said.get("identity", 0.0)
    liked = {name: said.get(name, others) for name in ENCODINGS}
    best = max(liked, key=lambda name: liked[name])  # of equals the first
    return best if liked[best] > 0 and liked[best] >= plain else IDENTITY
