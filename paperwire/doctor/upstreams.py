"""Check that upstreams are reachable: one HEAD request each, arXiv's under its rate limit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple

from redis import Redis
from redis.exceptions import RedisError
from requests.exceptions import RequestException

from papers.config.settings import Settings
from papers.config.sources import SOURCES
from papers.errors import PaperwireError, SourceError, StoreError
from paperwire.doctor.finding import Finding, fault
from paperwire.doctor.store import clock_fault, refusal_fault
from workers.fetch.address_guard import parse_networks
from workers.fetch.arxiv_hosts import ArxivHosts
from workers.fetch.arxiv_rate_limiter import ArxivRateLimiter
from workers.fetch.deadline import Deadline
from workers.fetch.guarded_session import ConnectionGate, GuardedSession

UPSTREAM_TIMEOUT: Final = 10.0
"""Seconds allowed for one upstream."""

MAX_UPSTREAM_CLOCK_SKEW: Final = timedelta(minutes=2)
_NETWORK_REMEDY: Final = "check network, DNS and firewall; a private network needs allowed_networks"


def check_upstreams(settings: Settings, redis: Redis | None, now: datetime) -> Iterator[Finding]:
    """Check every configured upstream, and our clock against theirs; `now` is aware UTC."""
    skews: list[tuple[timedelta, str]] = []
    for upstream in _configured_upstreams(settings):
        try:
            with _rate_limited(settings, redis, upstream):
                date = _fetch_date(upstream.url, settings)
        except StoreError as error:  # of the rate limiter: arXiv is not contacted without it
            if redis is not None:
                yield refusal_fault(redis, error)
            continue
        except (PaperwireError, RedisError, RequestException, OSError) as error:
            cause = f"{upstream.title} cannot be reached: {_error_text(error)}"
            yield fault("upstream", cause, _NETWORK_REMEDY)
            continue
        if date:
            skews.append((abs(date - now), upstream.title))
    if skews and min(skews)[0] > MAX_UPSTREAM_CLOCK_SKEW:  # all of them differ: ours is wrong
        yield clock_fault(*min(skews))


class _UpstreamAddress(NamedTuple):
    title: str
    url: str


def _configured_upstreams(settings: Settings) -> Iterator[_UpstreamAddress]:
    for source in SOURCES.values():
        if source.enabled_by and not getattr(settings, source.enabled_by):
            continue
        for name in source.url_settings:
            if url := getattr(settings, name):
                yield _UpstreamAddress(f"{source.title} ({name})", url)
    for name, url in settings.communities.items():
        yield _UpstreamAddress(f"community {name}", url)


def _rate_limited(
    settings: Settings, redis: Redis | None, upstream: _UpstreamAddress
) -> AbstractContextManager[Any]:
    if redis is None or not ArxivHosts(settings).has(upstream.url):
        return nullcontext()
    return ArxivRateLimiter(
        redis, settings.arxiv_interval, max_request_seconds=UPSTREAM_TIMEOUT
    ).acquire(UPSTREAM_TIMEOUT)


def _fetch_date(url: str, settings: Settings) -> datetime | None:
    """Return the Date header of an upstream's response, aware UTC; None if it has none.

    Any status counts as reachable.
    """
    gate = ConnectionGate(
        parse_networks(settings.allowed_networks),
        deadline := Deadline(UPSTREAM_TIMEOUT),
        UPSTREAM_TIMEOUT,
    )
    headers = {"User-Agent": settings.user_agent, "Connection": "close"}
    with deadline, GuardedSession(gate) as session:
        response = session.head(
            url, headers=headers, timeout=UPSTREAM_TIMEOUT, allow_redirects=False
        )
        response.close()
    try:
        date = parsedate_to_datetime(response.headers.get("Date", ""))
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _error_text(error: BaseException) -> str:
    """Return the message of our own error if there is one, else of the innermost cause."""
    while not isinstance(error, SourceError):
        inner = error.__cause__ or error.__context__
        if inner is None:
            break
        error = inner
    return str(error) or type(error).__name__
