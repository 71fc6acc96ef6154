"""The HTTP client for upstreams, guarded on every side.

    arXiv's host? wait for its rate limiter → address allowed?
    → one request within idle, total and size limits → refused?
    → a redirect: the same again, at most five times → a response

Validators (ETag, Last-Modified) are saved only when the caller says so, which is after it has
stored the content: an ingest killed in between must not get a 304 the next time. Each task has its
own: what one has stored of an address proves nothing about another that reads the same address.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import urljoin, urlsplit

from redis import Redis
from requests import Response
from requests.exceptions import InvalidURL, RequestException
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import DecodeError, HTTPError

from papers.config.settings import Settings
from papers.errors import AddressForbidden, SourceGarbled, SourceRefused, SourceUnreachable
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors
from papers.telemetry.metric_recorder import MetricRecorder
from workers.fetch import refusals
from workers.fetch.address_guard import parse_networks
from workers.fetch.arxiv_hosts import ArxivHosts
from workers.fetch.arxiv_rate_limiter import ArxivRateLimiter
from workers.fetch.deadline import Deadline
from workers.fetch.fetch_telemetry import FetchTelemetry
from workers.fetch.guarded_session import ConnectionGate, GuardedSession

MAX_REDIRECTS: Final = 5

_REDIRECT_STATUSES: Final = frozenset({301, 302, 303, 307, 308})
_CHUNK: Final = 65_536
_ERROR_BODY_BYTES: Final = 4_000


@dataclass(frozen=True, slots=True)
class UpstreamResponse:
    """An upstream's response: 200 with a body, or 304 and `not_modified`.

    `url` is the address after redirects, `task` the one that the request was conditional for.
    `memo` is the text that the caller saved with the validators (`save_validators`); empty unless
    this is a 304.
    """

    requested_url: str
    url: str
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    not_modified: bool = False
    memo: str = ""
    task: str = ""


class Fetcher:
    """Fetches over HTTP within the limits of the settings.

    `redis` holds arXiv's rate limit and validators; without it there is neither. `arxiv_limiter`
    replaces the limiter that follows from the settings. `recorder` counts the requests.
    """

    def __init__(
        self,
        settings: Settings,
        redis: Redis | None = None,
        arxiv_limiter: ArxivRateLimiter | None = None,
        recorder: MetricRecorder | None = None,
    ) -> None:
        self._settings, self._redis = settings, redis
        self._allowed = parse_networks(settings.allowed_networks)
        self._arxiv_hosts = ArxivHosts(settings)
        self._telemetry = FetchTelemetry(settings, recorder)
        self._arxiv_limiter = arxiv_limiter or (
            ArxivRateLimiter.from_settings(redis, settings) if redis else None
        )

    def get(
        self,
        url: str,
        *,
        now: datetime,
        accept: str = "*/*",
        headers: Mapping[str, str] | None = None,
        task: str = "",
    ) -> UpstreamResponse:
        """Request `url`; each request to arXiv, redirects included, waits for the rate limiter.

        With `task` it is conditional: it has the validators that this task has saved for this URL.
        Raises AddressForbidden, SourceUnreachable, SourceRefused, SourceGarbled; StoreUnavailable.
        """
        saved = self._saved_validators(task, url) if task else {}
        sent = self._request_headers(accept, saved) | dict(headers or {})
        address, left = url, self._settings.fetch_deadline
        for _ in range(MAX_REDIRECTS + 1):
            with self._rate_limit(address), Deadline(left) as deadline:
                response = self._request(address, sent, deadline, now)
                left = deadline.seconds_left
            if response.status not in _REDIRECT_STATUSES:
                break
            address = _redirect_target(response)
        else:
            raise SourceRefused(f"{_display_url(url)} redirects more than {MAX_REDIRECTS} times")
        return UpstreamResponse(
            url, address, response.status, response.headers, response.body, response.status == 304,
            saved.get("memo", ""), task,
        )  # fmt: skip

    def post(self, url: str, form: Mapping[str, str], *, now: datetime) -> None:
        """Post a form to `url`, once; any 2xx is a success, and a redirect is not.

        Raises AddressForbidden, SourceUnreachable, SourceRefused, SourceGarbled.
        """
        with self._rate_limit(url), Deadline(self._settings.fetch_deadline) as deadline:
            response = self._send(url, self._request_headers("*/*", {}), deadline, form)
        if not 200 <= response.status < 300:
            refusals.raise_for_refusal(
                _display_url(url), response.status, response.headers, response.body, now
            )

    def save_validators(self, response: UpstreamResponse | None, memo: str = "") -> None:
        """Save the validators of a response whose content is stored, and a memo for its 304.

        Raises StoreUnavailable.
        """
        if self._redis is None or response is None or response.not_modified or not response.task:
            return
        validators = {
            name: response.headers[header]
            for name, header in (("etag", "ETag"), ("last_modified", "Last-Modified"))
            if header in response.headers
        }
        with translate_store_errors(self._redis):
            if validators:
                value = json.dumps({"url": response.requested_url, **validators, "memo": memo})
                self._redis.hset(keys.VALIDATORS, response.task, value)
            else:
                self._redis.hdel(keys.VALIDATORS, response.task)

    def _saved_validators(self, task: str, url: str) -> dict[str, str]:
        """Return the validators that a task has saved for this URL, and their memo."""
        if self._redis is None:
            return {}
        with translate_store_errors(self._redis):
            stored = self._redis.hget(keys.VALIDATORS, task)
        saved = dict(json.loads(stored)) if stored else {}
        return saved if saved.get("url") == url else {}

    def _rate_limit(self, url: str) -> AbstractContextManager[None]:
        """Return the context in which a request to this URL is sent."""
        if self._arxiv_limiter and self._arxiv_hosts.has(url):
            return self._telemetry.wait(self._arxiv_limiter.acquire())
        return nullcontext()

    def _request_headers(self, accept: str, saved: Mapping[str, str]) -> dict[str, str]:
        headers = {
            "User-Agent": self._settings.user_agent,
            "Accept": accept,
            "Accept-Encoding": "gzip, deflate",
            "Connection": "close",
        }
        if "etag" in saved:
            headers["If-None-Match"] = saved["etag"]
        if "last_modified" in saved:
            headers["If-Modified-Since"] = saved["last_modified"]
        return headers

    def _request(
        self, url: str, headers: Mapping[str, str], deadline: Deadline, now: datetime
    ) -> _RawResponse:
        """Send one request. Raises for a refusal, unless the status is 200, 304 or a redirect."""
        response = self._send(url, headers, deadline)
        is_conditional = "If-None-Match" in headers or "If-Modified-Since" in headers
        if response.status not in _REDIRECT_STATUSES and not (
            response.status == 304 and is_conditional
        ):
            refusals.raise_for_refusal(
                _display_url(url), response.status, response.headers, response.body, now
            )
        return response

    def _send(
        self,
        url: str,
        headers: Mapping[str, str],
        deadline: Deadline,
        form: Mapping[str, str] | None = None,
    ) -> _RawResponse:
        """Send one request, a POST if there is a form, and return the response of any status."""
        _check_url(url)
        try:
            with self._telemetry.request(url) as respond:
                response = self._exchange(url, headers, deadline, form)
                respond(response.status, len(response.body))
        except InvalidURL as error:
            raise AddressForbidden(f"{url[:200]!r} is not a web address: {error}") from error
        except DecodeError as error:
            raise SourceGarbled(
                f"{_display_url(url)}: its compression is broken ({error})"
            ) from error
        except (RequestException, HTTPError, OSError) as error:
            reason = "out of time" if deadline.is_expired else _root_cause(error)
            raise SourceUnreachable(f"{_display_url(url)}: {reason}") from error
        if deadline.is_expired:  # a connection that was shut down may look like one that ended
            raise SourceUnreachable(f"{_display_url(url)}: out of time")
        return response

    def _exchange(
        self,
        url: str,
        headers: Mapping[str, str],
        deadline: Deadline,
        form: Mapping[str, str] | None,
    ) -> _RawResponse:
        timeout, method = self._settings.fetch_timeout, "GET" if form is None else "POST"
        with (
            GuardedSession(ConnectionGate(self._allowed, deadline, timeout)) as session,
            session.request(
                method, url, data=form, headers=headers, timeout=timeout, stream=True,
                allow_redirects=False,
            ) as response,
        ):  # fmt: skip
            body = (
                self._read_body(response)
                if response.status_code == 200
                else _read_error_body(response)
            )
            return _RawResponse(url, response.status_code, response.headers, body)

    def _read_body(self, response: Response) -> bytes:
        """Read the body, decompressed block by block: a decompression bomb stops at the limit."""
        body = bytearray()
        while block := response.raw.read1(_CHUNK, decode_content=True):
            body += block
            if len(body) > self._settings.fetch_bytes:
                most = f"{self._settings.fetch_bytes:,}"
                raise SourceGarbled(f"{_display_url(response.url)} answered more than {most} bytes")
        return bytes(body)


@dataclass(frozen=True, slots=True)
class _RawResponse:
    url: str
    status: int
    headers: CaseInsensitiveDict[str]
    body: bytes


def _read_error_body(response: Response) -> bytes:
    """Read the beginning of an error body; it may be truncated."""
    with suppress(HTTPError, OSError):
        return bytes(response.raw.read1(_ERROR_BODY_BYTES, decode_content=True))
    return b""


def _check_url(url: str) -> None:
    """Raise AddressForbidden for anything but an http or https URL."""
    try:
        parts = urlsplit(url)
        is_valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_valid = False
    if not is_valid:
        raise AddressForbidden(f"{url[:200]!r}: only http and https addresses are fetched")


def _redirect_target(response: _RawResponse) -> str:
    location = response.headers.get("Location", "")
    try:
        if location:
            return urljoin(response.url, location)
    except ValueError:
        pass  # not a URL either
    raise SourceGarbled(
        f"{_display_url(response.url)} redirects to {location[:200]!r}, which is not a URL"
    )


def _display_url(url: str) -> str:
    """Return a URL fit for display: no credentials, no query."""
    parts = urlsplit(url)
    return f"{parts.hostname or url[:100]}{parts.path}"


def _root_cause(error: BaseException) -> str:
    """Return the innermost cause's message, which is the most comprehensible one."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return str(error) or type(error).__name__
