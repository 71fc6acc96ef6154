"""Version stamp: a digest of everything that a cached response depends on.

It is computed from the schema and the revision of the store, the sources that are in trouble and
the saved keywords that the response shows, or the version of their list if it may show any of them.
They are read in one round trip with the response's validators, whose cost does not depend on how
many keywords are saved, and a response is rendered from the very replies that its stamp was
computed from. The list itself is read when something is rendered from it; it may be newer than the
stamp, and then the next request renders again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, Final

import msgpack

from papers.config.sources import is_source_task
from papers.errors import StoreError, UnknownKeyword
from papers.maintenance import migrations
from papers.redis_backend import keys
from papers.redis_backend.connection import RedisCommand
from papers.state import keyword_directory
from papers.state.keyword_directory import KeywordDirectory, KeywordList, KeywordsVersion
from papers.state.keyword_record import Keyword
from papers.state.task_states import TaskState, TaskStates, TaskStatus
from service.cache.cached_body import VersionStamp

ALL_KEYWORDS: Final = "*"
"""Stands in place of slugs for a response that may show any saved keyword."""
_TROUBLES: Final = (TaskStatus.STALE, TaskStatus.FAILING)


@dataclass(frozen=True)
class StoreVersion:
    """The state of the store that a response is rendered from, as read in one round trip.

    `revision` is None in a store that has never held a paper. `stored_keywords` are the requested
    slugs with their stored values, in that order; None if not saved. `listed` is the version of
    the list for a response that may show any of them, `directory` what reads that list.
    `troubled_before` is that of the cache key.
    """

    revision: bytes | None
    stored_states: tuple[bytes, ...]
    stored_keywords: Sequence[tuple[str, bytes | None]]
    listed: KeywordsVersion | None = None
    directory: KeywordDirectory | None = None
    troubled_before: datetime | None = None

    @property
    def has_keywords(self) -> bool:
        """True if the response shows saved keywords and there are any."""
        return bool(self.listed.size if self.listed else self.stored_keywords)

    @property
    def missing_slugs(self) -> list[str]:
        """The requested slugs that are not saved."""
        return [slug for slug, stored in self.stored_keywords if stored is None]

    @cached_property
    def keywords(self) -> tuple[Keyword, ...]:
        """The saved keywords, in the order requested; all of them: by name.

        Raises UnknownKeyword if one is not saved, StoreError if one is damaged.
        """
        if self.directory and self.listed:
            return tuple(self.directory.read(self.listed).keywords)
        self.require_keywords()
        return tuple(
            Keyword.decode(slug, stored) for slug, stored in self.stored_keywords if stored
        )

    @property
    def all_keywords(self) -> KeywordList:
        """All saved keywords, for a response that may show any of them. Raises StoreError."""
        assert self.directory, "only a response requested with ALL_KEYWORDS shows any of them"
        return self.directory.read(self.listed)

    @property
    def keywords_by_name(self) -> list[Keyword]:
        """The same in the order of lists. Raises UnknownKeyword, StoreError."""
        if self.listed:
            return list(self.keywords)
        return sorted(self.keywords, key=lambda keyword: (keyword.name.casefold(), keyword.slug))

    @cached_property
    def task_states(self) -> list[TaskState]:
        """The states of all tasks, by name, but those that are in trouble too recently.

        Raises StoreError if one is damaged.
        """
        before = self.troubled_before
        return [
            state
            for state in TaskStates.decode_all(self.stored_states)
            if before is None or state.state not in _TROUBLES or state.since <= before
        ]

    def require_keywords(self) -> None:
        """Raise UnknownKeyword if a requested keyword is not saved."""
        for slug in self.missing_slugs:
            raise UnknownKeyword(f"no keyword {slug!r} is saved here", slug=slug)

    def version_stamp(self, build_id: str, period: str) -> VersionStamp:
        """Return the stamp of a response, for a build and the period it covers.

        Raises StoreError if a task state is damaged.
        """
        parts = (
            build_id,
            _visible_task_states(self.stored_states, self.troubled_before),
            self.stored_keywords,
            self.listed,
            period,
        )
        packed: Any = msgpack.packb(parts)
        others = hashlib.blake2b(packed, digest_size=12).digest()
        return VersionStamp(self.revision or b"", others)


def version_commands(keywords: Sequence[str], *others: str) -> list[RedisCommand]:
    """Return the commands that read a StoreVersion with these slugs, or with `(ALL_KEYWORDS,)`.

    The values of other keys come at the end of the first reply.
    """
    commands: list[RedisCommand] = [
        ("MGET", keys.SCHEMA, keys.REVISION, *others),
        ("HVALS", keys.SOURCES),
    ]
    if tuple(keywords) == (ALL_KEYWORDS,):
        return [*commands, *keyword_directory.list_version_commands()]
    return [*commands, ("HMGET", keys.KEYWORDS, *keywords)] if keywords else commands


def parse_store_version(
    keywords: Sequence[str],
    replies: Sequence[Any],
    directory: KeywordDirectory,
    troubled_before: datetime | None = None,
    *,
    in_cluster: bool = False,
) -> StoreVersion:
    """Decode the replies to `version_commands(keywords)`; `in_cluster`: where papers are read.

    Raises StoreError if the data is of a schema that this code does not know.
    """
    (schema, revision), states, *found = replies[: len(version_commands(keywords))]
    migrations.require_compatible(
        schema, readable=migrations.READABLE_VERSION, in_cluster=in_cluster
    )
    if tuple(keywords) == (ALL_KEYWORDS,):
        listed = keyword_directory.parse_list_version(found)
        return StoreVersion(revision, tuple(states), [], listed, directory, troubled_before)
    (values,) = found or ([],)
    stored_keywords = list(zip(keywords, values, strict=True))
    return StoreVersion(revision, tuple(states), stored_keywords, troubled_before=troubled_before)


@lru_cache(maxsize=8)
def _visible_task_states(
    stored_states: tuple[bytes, ...], troubled_before: datetime | None
) -> list[tuple[str, ...]]:
    """Return what a response may show of the task states, sorted.

    That is name, status and since when of sources in trouble (`service.source_status`), and whether
    there is any state. Cached because every response is looked up under the same states until the
    next fetch, and decoding twenty takes 0.1 ms.
    """
    try:
        states = [json.loads(text) for text in stored_states]
        visible = [
            (state["name"], state["state"], state["since"])
            for state in states
            if state["state"] in _TROUBLES
            and is_source_task(state["name"])
            and (
                troubled_before is None or datetime.fromisoformat(state["since"]) <= troubled_before
            )
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"{keys.SOURCES} holds a damaged task state: {error!r}") from error
    return [("any",), *sorted(visible)] if states else []
