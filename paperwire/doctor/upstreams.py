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
from paperwire.doctor.store import clock_is_off
from workers.fetch.address_guard import networks
from workers.fetch.arxiv_rate_limiter import ArxivLane
from workers.fetch.deadline import Deadline
from workers.fetch.guarded_session import Gate, GuardedSession

PATIENCE: Final = 10.0
"""Seconds for one upstream."""

CLOCKS_APART: Final = timedelta(minutes=2)
_MEND: Final = "see to network, DNS and firewall; a private network needs allowed_networks"


def upstreams_answer(settings: Settings, redis: Redis | None, now: datetime) -> Iterator[Finding]:
    """Every configured upstream, and our clock against theirs; `now` is aware UTC."""
    apart: list[tuple[timedelta, str]] = []
    for name, url in _addresses(settings):
        try:
            with _turn(settings, redis, name):
                date = _date_of(url, settings)
        except (PaperwireError, RedisError, RequestException, OSError) as error:
            yield fault("upstream", f"{name} cannot be reached: {_words(error)}", _MEND)
            continue
        if date:
            apart.append((abs(date - now), name))
    if apart and min(apart)[0] > CLOCKS_APART:  # all of them: it is ours that is wrong
        yield clock_is_off(*min(apart))


def _addresses(settings: Settings) -> Iterator[tuple[str, str]]:
    if settings.categories:
        yield "arXiv's announcements", f"{settings.arxiv_feed_url}/{settings.categories[0]}"
    yield "arXiv's API", settings.arxiv_api_url
    if settings.arxiv_oai_url:
        yield "arXiv's OAI-PMH", settings.arxiv_oai_url
    if settings.huggingface:
        yield "Hugging Face", settings.huggingface_url
    yield from ((f"community {name}", url) for name, url in settings.communities.items())


def _turn(settings: Settings, redis: Redis | None, name: str) -> AbstractContextManager[Any]:
    if redis is None or not name.startswith("arXiv"):
        return nullcontext()
    return ArxivLane(redis, settings.arxiv_interval, longest=PATIENCE).turn(PATIENCE)


def _date_of(url: str, settings: Settings) -> datetime | None:
    """The time of day an upstream answers with, aware UTC; None where it says none.

    Whatever status it answers with: it can be reached.
    """
    gate = Gate(networks(settings.allowed_networks), deadline := Deadline(PATIENCE), PATIENCE)
    headers = {"User-Agent": settings.user_agent, "Connection": "close"}
    with deadline, GuardedSession(gate) as session:
        answer = session.head(url, headers=headers, timeout=PATIENCE, allow_redirects=False)
        answer.close()
    try:
        date = parsedate_to_datetime(answer.headers.get("Date", ""))
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _words(error: BaseException) -> str:
    """Our own words where they are ours, else the innermost cause."""
    while not isinstance(error, SourceError):
        inner = error.__cause__ or error.__context__
        if inner is None:
            break
        error = inner
    return str(error) or type(error).__name__
