"""WebSub publisher: pings a hub for every feed that changed; the hub notifies the subscribers.

    an ingest changed papers             the task `websub` is due a minute later, once for all
                                         that arrives in that minute
    the digest of a saved keyword's      one ping for each format of the feed; then the digest
    newest papers differs from that      is saved
    of its last ping

Fields that readers do not compare (votes, comments, picks, links, a DOI) change a feed's bytes but
not its digest; the same bytes have the same digest. An unavailable hub fails the task, which backs
off; feeds that were pinged by then are not pinged again.

https://www.w3.org/TR/websub/. It leaves open how a publisher notifies its hub; hubs accept the form
of the predecessor (`hub.mode=publish`), some by `hub.topic`, some by `hub.url`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from redis import Redis

from papers.config.feed_formats import FEED_FORMATS
from papers.config.settings import Settings
from papers.counted import format_counted
from papers.errors import SourceRefused
from papers.model.frozen_fields import feed_digest
from papers.query.parser import parse_query
from papers.query.request import SearchRequest
from papers.state.keywords import Keywords
from papers.state.task_states import TaskStates, TaskStatus
from papers.store import Store
from workers.notify.delivery_log import DeliveryLog
from workers.sources.result import FetchResult, UpstreamClients

WEBSUB_TASK: Final = "websub"
PING_DELAY: Final = timedelta(minutes=1)
"""The time from the first change to the ping, so that a morning's batches share one ping."""

_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERROR: Final = 500


def websub_tasks(settings: Settings) -> list[str]:
    """Return the task that pings the hub; none unless a hub is configured."""
    return [WEBSUB_TASK] if settings.websub_hub else []


def topic_urls(base_url: str, slug: str) -> list[str]:
    """Return the self links of a saved keyword's feeds."""
    return [f"{base_url}/feeds/{slug}.{suffix}" for suffix in FEED_FORMATS]


def schedule_ping(states: TaskStates, now: datetime) -> None:
    """Move the ping task forward to a minute from now, if it is scheduled and not failing.

    Without a hub it is never scheduled; a failing one backs off. Raises StoreUnavailable.
    """
    state = states.get(WEBSUB_TASK)
    if state is None or state.state is not TaskStatus.FAILING:
        states.schedule_earlier(WEBSUB_TASK, now + PING_DELAY)


class WebSubPublisher:
    """Pings the hub in the task `websub`; it fetches nothing."""

    def __init__(self, store: Store, keywords: Keywords, redis: Redis) -> None:
        self._store, self._keywords = store, keywords
        self._pinged = DeliveryLog(redis, WEBSUB_TASK)

    def fetch(
        self, subject: str, upstreams: UpstreamClients, now: datetime
    ) -> Iterator[FetchResult]:
        """Ping the hub for feeds that changed since their last ping.

        The very first run pings nothing: nobody could subscribe before there was a hub.
        Raises SourceError, StoreUnavailable.
        """
        previous, pings, refused = self._pinged.all(), 0, None
        saved = {keyword.slug: parse_query(keyword.query) for keyword in self._keywords.all()}
        for slug, query in saved.items():
            current = feed_digest(self._store.search(SearchRequest(query=query)).papers)
            if previous.get(slug) == current:
                continue
            try:
                pings += self._ping(slug, upstreams, now) if previous else 0
            except SourceRefused as error:
                if _is_hub_failure(error.status):
                    raise
                refused = refused or error
            else:
                self._pinged.save(slug, current)
        self._pinged.delete(previous.keys() - saved.keys())
        if refused:
            raise refused
        yield FetchResult(
            record_count=pings,
            message=f"pinged the hub for {format_counted(pings, 'feed')}"
            if pings
            else "no changes",
        )

    def _ping(self, slug: str, upstreams: UpstreamClients, now: datetime) -> int:
        """Ping every format of a feed; return how many."""
        settings = upstreams.settings
        topics = topic_urls(settings.base_url, slug)
        for topic in topics:
            form = {"hub.mode": "publish", "hub.topic": topic, "hub.url": topic}
            upstreams.fetcher.post(settings.websub_hub, form, now=now)
        return len(topics)


def _is_hub_failure(status: int | None) -> bool:
    """True if the hub is at fault, not the feed that it refused."""
    return status is None or status == _TOO_MANY_REQUESTS or status >= _SERVER_ERROR
