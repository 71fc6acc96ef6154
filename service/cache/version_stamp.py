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
from papers.redis_backend.connection import RedisCommand

ALL_KEYWORDS: Final = "*"
"""What an answer depends on that shows all saved keywords."""


@dataclass(frozen=True, slots=True)
class StoreVersion:
    """What the store told; `saved` are the slugs asked for with their keywords."""

    revision: bytes | None
    sources: tuple[bytes, ...]
    keywords: Sequence[tuple[object, bytes | None]]

    @property
    def missing_slugs(self) -> list[object]:
        """The slugs whose keywords are not saved."""
        return [slug for slug, keyword in self.keywords if keyword is None]

    def require_keywords(self) -> None:
        """Raise UnknownKeyword where one is not saved."""
        for slug in self.missing_slugs:
            raise UnknownKeyword(f"no keyword {slug!r} is saved here")

    def version_stamp(self, build_id: str, period: str) -> bytes:
        """The stamp, for an edition of the code and the period an answer is of.

        Raises StoreError for states that cannot be read.
        """
        parts = (
            build_id,
            self.revision,
            _visible_source_states(self.sources),
            self.keywords,
            period,
        )
        packed: Any = msgpack.packb(parts)
        return hashlib.blake2b(packed, digest_size=12).digest()


def version_commands(keywords: Sequence[str]) -> list[RedisCommand]:
    """The commands for what an answer depends on that shows keywords, by slug or all of them."""
    commands: list[RedisCommand] = [
        ("MGET", keys.SCHEMA, keys.REVISION),
        ("HVALS", keys.SOURCES),
    ]
    if tuple(keywords) == (ALL_KEYWORDS,):
        return [*commands, ("HGETALL", keys.KEYWORDS)]
    return [*commands, ("HMGET", keys.KEYWORDS, *keywords)] if keywords else commands


def parse_store_version(keywords: Sequence[str], replies: Sequence[Any]) -> StoreVersion:
    """The replies to these commands. Raises StoreError for data of a schema we do not know."""
    (kept, revision), sources, *found = replies[: len(version_commands(keywords))]
    migrations.require_compatible(kept)
    (values,) = found or ([],)
    if tuple(keywords) == (ALL_KEYWORDS,):
        saved = sorted(values.items() if isinstance(values, dict) else _hash_items(values))
    else:
        saved = list(zip(keywords, values, strict=True))
    return StoreVersion(revision, tuple(sources), saved)


def _hash_items(values: Sequence[bytes]) -> Iterable[tuple[bytes, bytes]]:
    """A hash as Redis's older protocol tells it."""
    return zip(values[::2], values[1::2], strict=True)


@lru_cache(maxsize=16)
def _visible_source_states(sources: tuple[bytes, ...]) -> list[tuple[str, ...]]:
    """Of the source states what an answer may show: each one's state and since when.

    Attempts and counts, which change with every fetch, are left out.
    """
    try:
        states = [json.loads(text) for text in sources]
        return sorted((state["name"], state["state"], state["since"]) for state in states)
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{keys.SOURCES} holds what is no state: {error!r}") from error
