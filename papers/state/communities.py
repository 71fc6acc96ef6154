"""Community feeds: those of the settings, and those saved at run time.

A saved feed is a name for a URL. A feed of the settings takes precedence over a saved one of the
same name, and can only be removed from the settings.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from redis import Redis

from papers.config.settings import Settings
from papers.config.sources import check_community
from papers.config.url_secrets import hide_credentials, linkable_url
from papers.errors import BadParameter, StoreError, UnknownSource
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors
from papers.state.task_states import TaskStates

MAX_SAVED_FEEDS: Final = 100
"""The most saved feeds: each is fetched every hour."""

MAX_URL_LENGTH: Final = 2_000


@dataclass(frozen=True, slots=True)
class Community:
    """A community's feed; `added_at` (aware UTC) is None for a feed of the settings."""

    name: str
    url: str
    added_at: datetime | None = None

    @property
    def display_url(self) -> str:
        """The URL without user, password and query values, for anyone to see."""
        return hide_credentials(self.url)

    @property
    def link_url(self) -> str:
        """The URL without user, password and query, to link to."""
        return linkable_url(self.url)

    @property
    def is_saved(self) -> bool:
        """True if the feed was saved at run time, and so can be removed."""
        return self.added_at is not None


class Communities:
    """The community feeds of the settings and of Redis. Raises StoreUnavailable."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._redis, self._settings = redis, settings
        self._task_states = TaskStates(redis)

    def all(self) -> list[Community]:
        """Return every community feed, sorted by name."""
        with translate_store_errors(self._redis):
            found: Any = self._redis.hgetall(keys.COMMUNITIES)
        feeds = {name.decode(): _decode(name.decode(), stored) for name, stored in found.items()}
        feeds |= {name: Community(name, url) for name, url in self._settings.communities.items()}
        return [feeds[name] for name in sorted(feeds)]

    def effective_settings(self) -> Settings:
        """Return the settings with the saved feeds added: what all fetching uses."""
        return replace(self._settings, communities={feed.name: feed.url for feed in self.all()})

    def add(self, name: str, url: str, *, now: datetime) -> Community:
        """Save a feed and schedule its fetch; saving a known name with another URL changes it.

        Raises BadParameter for an invalid name or URL, and if too many feeds are saved.
        """
        feed = validate_feed(name, url, now)
        if feed.name in self._settings.communities:
            raise BadParameter("name", f"{feed.name!r} is set in the settings; change it there")
        with translate_store_errors(self._redis):
            stored: Any = self._redis.hget(keys.COMMUNITIES, feed.name)
            if stored:
                known = _decode(feed.name, stored)
                if known.url == feed.url:
                    return known
                feed = replace(feed, added_at=known.added_at)
            elif self._redis.hlen(keys.COMMUNITIES) >= MAX_SAVED_FEEDS:
                raise BadParameter(
                    "name", f"{MAX_SAVED_FEEDS} feeds are saved, the most; remove one first"
                )
            self._redis.hset(keys.COMMUNITIES, feed.name, _encode(feed))
        self._task_states.schedule(community_task(feed.name), now)
        return feed

    def remove(self, name: str) -> Community:
        """Remove a saved feed and its task; its picks stay. Raises UnknownSource, BadParameter."""
        feed = next((feed for feed in self.all() if feed.name == name.strip()), None)
        if feed is None:
            raise UnknownSource(f"there is no community feed {name[:80]!r}")
        if not feed.is_saved:
            raise BadParameter("name", f"{feed.name!r} is set in the settings; remove it there")
        with translate_store_errors(self._redis):
            self._redis.hdel(keys.COMMUNITIES, feed.name)
        self._task_states.delete_task(community_task(feed.name))
        return feed


def validate_feed(name: str, url: str, now: datetime) -> Community:
    """Return a feed that can be saved. Raises BadParameter with the reason if it cannot."""
    feed = Community(name.strip(), url.strip(), now)
    parameter, reason = check_community(feed.name, feed.url)
    if parameter:
        raise BadParameter(parameter, reason)
    if len(feed.url) > MAX_URL_LENGTH:
        reason = f"has {len(feed.url):,} characters; at most {MAX_URL_LENGTH:,}: give a shorter one"
        raise BadParameter("url", reason)
    if not feed.url.isprintable() or " " in feed.url:
        raise BadParameter("url", "has a blank or a control character; write a blank as %20")
    return feed


def community_task(name: str) -> str:
    """Return the name of the task that fetches a community's feed."""
    return f"community:{name}"


def _encode(feed: Community) -> str:
    added_at = feed.added_at.astimezone(UTC).isoformat() if feed.added_at else ""
    return json.dumps({"url": feed.url, "added_at": added_at}, separators=(",", ":"))


def _decode(name: str, stored: bytes) -> Community:
    try:
        values = json.loads(stored)
        return Community(name, values["url"], datetime.fromisoformat(values["added_at"]))
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{keys.COMMUNITIES}: {stored[:200]!r} is no feed ({error}); delete {name!r} to go on"
        ) from error
