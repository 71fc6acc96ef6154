"""Version stamp: a digest of everything that a cached response depends on.

It is computed from the schema and the revision of the store, the states of the tasks and the saved
keywords that the response shows. They are read in one round trip with the cached response itself,
and a response is rendered from the very replies that its stamp was computed from.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final

import msgpack

from papers.errors import StoreError, UnknownKeyword
from papers.maintenance import migrations
from papers.redis_backend import keys
from papers.redis_backend.connection import RedisCommand
from papers.state.keywords import Keyword, Keywords
from papers.state.task_states import TaskState, TaskStates

ALL_KEYWORDS: Final = "*"
"""Stands in place of slugs for a response that shows every saved keyword."""


@dataclass(frozen=True)
class StoreVersion:
    """The state of the store that a response is rendered from, as read in one round trip.

    `revision` is None in a store that has never held a paper. `stored_keywords` are slugs with
    their stored values, in the order requested (all of them: by slug); None if not saved.
    """

    revision: bytes | None
    stored_states: tuple[bytes, ...]
    stored_keywords: Sequence[tuple[str, bytes | None]]

    @property
    def missing_slugs(self) -> list[str]:
        """The requested slugs that are not saved."""
        return [slug for slug, stored in self.stored_keywords if stored is None]

    @cached_property
    def keywords(self) -> tuple[Keyword, ...]:
        """The saved keywords, in the order requested.

        Raises UnknownKeyword if one is not saved, StoreError if one is damaged.
        """
        self.require_keywords()
        return tuple(
            Keywords.decode(slug, stored) for slug, stored in self.stored_keywords if stored
        )

    @property
    def keywords_by_name(self) -> list[Keyword]:
        """The same in the order of lists. Raises UnknownKeyword, StoreError."""
        return sorted(self.keywords, key=lambda keyword: (keyword.name.casefold(), keyword.slug))

    @cached_property
    def task_states(self) -> list[TaskState]:
        """The states of all tasks, by name. Raises StoreError if one is damaged."""
        return TaskStates.decode_all(self.stored_states)

    def require_keywords(self) -> None:
        """Raise UnknownKeyword if a requested keyword is not saved."""
        for slug in self.missing_slugs:
            raise UnknownKeyword(f"no keyword {slug!r} is saved here")

    def version_stamp(self, build_id: str, period: str) -> bytes:
        """Return the stamp of a response: 12 bytes, for a build and the period it covers.

        Raises StoreError if a task state is damaged.
        """
        parts = (
            build_id,
            self.revision,
            _visible_task_states(self.stored_states),
            self.stored_keywords,
            period,
        )
        packed: Any = msgpack.packb(parts)
        return hashlib.blake2b(packed, digest_size=12).digest()


def version_commands(keywords: Sequence[str]) -> list[RedisCommand]:
    """Return the commands that read a StoreVersion with these slugs, or with `(ALL_KEYWORDS,)`."""
    commands: list[RedisCommand] = [
        ("MGET", keys.SCHEMA, keys.REVISION),
        ("HVALS", keys.SOURCES),
    ]
    if tuple(keywords) == (ALL_KEYWORDS,):
        return [*commands, ("HGETALL", keys.KEYWORDS)]
    return [*commands, ("HMGET", keys.KEYWORDS, *keywords)] if keywords else commands


def parse_store_version(keywords: Sequence[str], replies: Sequence[Any]) -> StoreVersion:
    """Decode the replies to `version_commands(keywords)`.

    Raises StoreError if the data is of a schema that this code does not know.
    """
    (schema, revision), states, *found = replies[: len(version_commands(keywords))]
    migrations.require_compatible(schema)
    (values,) = found or ([],)
    if tuple(keywords) == (ALL_KEYWORDS,):
        items = values.items() if isinstance(values, dict) else _resp2_hash_items(values)
        stored = sorted((slug.decode(), value) for slug, value in items)
    else:
        stored = list(zip(keywords, values, strict=True))
    return StoreVersion(revision, tuple(states), stored)


def _resp2_hash_items(values: Sequence[bytes]) -> Iterable[tuple[bytes, bytes]]:
    """Pair up the flat reply that version 2 of Redis's protocol gives for a hash."""
    return zip(values[::2], values[1::2], strict=True)


@lru_cache(maxsize=4)
def _visible_task_states(stored_states: tuple[bytes, ...]) -> list[tuple[str, ...]]:
    """Return what a response may show of the task states: name, status and since when, sorted.

    Attempts and counts change with every fetch and are left out. Cached because every response is
    looked up under the same states until the next fetch, and decoding twenty takes 0.1 ms.
    """
    try:
        states = [json.loads(text) for text in stored_states]
        return sorted((state["name"], state["state"], state["since"]) for state in states)
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{keys.SOURCES} holds a damaged task state: {error!r}") from error
