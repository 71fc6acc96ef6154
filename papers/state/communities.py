"""Community feeds: those of the settings, and those that were saved since.

A saved one is a name for an address. The settings' own win over a saved one of the same name, and
only the settings can take theirs away.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from redis import Redis

from papers.config.settings import Settings
from papers.config.sources import check_community
from papers.errors import BadParameter, StoreError, UnknownSource
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors
from papers.state.task_states import TaskStates

MAX_SAVED_FEEDS: Final = 100
"""Each is fetched every hour."""

MAX_URL_LENGTH: Final = 2_000


@dataclass(frozen=True, slots=True)
class Community:
    """A community's feed; `added_at` (aware UTC) is None where the settings name it."""

    name: str
    url: str
    added_at: datetime | None = None

    @property
    def is_saved(self) -> bool:
        """Whether it can be removed here."""
        return self.added_at is not None


class Communities:
    """The community feeds there are. Raises StoreAway."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._redis, self._settings = redis, settings
        self._task_states = TaskStates(redis)

    def all(self) -> list[Community]:
        """Every community, by name."""
        with translate_store_errors(self._redis):
            found: Any = self._redis.hgetall(keys.COMMUNITIES)
        feeds = {name.decode(): _decode(name.decode(), text) for name, text in found.items()}
        feeds |= {name: Community(name, url) for name, url in self._settings.communities.items()}
        return [feeds[name] for name in sorted(feeds)]

    def effective_settings(self) -> Settings:
        """The settings with the saved feeds in them, as everything that fetches wants them."""
        return replace(self._settings, communities={feed.name: feed.url for feed in self.all()})

    def add(self, name: str, url: str, *, now: datetime) -> Community:
        """Save a feed and have it fetched; the same name again changes its address.

        Raises BadParameter for a name or an address that cannot be one, or too many of them.
        """
        feed = validate_feed(name, url, now)
        if feed.name in self._settings.communities:
            raise BadParameter("name", f"{feed.name!r} stands in the settings; change it there")
        with translate_store_errors(self._redis):
            known = self._redis.hexists(keys.COMMUNITIES, feed.name)
            if not known and self._redis.hlen(keys.COMMUNITIES) >= MAX_SAVED_FEEDS:
                raise BadParameter("name", f"{MAX_SAVED_FEEDS} feeds are saved; remove one first")
            self._redis.hset(keys.COMMUNITIES, feed.name, _encode(feed))
        self._task_states.schedule(community_task(feed.name), now)
        return feed

    def remove(self, name: str) -> Community:
        """Fetch a saved feed no more; its picks stay. Raises UnknownSource, BadParameter."""
        feed = next((feed for feed in self.all() if feed.name == name.strip()), None)
        if feed is None:
            raise UnknownSource(f"there is no community feed {name[:80]!r}")
        if not feed.is_saved:
            raise BadParameter("name", f"{feed.name!r} stands in the settings; take it out there")
        with translate_store_errors(self._redis):
            self._redis.hdel(keys.COMMUNITIES, feed.name)
        self._task_states.delete_task(community_task(feed.name))
        return feed


def validate_feed(name: str, url: str, now: datetime) -> Community:
    """A feed that may be saved. Raises BadParameter, which says what is wrong with it."""
    feed = Community(name.strip(), url.strip(), now)
    parameter, reason = check_community(feed.name, feed.url)
    if parameter:
        raise BadParameter(parameter, reason)
    if len(feed.url) > MAX_URL_LENGTH or not feed.url.isprintable() or " " in feed.url:
        raise BadParameter("url", f"is no web address of at most {MAX_URL_LENGTH} characters")
    return feed


def community_task(name: str) -> str:
    """The task that fetches a community's feed."""
    return f"community:{name}"


def _encode(feed: Community) -> str:
    added_at = feed.added_at.astimezone(UTC).isoformat() if feed.added_at else ""
    return json.dumps({"url": feed.url, "added_at": added_at}, separators=(",", ":"))


def _decode(name: str, text: bytes) -> Community:
    try:
        values = json.loads(text)
        return Community(name, values["url"], datetime.fromisoformat(values["added_at"]))
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{keys.COMMUNITIES}: {text[:200]!r} is no feed ({error}); delete {name!r} to go on"
        ) from error
