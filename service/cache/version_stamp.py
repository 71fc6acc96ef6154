"""What an answer was made from, as a few bytes: the same stamp, the same answer.

Asked of the store in one round trip, with the cached answer itself: the schema and the revision of
its data, the states of its sources, and the saved keywords that the answer depends on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import msgpack

from papers.errors import StoreError, UnknownKeyword
from papers.maintenance import migrations
from papers.redis_backend import keys
from papers.redis_backend.connection import Command

EVERY_KEYWORD: Final = "*"
"""What an answer depends on that shows all saved keywords."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the store told; `saved` are the slugs asked for with their keywords."""

    revision: bytes | None
    sources: tuple[bytes, ...]
    saved: Sequence[tuple[object, bytes | None]]

    @property
    def unsaved(self) -> list[object]:
        """The slugs whose keywords are not saved."""
        return [slug for slug, keyword in self.saved if keyword is None]

    def check_keywords(self) -> None:
        """Raise UnknownKeyword where one is not saved."""
        for slug in self.unsaved:
            raise UnknownKeyword(f"no keyword {slug!r} is saved here")

    def stamp(self, edition: str, period: str) -> bytes:
        """The stamp, for an edition of the code and the period an answer is of.

        Raises StoreError for states that cannot be read.
        """
        parts = (edition, self.revision, _conditions(self.sources), self.saved, period)
        packed: Any = msgpack.packb(parts)
        return hashlib.blake2b(packed, digest_size=12).digest()


def asked(keywords: Sequence[str]) -> list[Command]:
    """The commands for what an answer depends on that shows keywords, by slug or all of them."""
    commands: list[Command] = [
        ("MGET", keys.SCHEMA, keys.REVISION),
        ("HVALS", keys.SOURCES),
    ]
    if tuple(keywords) == (EVERY_KEYWORD,):
        return [*commands, ("HGETALL", keys.KEYWORDS)]
    return [*commands, ("HMGET", keys.KEYWORDS, *keywords)] if keywords else commands


def told(keywords: Sequence[str], replies: Sequence[Any]) -> Told:
    """The replies to these commands. Raises StoreError for data of a schema we do not know."""
    (kept, revision), sources, *found = replies[: len(asked(keywords))]
    migrations.fit(kept)
    (values,) = found or ([],)
    if tuple(keywords) == (EVERY_KEYWORD,):
        saved = sorted(values.items() if isinstance(values, dict) else _pairs(values))
    else:
        saved = list(zip(keywords, values, strict=True))
    return Told(revision, tuple(sources), saved)


def _pairs(values: Sequence[bytes]) -> Iterable[tuple[bytes, bytes]]:
    """A hash as Redis's older protocol tells it."""
    return zip(values[::2], values[1::2], strict=True)


@lru_cache(maxsize=16)
def _conditions(sources: tuple[bytes, ...]) -> list[tuple[str, ...]]:
    """Of the source states what an answer may show: each one's state and since when.

    Attempts and counts, which change with every fetch, are left out.
    """
    try:
        states = [json.loads(text) for text in sources]
        return sorted((state["name"], state["state"], state["since"]) for state in states)
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{keys.SOURCES} holds what is no state: {error!r}") from error
