"""Saved keywords: a name for a query, and a slug that makes it a URL.

A saved keyword is nothing but that: `/feeds/reward-model.atom` and a search for its query are one
thing.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from redis import Redis

from papers.errors import BadParameter, StoreError, UnknownKeyword
from papers.query.ast import any_of
from papers.query.parser import Query, parse_query
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors
from papers.state.task_states import TaskStates

MAX_NAME_LENGTH: Final = 80
RESERVED_SLUGS: Final = frozenset({"search"})
"""Slugs that are routes: `/feeds/search.atom` takes any query."""
_SEED_COMPLETE: Final = ""
"""Stands among the slugs that were seeded when all of them were; it is none itself."""


@dataclass(frozen=True, slots=True)
class Keyword:
    """A saved keyword; `query` is canonical, `added_at` aware UTC."""

    slug: str
    name: str
    query: str
    added_at: datetime


class Keywords:
    """The saved keywords in Redis. Raises StoreAway."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._task_states = TaskStates(redis)

    def all(self) -> list[Keyword]:
        """Every saved keyword, by name."""
        with translate_store_errors(self._redis):
            found: Any = self._redis.hgetall(keys.KEYWORDS)
        keywords = [self.decode(slug.decode(), text) for slug, text in found.items()]
        return sorted(keywords, key=lambda keyword: (keyword.name.casefold(), keyword.slug))

    def get(self, slug_or_name: str) -> Keyword:
        """The keyword of that slug or name. Raises UnknownKeyword."""
        slug = _slugify(slug_or_name)
        with translate_store_errors(self._redis):
            text: Any = self._redis.hget(keys.KEYWORDS, slug) if slug else None
        if text is None:
            raise UnknownKeyword(f"no keyword {slug_or_name[:MAX_NAME_LENGTH]!r} is saved here")
        return self.decode(slug, text)

    @staticmethod
    def decode(slug: str, stored: bytes) -> Keyword:
        """Decode a value of the keywords hash. Raises StoreError if it is damaged."""
        return _decode(slug, stored)

    def add(self, name: str, query_text: str, *, now: datetime) -> Keyword:
        """Save a keyword and have its first papers fetched; the same name again changes its query.

        Raises BadQuery, and BadParameter for a name that gives no slug or another one's.
        """
        keyword = Keyword(slug_of(name), name.strip(), parse_query(query_text).canonical, now)
        with translate_store_errors(self._redis):
            if not self._redis.hsetnx(keys.KEYWORDS, keyword.slug, _encode(keyword)):
                return self._update_query(keyword, now)
        self._task_states.schedule(initial_fetch_task(keyword.slug), now)
        return keyword

    def seed(self, configured: Mapping[str, str], *, now: datetime) -> list[Keyword]:
        """Save the configured keywords, name to query, each once ever: what was removed stays so.

        Returns those saved now. Raises what `add` raises.
        """
        saved = []
        for name, query_text in configured.items():
            slug = slug_of(name)
            with translate_store_errors(self._redis):
                known = self._redis.hexists(keys.KEYWORDS, slug)
                seeded = self._redis.sismember(keys.SEEDED_KEYWORDS, slug)
            if not (known or seeded):
                saved.append(self.add(name, query_text, now=now))
            with translate_store_errors(self._redis):
                self._redis.sadd(keys.SEEDED_KEYWORDS, slug)
        with translate_store_errors(self._redis):
            self._redis.sadd(keys.SEEDED_KEYWORDS, _SEED_COMPLETE)
        return saved

    @property
    def is_seeded(self) -> bool:
        """Whether all configured keywords were saved here: not so in a store just emptied."""
        with translate_store_errors(self._redis):
            return bool(self._redis.sismember(keys.SEEDED_KEYWORDS, _SEED_COMPLETE))

    def remove(self, slug_or_name: str) -> Keyword:
        """Forget a keyword, and its first fill if that is still to come. Raises UnknownKeyword."""
        keyword = self.get(slug_or_name)
        with translate_store_errors(self._redis):
            self._redis.hdel(keys.KEYWORDS, keyword.slug)
        self._task_states.delete_task(initial_fetch_task(keyword.slug))
        return keyword

    def rename(self, slug_or_name: str, name: str) -> Keyword:
        """Call a keyword otherwise; its URL goes with its name.

        Raises UnknownKeyword, and BadParameter for a name that gives no slug or another one's.
        """
        known = self.get(slug_or_name)
        renamed = replace(known, slug=slug_of(name), name=name.strip())
        with translate_store_errors(self._redis):
            if renamed.slug != known.slug and self._redis.hexists(keys.KEYWORDS, renamed.slug):
                raise BadParameter(
                    "name", f"{name!r} would have the URL of another; choose another"
                )
            with self._redis.pipeline(transaction=True) as pipe:
                pipe.hdel(keys.KEYWORDS, known.slug)
                pipe.hset(keys.KEYWORDS, renamed.slug, _encode(renamed))
                pipe.execute()
        return renamed

    def merge(self, slug_or_name: str, into: str, *, now: datetime) -> Keyword:
        """Let one keyword find what another does besides, and forget that other.

        Raises UnknownKeyword, BadParameter where both are one, BadQuery where both are too long.
        """
        gone, kept = self.get(slug_or_name), self.get(into)
        if gone.slug == kept.slug:
            raise BadParameter("into", f"{kept.name!r} is the keyword itself; choose another")
        query = Query(any_of([parse_query(kept.query).tree, parse_query(gone.query).tree]))
        merged = self.add(kept.name, query.canonical, now=now)
        self.remove(gone.slug)
        return merged

    def _update_query(self, keyword: Keyword, now: datetime) -> Keyword:
        known = self.get(keyword.slug)
        if known.name != keyword.name:
            raise BadParameter(
                "name", f"{keyword.name!r} would have the URL of {known.name!r}; choose another"
            )
        if known.query == keyword.query:
            return known
        changed = Keyword(known.slug, known.name, keyword.query, known.added_at)
        with translate_store_errors(self._redis):
            self._redis.hset(keys.KEYWORDS, changed.slug, _encode(changed))
        self._task_states.schedule(initial_fetch_task(changed.slug), now)
        return changed


def initial_fetch_task(slug: str) -> str:
    """The task that fetches a new keyword's first papers."""
    return f"fill:{slug}"


def slug_of(name: str) -> str:
    """A name in lower-case ASCII letters, digits and hyphens: `Réward Model` to `reward-model`.

    Raises BadParameter where nothing is left of it, where it is too long or reserved.
    """
    stripped = name.strip()
    if not 0 < len(stripped) <= MAX_NAME_LENGTH or not stripped.isprintable():
        raise BadParameter(
            "name", f"must be 1 to {MAX_NAME_LENGTH} printable characters, not {name!r}"
        )
    slug = _slugify(stripped)
    if not slug:
        raise BadParameter(
            "name", f"{name!r} has no letter or digit for a URL; add some of a-z, 0-9"
        )
    if slug in RESERVED_SLUGS:
        raise BadParameter("name", f"{slug!r} is taken by the search; choose another")
    return slug


def _slugify(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def _encode(keyword: Keyword) -> str:
    values = {
        "name": keyword.name,
        "query": keyword.query,
        "added_at": keyword.added_at.astimezone(UTC).isoformat(),
    }
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def _decode(slug: str, text: bytes) -> Keyword:
    try:
        values = json.loads(text)
        added_at = datetime.fromisoformat(values["added_at"])
        return Keyword(slug, values["name"], values["query"], added_at)
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{keys.KEYWORDS}: {text[:200]!r} is no keyword ({error}); delete {slug!r} to go on"
        ) from error
