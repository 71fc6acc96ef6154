"""Saved keywords: a name for a query, and a slug that gives it a URL.

A saved keyword is only that: `/feeds/reward-model.atom` and a search for its query are the same.
"""

from __future__ import annotations

import json
import re
import secrets
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from redis import Redis
from redis.client import Pipeline

from papers.errors import BadParameter, BadQuery, StoreError, UnknownKeyword
from papers.query.ast import any_of
from papers.query.parser import Query, parse_query
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors
from papers.state.initial_fetch_states import INITIAL_FETCH_PREFIX, InitialFetchStates
from papers.state.task_states import TaskStates

MAX_NAME_LENGTH: Final = 80
RESERVED_SLUGS: Final = frozenset({"search"})
"""Slugs that are routes: `/feeds/search.atom` accepts any query."""
_SEED_COMPLETE: Final = ""
"""Added to the seeded slugs once all of them were; not a slug itself."""


@dataclass(frozen=True, slots=True)
class Keyword:
    """A saved keyword; `query` is a display text, `added_at` aware UTC."""

    slug: str
    name: str
    query: str
    added_at: datetime


class Keywords:
    """The saved keywords in Redis. Raises StoreUnavailable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._task_states = TaskStates(redis)
        self._initial_fetches = InitialFetchStates(redis)

    def all(self) -> list[Keyword]:
        """Return every saved keyword, sorted by name."""
        with translate_store_errors(self._redis):
            found: Any = self._redis.hgetall(keys.KEYWORDS)
        keywords = self.decode_all(found).values()
        return sorted(keywords, key=lambda keyword: (keyword.name.casefold(), keyword.slug))

    def count(self) -> int:
        """Return the number of saved keywords."""
        with translate_store_errors(self._redis):
            return int(self._redis.hlen(keys.KEYWORDS))

    def get(self, slug_or_name: str) -> Keyword:
        """Return the keyword with a slug or name. Raises UnknownKeyword."""
        slug = _slugify(slug_or_name)
        with translate_store_errors(self._redis):
            stored: Any = self._redis.hget(keys.KEYWORDS, slug) if slug else None
        if stored is None:
            raise UnknownKeyword(f"no keyword {slug_or_name[:MAX_NAME_LENGTH]!r} is saved here")
        return self.decode(slug, stored)

    @staticmethod
    def decode(slug: str, stored: bytes) -> Keyword:
        """Decode a value of the keywords hash. Raises StoreError if it is damaged."""
        return _decode(slug, stored)

    @staticmethod
    def decode_all(stored: Mapping[bytes, bytes]) -> dict[bytes, Keyword]:
        """Decode values of the keywords hash by slug, in a third of the time that singly takes.

        Raises StoreError if one is damaged.
        """
        try:
            rows = json.loads(b"[%s]" % b",".join(stored.values()))
            return {
                slug: Keyword(
                    slug.decode(),
                    row["name"],
                    row["query"],
                    datetime.fromisoformat(row["added_at"]),
                )
                for slug, row in zip(stored, rows, strict=True)
            }
        except (ValueError, KeyError, TypeError):  # one of them is damaged: say which
            return {slug: _decode(slug.decode(), value) for slug, value in stored.items()}

    def add(self, name: str, query_text: str, *, now: datetime) -> Keyword:
        """Save a keyword and schedule its initial fetch; saving a known name changes its query.

        Raises BadQuery; BadParameter for a name without a slug, or with another keyword's slug.
        """
        keyword = Keyword(slug_of(name), name.strip(), parse_query(query_text).display_text, now)
        with translate_store_errors(self._redis):
            with self._redis.pipeline() as pipe:
                pipe.hsetnx(keys.KEYWORDS, keyword.slug, _encode(keyword))
                is_new = self._commit(pipe)
            if not is_new:
                return self._update_query(keyword, now)
        self._schedule_initial_fetch(keyword.slug, now)
        return keyword

    def _schedule_initial_fetch(self, slug: str, now: datetime) -> None:
        """Schedule it, unless many are waiting: then the scheduler finds it, and decides."""
        if self._initial_fetches.has_free_place():
            self._task_states.schedule(initial_fetch_task(slug), now)

    def fetch_past(self, slug_or_name: str, *, now: datetime) -> Keyword:
        """Have the newest papers of a keyword fetched again. Raises UnknownKeyword."""
        keyword = self.get(slug_or_name)
        self._task_states.delete_task(initial_fetch_task(keyword.slug))
        self._schedule_initial_fetch(keyword.slug, now)
        return keyword

    def save_new(self, keywords: Sequence[Keyword]) -> set[str]:
        """Save keywords whose slugs are free, in one transaction; return the slugs of these.

        Their initial fetches are left to the scheduler.
        """
        if not keywords:
            return set()
        with translate_store_errors(self._redis), self._redis.pipeline() as pipe:
            for keyword in keywords:
                pipe.hsetnx(keys.KEYWORDS, keyword.slug, _encode(keyword))
            pipe.set(keys.KEYWORDS_VERSION, secrets.token_bytes(12))
            *are_new, _ = pipe.execute()
        return {k.slug for k, is_new in zip(keywords, are_new, strict=True) if is_new}

    def seed(self, configured: Mapping[str, str], *, now: datetime) -> list[Keyword]:
        """Save the configured keywords (name to query), each only once: removed ones stay removed.

        Returns the keywords saved by this call. Raises what `add` raises.
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
        """True once all configured keywords were saved; False in a store just emptied."""
        with translate_store_errors(self._redis):
            return bool(self._redis.sismember(keys.SEEDED_KEYWORDS, _SEED_COMPLETE))

    def remove(self, slug_or_name: str) -> Keyword:
        """Remove a keyword and its initial fetch, if still scheduled. Raises UnknownKeyword."""
        keyword = self.get(slug_or_name)
        with translate_store_errors(self._redis), self._redis.pipeline() as pipe:
            pipe.hdel(keys.KEYWORDS, keyword.slug)
            self._commit(pipe)
        self._task_states.delete_task(initial_fetch_task(keyword.slug))
        return keyword

    def rename(self, slug_or_name: str, name: str) -> Keyword:
        """Rename a keyword; its URL changes with the name, and the scheduler plans another fetch.

        Raises UnknownKeyword; BadParameter for a name without a slug, or with another's slug.
        """
        known = self.get(slug_or_name)
        renamed = replace(known, slug=slug_of(name), name=name.strip())
        with translate_store_errors(self._redis):
            if renamed.slug != known.slug and self._redis.hexists(keys.KEYWORDS, renamed.slug):
                raise BadParameter(
                    "name", f"{name!r} would have the URL of another; choose another"
                )
            with self._redis.pipeline() as pipe:
                pipe.hdel(keys.KEYWORDS, known.slug)
                pipe.hset(keys.KEYWORDS, renamed.slug, _encode(renamed))
                self._commit(pipe)
        if renamed.slug != known.slug:
            self._task_states.delete_task(initial_fetch_task(known.slug))
        return renamed

    def merge(self, slug_or_name: str, into: str, *, now: datetime) -> Keyword:
        """Add a keyword's query to that of another one, `into`, and remove the first.

        Raises UnknownKeyword; BadParameter if both are the same; BadQuery if it gets too long.
        """
        source, target = self.get(slug_or_name), self.get(into)
        if source.slug == target.slug:
            raise BadParameter("into", f"{target.name!r} is the keyword itself; choose another")
        query = Query(any_of([parse_query(target.query).tree, parse_query(source.query).tree]))
        merged = self.add(target.name, query.canonical, now=now)
        self.remove(source.slug)
        return merged

    @staticmethod
    def _commit(pipe: Pipeline) -> int:
        """Execute a change with a new version of the list; return what its first command did."""
        pipe.set(keys.KEYWORDS_VERSION, secrets.token_bytes(12))
        return int(pipe.execute()[0])

    def scan_slugs(self, cursor: int, count: int) -> tuple[int, list[str]]:
        """Return the next cursor (0: the list is through) and about `count` slugs, in no order."""
        with translate_store_errors(self._redis):
            found: Any = self._redis.hscan(keys.KEYWORDS, cursor, count=count)
        return int(found[0]), [slug.decode() for slug in found[1]]

    def _update_query(self, keyword: Keyword, now: datetime) -> Keyword:
        known = self.get(keyword.slug)
        if known.name != keyword.name:
            raise BadParameter(
                "name", f"{keyword.name!r} would have the URL of {known.name!r}; choose another"
            )
        if known.query == keyword.query:
            return known
        changed = Keyword(known.slug, known.name, keyword.query, known.added_at)
        with translate_store_errors(self._redis), self._redis.pipeline() as pipe:
            pipe.hset(keys.KEYWORDS, changed.slug, _encode(changed))
            self._commit(pipe)
        if parse_query(known.query) != parse_query(keyword.query):
            self._task_states.delete_task(initial_fetch_task(changed.slug))
            self._schedule_initial_fetch(changed.slug, now)
        return changed


def initial_fetch_task(slug: str) -> str:
    """Return the name of the task that fetches a new keyword's first papers."""
    return f"{INITIAL_FETCH_PREFIX}{slug}"


def slug_of(name: str) -> str:
    """Return a name's slug: `Réward Model` becomes `reward-model`.

    Raises BadParameter if it is empty, too long or reserved.
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


def _decode(slug: str, stored: bytes) -> Keyword:
    try:
        values = json.loads(stored)
        added_at = datetime.fromisoformat(values["added_at"])
        return Keyword(slug, values["name"], _quote_small_or(values["query"]), added_at)
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{keys.KEYWORDS}: {stored[:200]!r} is no keyword ({error}); delete {slug!r} to go on"
        ) from error


def _quote_small_or(text: str) -> str:
    """Return a stored query in which no small `or` is an operator.

    Operators are stored in capitals: in a query that an earlier version stored, `or` is a word.
    """
    if " or " not in text:
        return text
    try:
        notes = parse_query(text).notes
    except BadQuery:
        return text
    readings = [note.alternative_query for note in notes if note.kind == "operator"]
    return readings[0] if readings and readings[0] else text
