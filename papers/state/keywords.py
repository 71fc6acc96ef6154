"""Saved keywords: a name for a query, and a slug that gives it a URL.

A saved keyword is only that: `/feeds/reward-model.atom` and a search for its query are the same.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from redis import Redis
from redis.client import Pipeline

from papers.errors import BadParameter, FormerNameTaken, UnknownKeyword
from papers.query.ast import any_of
from papers.query.parser import Query, parse_query
from papers.query.request import LIST_NAMES
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors
from papers.state.former_names import FormerName, FormerNames
from papers.state.initial_fetch_states import InitialFetchStates
from papers.state.keyword_record import Keyword, initial_fetch_task
from papers.state.slugs import (
    MAX_NAME_LENGTH,
    first_version_slug,
    moved_slug,
    slug_of,
    slugify,
    unreserved_name,
)
from papers.state.task_states import TaskStates

_SEED_COMPLETE: Final = ""
"""Marks that all configured keywords have been saved; not a slug itself."""


class Keywords:
    """The saved keywords in Redis. Raises StoreUnavailable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._task_states = TaskStates(redis)
        self.former_names = FormerNames(redis)
        self._initial_fetches = InitialFetchStates(redis)

    def all(self) -> list[Keyword]:
        """Return every saved keyword, sorted by name."""
        with translate_store_errors(self._redis):
            found: Any = self._redis.hgetall(keys.KEYWORDS)
        keywords = Keyword.decode_all(found).values()
        return sorted(keywords, key=lambda keyword: (keyword.name.casefold(), keyword.slug))

    def count(self) -> int:
        """Return the number of saved keywords."""
        with translate_store_errors(self._redis):
            return int(self._redis.hlen(keys.KEYWORDS))

    def get(self, slug_or_name: str) -> Keyword:
        """Return the keyword with a slug or name, also one named by the first version.

        Raises UnknownKeyword.
        """
        slugs = slugify(slug_or_name), first_version_slug(slug_or_name)
        with translate_store_errors(self._redis):
            rows: Any = self._redis.hmget(keys.KEYWORDS, slugs)
        found = [
            Keyword.decode(slug, stored) for slug, stored in zip(slugs, rows, strict=True) if stored
        ]
        for keyword in found:
            if keyword.slug == slugs[0] or keyword.name == slug_or_name.strip():
                return keyword
        name = slug_or_name[:MAX_NAME_LENGTH]
        raise UnknownKeyword(f"no keyword {name!r} is saved here", slug=slugs[0])

    def add(self, name: str, query_text: str, *, now: datetime, take_over: bool = False) -> Keyword:
        """Save a keyword and schedule its initial fetch; saving a known name changes its query.

        With `take_over` the name may be a former one of another keyword. Raises BadQuery;
        BadParameter for a name without a slug, or with another keyword's slug; FormerNameTaken.
        """
        query = parse_query(query_text).display_text
        keyword = Keyword(self._slug_for(name), name.strip(), query, now)
        if renamed := self._renamed(keyword.slug, name, take_over=take_over, query=query):
            return renamed
        with translate_store_errors(self._redis):
            with self._redis.pipeline() as pipe:
                pipe.hsetnx(keys.KEYWORDS, keyword.slug, keyword.encode())
                self.former_names.forget(pipe, keyword.slug)
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
                pipe.hsetnx(keys.KEYWORDS, keyword.slug, keyword.encode())
            pipe.set(keys.KEYWORDS_VERSION, secrets.token_bytes(12))
            *are_new, _ = pipe.execute()
        return {k.slug for k, is_new in zip(keywords, are_new, strict=True) if is_new}

    def seed(self, configured: Mapping[str, str], *, now: datetime) -> list[Keyword]:
        """Save the configured keywords (name to query), each only once: removed ones stay removed.

        Returns the keywords saved by this call. Raises what `add` raises.
        """
        saved = []
        for name, query_text in configured.items():
            name = unreserved_name(name)
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

    def remove(self, slug_or_name: str, *, now: datetime) -> Keyword:
        """Remove a keyword and its initial fetch, if still scheduled. Raises UnknownKeyword.

        `restore` brings it back.
        """
        keyword = self.get(slug_or_name)
        kept = keyword.name, keyword.query, keyword.added_at
        removed = FormerName(keyword.slug, "", *kept, removed_at=now)
        with translate_store_errors(self._redis), self._redis.pipeline() as pipe:
            pipe.hdel(keys.KEYWORDS, keyword.slug)
            self.former_names.save(pipe, removed)
            self._commit(pipe)
        self._task_states.delete_task(initial_fetch_task(keyword.slug))
        return keyword

    def restore(self, slug_or_name: str) -> Keyword:
        """Save a removed keyword again as it was, with its redirections.

        Raises UnknownKeyword if none was so named.
        """
        former = self.former_names.get(slugify(slug_or_name))
        if former is None or not former.added_at:
            raise UnknownKeyword(f"no keyword {slug_or_name[:MAX_NAME_LENGTH]!r} was removed here")
        keyword = self.add(former.name, former.query, now=former.added_at)
        with translate_store_errors(self._redis), self._redis.pipeline() as pipe:
            self.former_names.restore_redirects(pipe, keyword.slug)
            self._commit(pipe)
        return keyword

    def rename(self, slug_or_name: str, name: str, *, take_over: bool = False) -> Keyword:
        """Rename a keyword; its URLs change with the name, and the old ones redirect to them.

        Raises UnknownKeyword; BadParameter for a name without a slug, or with another's slug;
        FormerNameTaken for a former name of another keyword, unless `take_over`.
        """
        known = self.get(slug_or_name)
        renamed = replace(known, slug=slug_of(name), name=name.strip())
        if renamed.slug != known.slug:
            self._renamed(renamed.slug, name, take_over=take_over, owner=known.slug)
        with translate_store_errors(self._redis):
            if renamed.slug != known.slug and self._redis.hexists(keys.KEYWORDS, renamed.slug):
                raise BadParameter("name", f"{name!r} has the URL of another; choose another")
            with self._redis.pipeline() as pipe:
                pipe.hdel(keys.KEYWORDS, known.slug)
                pipe.hset(keys.KEYWORDS, renamed.slug, renamed.encode())
                if renamed.slug != known.slug:
                    self.former_names.redirect(pipe, known.slug, renamed.slug)
                self._commit(pipe)
        if renamed.slug != known.slug:
            self._task_states.delete_task(initial_fetch_task(known.slug))
        return renamed

    def is_saved(self, slug: str) -> bool:
        """Return whether a slug is that of a saved keyword."""
        with translate_store_errors(self._redis):
            return bool(self._redis.hexists(keys.KEYWORDS, slug))

    def move_reserved(self) -> list[Keyword]:
        """Rename the keywords whose slugs have become those of lists; return them renamed."""
        moved = list[Keyword]()
        for slug in filter(self.is_saved, LIST_NAMES):
            name = unreserved_name(self.get(slug).name)
            is_taken = self.is_saved(moved_slug(slug))
            moved.append(self.rename(slug, f"{name} 2" if is_taken else name))
        return moved

    def merge(self, slug_or_name: str, into: str, *, now: datetime) -> Keyword:
        """Add a keyword's query to that of another one, `into`; its URLs then redirect to that.

        Raises UnknownKeyword; BadParameter if both are the same; BadQuery if it gets too long.
        """
        source, target = self.get(slug_or_name), self.get(into)
        if source.slug == target.slug:
            raise BadParameter("into", f"{target.name!r} is the keyword itself; choose another")
        query = Query(any_of([parse_query(target.query).tree, parse_query(source.query).tree]))
        merged = self.add(target.name, query.canonical, now=now)
        with translate_store_errors(self._redis), self._redis.pipeline() as pipe:
            pipe.hdel(keys.KEYWORDS, source.slug)
            self.former_names.redirect(pipe, source.slug, merged.slug)
            self._commit(pipe)
        self._task_states.delete_task(initial_fetch_task(source.slug))
        return merged

    def _slug_for(self, name: str) -> str:
        """Return the slug of the keyword with this name, or the slug that a new one would get."""
        slug = slug_of(name)
        if first_version_slug(name) != slug:
            with contextlib.suppress(UnknownKeyword):
                return self.get(name).slug
        return slug

    def _renamed(
        self, slug: str, name: str, *, take_over: bool, query: str = "", owner: str = ""
    ) -> Keyword | None:
        """Return the keyword that a former name redirects to, if it has this query.

        None if the name is free: it is no former name, it is taken over, or its `owner` wants it
        back. Raises FormerNameTaken.
        """
        former = self.former_names.get(slug)
        if former is None or not former.successor or take_over or former.successor == owner:
            return None
        try:
            successor = self.get(former.successor)
        except UnknownKeyword:
            return None
        if query and parse_query(successor.query) == parse_query(query):
            return successor
        raise FormerNameTaken(name, successor.name)

    @staticmethod
    def _commit(pipe: Pipeline) -> int:
        """Execute a change with a new version of the list; return what its first command did."""
        pipe.set(keys.KEYWORDS_VERSION, secrets.token_bytes(12))
        return int(pipe.execute()[0])

    def scan_slugs(self, cursor: int, count: int) -> tuple[int, list[str]]:
        """Return the next cursor (0 at the end) and about `count` slugs, in no order."""
        with translate_store_errors(self._redis):
            found: Any = self._redis.hscan(keys.KEYWORDS, cursor, count=count)
        return int(found[0]), [slug.decode() for slug in found[1]]

    def _update_query(self, keyword: Keyword, now: datetime) -> Keyword:
        known = self.get(keyword.slug)
        if known.name != keyword.name:
            reason = f"{keyword.name!r} would have the URL of {known.name!r}; choose another"
            raise BadParameter("name", reason)
        if known.query == keyword.query:
            return known
        changed = Keyword(known.slug, known.name, keyword.query, known.added_at)
        with translate_store_errors(self._redis), self._redis.pipeline() as pipe:
            pipe.hset(keys.KEYWORDS, changed.slug, changed.encode())
            self._commit(pipe)
        if parse_query(known.query) != parse_query(keyword.query):
            self._task_states.delete_task(initial_fetch_task(changed.slug))
            self._schedule_initial_fetch(changed.slug, now)
        return changed
