"""The way to the upstreams: each is asked for its headers once, arXiv through its lane."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from redis import Redis
from redis.exceptions import RedisError
from requests.exceptions import RequestException

from papers.config.settings import Settings
from papers.errors import PaperwireError, SourceError
from paperwire.doctor.finding import Finding, fault
from paperwire.doctor.store import clock_fault
from workers.fetch.address_guard import parse_networks
from workers.fetch.arxiv_rate_limiter import ArxivRateLimiter
from workers.fetch.deadline import Deadline
from workers.fetch.guarded_session import ConnectionGate, GuardedSession

UPSTREAM_TIMEOUT: Final = 10.0
"""Seconds for one upstream."""

MAX_UPSTREAM_CLOCK_SKEW: Final = timedelta(minutes=2)
_NETWORK_REMEDY: Final = (
    "see to network, DNS and firewall; a private network needs allowed_networks"
)


def check_upstreams(settings: Settings, redis: Redis | None, now: datetime) -> Iterator[Finding]:
    """Every configured upstream, and our clock against theirs; `now` is aware UTC."""
    apart: list[tuple[timedelta, str]] = []
    for name, url in _upstream_urls(settings):
        try:
            with _rate_limited(settings, redis, name):
                date = _fetch_date(url, settings)
        except (PaperwireError, RedisError, RequestException, OSError) as error:
            yield fault(
                "upstream", f"{name} cannot be reached: {_error_text(error)}", _NETWORK_REMEDY
            )
            continue
        if date:
            apart.append((abs(date - now), name))
    if apart and min(apart)[0] > MAX_UPSTREAM_CLOCK_SKEW:  # all of them: it is ours that is wrong
        yield clock_fault(*min(apart))


def _upstream_urls(settings: Settings) -> Iterator[tuple[str, str]]:
    if settings.categories:
        yield "arXiv's announcements", f"{settings.arxiv_feed_url}/{settings.categories[0]}"
    yield "arXiv's API", settings.arxiv_api_url
    if settings.arxiv_oai_url:
        yield "arXiv's OAI-PMH", settings.arxiv_oai_url
    if settings.huggingface:
        yield "Hugging Face", settings.huggingface_url
    yield from ((f"community {name}", url) for name, url in settings.communities.items())


def _rate_limited(
    settings: Settings, redis: Redis | None, name: str
) -> AbstractContextManager[Any]:
    if redis is None or not name.startswith("arXiv"):
        return nullcontext()
    return ArxivRateLimiter(
        redis, settings.arxiv_interval, max_request_seconds=UPSTREAM_TIMEOUT
    ).acquire(UPSTREAM_TIMEOUT)


def _fetch_date(url: str, settings: Settings) -> datetime | None:
    """The time of day an upstream answers with, aware UTC; None where it says none.

    Whatever status it answers with: it can be reached.
    """
    gate = ConnectionGate(
        parse_networks(settings.allowed_networks),
        deadline := Deadline(UPSTREAM_TIMEOUT),
        UPSTREAM_TIMEOUT,
    )
    headers = {"User-Agent": settings.user_agent, "Connection": "close"}
    with deadline, GuardedSession(gate) as session:
        answer = session.head(url, headers=headers, timeout=UPSTREAM_TIMEOUT, allow_redirects=False)
        answer.close()
    try:
        date = parsedate_to_datetime(answer.headers.get("Date", ""))
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _error_text(error: BaseException) -> str:
    """Our own words where they are ours, else the innermost cause."""
    while not isinstance(error, SourceError):
        inner = error.__cause__ or error.__context__
        if inner is None:
            break
        error = inner
    return str(error) or type(error).__name__
