"""WebSub: a hub is told of every feed that changed, and tells its subscribers.

    an ingest changed something          the task `websub` is due a minute later, once for all
                                         that comes in that minute
    the newest papers of every saved keyword, digested as readers compare them
    differ from what was told last       one ping for each format of the feed; the digest is kept

What readers do not compare (votes, comments, picks, links, a DOI) changes a feed's bytes and is no
news; where the bytes are the same the digest is. A hub that is away fails the task, which is tried
again at growing intervals; what was told by then is not told twice.

https://www.w3.org/TR/websub/. How a publisher tells its hub is not in it; hubs take the form of
its predecessor (`hub.mode=publish`), some by `hub.topic`, some by `hub.url`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from redis import Redis

from papers.errors import SourceRefused
from papers.model.frozen_fields import feed_digest
from papers.query.parser import parse_query
from papers.query.request import SearchRequest
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors
from papers.state.keywords import Keywords
from papers.state.task_states import TaskStates, TaskStatus
from papers.store import Store
from workers.sources.result import FetchResult, UpstreamClients

WEBSUB_TASK: Final = "websub"
PING_DELAY: Final = timedelta(minutes=1)
"""From the first news to the ping: the batches of a morning come together."""

FEED_SUFFIXES: Final = ("atom", "rss", "json")
"""The formats of a feed, each a topic of its own; the service's own table has the same."""

_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERROR: Final = 500


def topic_urls(base_url: str, slug: str) -> list[str]:
    """The self links of a saved keyword's feeds."""
    return [f"{base_url}/feeds/{slug}.{suffix}" for suffix in FEED_SUFFIXES]


def schedule_ping(states: TaskStates, now: datetime) -> None:
    """There is news: tell the hub in a minute, if there is a hub and it is well. Raises StoreAway.

    One that failed is left alone until its back-off is over.
    """
    state = states.get(WEBSUB_TASK)
    if state is None or state.state is not TaskStatus.FAILING:
        states.schedule_earlier(WEBSUB_TASK, now + PING_DELAY)


class WebSubPublisher:
    """The source of the task `websub`: it brings nothing, and tells."""

    def __init__(self, store: Store, keywords: Keywords, redis: Redis) -> None:
        self._store, self._keywords, self._redis = store, keywords, redis

    def fetch(
        self, subject: str, upstreams: UpstreamClients, now: datetime
    ) -> Iterator[FetchResult]:
        """Ping the hub for what changed since the last time. Raises SourceError, StoreAway.

        The very first time nothing is told: nobody has subscribed before there was a hub.
        """
        told, pings, refused = self._load_digests(), 0, None
        saved = {keyword.slug: parse_query(keyword.query) for keyword in self._keywords.all()}
        for slug, query in saved.items():
            current = feed_digest(self._store.search(SearchRequest(query=query)).papers)
            if told.get(slug) == current:
                continue
            try:
                pings += self._ping(slug, upstreams, now) if told else 0
            except SourceRefused as error:
                if (
                    error.status is None
                    or error.status == _TOO_MANY_REQUESTS
                    or error.status >= _SERVER_ERROR
                ):
                    raise  # it is the hub, not this feed
                refused = refused or error
            else:
                self._save_digest(slug, current)
        self._delete_digests(told.keys() - saved.keys())
        if refused:
            raise refused
        yield FetchResult(
            record_count=pings, message=f"told the hub of {pings} feeds" if pings else "no news"
        )

    def _ping(self, slug: str, upstreams: UpstreamClients, now: datetime) -> int:
        """Tell of every format of a feed; how many."""
        settings = upstreams.settings
        addresses = topic_urls(settings.base_url, slug)
        for topic in addresses:
            form = {"hub.mode": "publish", "hub.topic": topic, "hub.url": topic}
            upstreams.fetcher.post(settings.websub_hub, form, now=now)
        return len(addresses)

    def _load_digests(self) -> dict[str, str]:
        with translate_store_errors(self._redis):
            found: Any = self._redis.hgetall(keys.WEBSUB_DIGESTS)
        return {slug.decode(): text.decode() for slug, text in found.items()}

    def _save_digest(self, slug: str, current: str) -> None:
        with translate_store_errors(self._redis):
            self._redis.hset(keys.WEBSUB_DIGESTS, slug, current)

    def _delete_digests(self, slugs: set[str]) -> None:
        with translate_store_errors(self._redis):
            if slugs:
                self._redis.hdel(keys.WEBSUB_DIGESTS, *slugs)
