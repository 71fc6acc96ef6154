"""Former names of keywords: where the URLs of renamed, merged and removed keywords lead.

A renamed or merged keyword redirects to what it has become. A removed one is missing for
`UNDO_PERIOD`, in which it can be restored, and gone afterwards.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from redis import Redis
from redis.client import Pipeline

from papers.errors import StoreError
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors

UNDO_PERIOD: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class FormerName:
    """A slug that was a keyword's.

    `successor` is the slug of what the keyword has become; empty if it was removed. Then `name`,
    `query` and `added_at` are those it had, and `removed_at` says when; times are aware UTC. A
    former name of a removed keyword has no name: `led_to` is the keyword's slug.
    """

    slug: str
    successor: str = ""
    name: str = ""
    query: str = ""
    added_at: datetime | None = None
    removed_at: datetime | None = None
    led_to: str = ""

    def can_be_undone(self, now: datetime) -> bool:
        """Return True if the keyword was removed less than `UNDO_PERIOD` ago."""
        return self.removed_at is not None and now < self.removed_at + UNDO_PERIOD


class FormerNames:
    """The former names in Redis. Raises StoreUnavailable, StoreError if one is damaged."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def get(self, slug: str) -> FormerName | None:
        """Return a former name; None if no keyword had it."""
        with translate_store_errors(self._redis):
            stored: Any = self._redis.hget(keys.FORMER_KEYWORDS, slug)
        return _decode(slug, stored) if stored is not None else None

    def all(self) -> dict[str, FormerName]:
        """Return every former name by slug."""
        with translate_store_errors(self._redis):
            stored: Any = self._redis.hgetall(keys.FORMER_KEYWORDS)
        return {slug.decode(): _decode(slug.decode(), value) for slug, value in stored.items()}

    def removed_lately(self, now: datetime) -> list[FormerName]:
        """Return the removed keywords that can be restored, by name."""
        removed = (former for former in self.all().values() if former.name)
        undoable = [former for former in removed if former.can_be_undone(now)]
        return sorted(undoable, key=lambda former: (former.name.casefold(), former.slug))

    def redirect(self, pipe: Pipeline, slug: str, successor: str) -> None:
        """Queue the redirection of a slug, and of all that redirect to it, to its successor."""
        former = [name.slug for name in self.all().values() if name.successor == slug]
        for name in {slug, *former} - {successor}:
            pipe.hset(keys.FORMER_KEYWORDS, name, _encode(FormerName(name, successor)))
        pipe.hdel(keys.FORMER_KEYWORDS, successor)

    def save(self, pipe: Pipeline, removed: FormerName) -> None:
        """Queue the record of a removed keyword; what redirected to it is removed with it."""
        pipe.hset(keys.FORMER_KEYWORDS, removed.slug, _encode(removed))
        for name in self.all().values():
            if name.successor == removed.slug:
                gone = FormerName(name.slug, removed_at=removed.removed_at, led_to=removed.slug)
                pipe.hset(keys.FORMER_KEYWORDS, name.slug, _encode(gone))

    def restore_redirects(self, pipe: Pipeline, slug: str) -> None:
        """Queue the redirections to a restored keyword that it had when it was removed."""
        for name in self.all().values():
            if name.led_to == slug:
                pipe.hset(keys.FORMER_KEYWORDS, name.slug, _encode(FormerName(name.slug, slug)))

    @staticmethod
    def forget(pipe: Pipeline, slug: str) -> None:
        """Queue the deletion of a former name, whose slug a keyword has again."""
        pipe.hdel(keys.FORMER_KEYWORDS, slug)


def _encode(former: FormerName) -> str:
    values = {name: value for name, value in asdict(former).items() if value and name != "slug"}
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"), default=_iso_time)


def _iso_time(value: datetime) -> str:
    return value.astimezone(UTC).isoformat()


def _decode(slug: str, stored: bytes) -> FormerName:
    try:
        values = json.loads(stored)
        for name in ("added_at", "removed_at"):
            if name in values:
                values[name] = datetime.fromisoformat(values[name])
        return FormerName(slug, **values)
    except (ValueError, TypeError) as error:
        raise StoreError(
            f"{keys.FORMER_KEYWORDS}: {stored[:200]!r} is no former name ({error}); "
            f"delete {slug!r} to go on"
        ) from error
