"""Client quota: the rate limit as one request meets it, with its exemption and its headers.

A client on this machine is exempt only while nobody else is served: `public_url` is a loopback
address, and no header shows that a proxy forwards the request of another.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from flask import Flask, Response, g

from papers.errors import TooManyRequests
from service.http.rate_limit import QUESTION_MILLISECONDS, ClientRateLimiter

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_FORWARDING_HEADERS: Final = ("forwarded", "via", "x-real-ip", "true-client-ip", "cf-connecting-ip")
_FORWARDING_PREFIX: Final = "x-forwarded"


@dataclass(frozen=True, slots=True)
class ClientQuota:
    """The rate limit for one request; `is_exempt` if its client is never refused or charged."""

    limiter: ClientRateLimiter
    client: str
    is_exempt: bool

    @classmethod
    def of(cls, limiter: ClientRateLimiter, environ: WSGIEnvironment, base_url: str) -> ClientQuota:
        """Return the quota of the client of a WSGI request."""
        client = environ.get("REMOTE_ADDR", "")
        is_exempt = (
            _is_loopback(client)
            and _is_loopback(urlsplit(base_url).hostname or "")
            and not _is_forwarded(environ)
        )
        return cls(limiter, client, is_exempt)

    def require(self) -> None:
        """Raise TooManyRequests if the client has used up its processor time."""
        if not self.is_exempt:
            self.limiter.require_quota(self.client)

    def charge(self, seconds: float, is_new: bool = False) -> None:
        """Charge the processor time of a rendering; `is_new` if there was no response before."""
        if not self.is_exempt:
            self.limiter.charge(self.client, seconds, is_new=is_new)

    @contextmanager
    def charging(self) -> Iterator[None]:
        """Charge the processor time of a block. Raises TooManyRequests before it."""
        self.announce()
        if self.is_exempt:
            yield
            return
        with self.limiter.charging(self.client):
            yield

    def spend_question(self) -> None:
        """Charge one question, for work that is done elsewhere. Raises TooManyRequests."""
        self.announce()
        self.require()
        self.charge(QUESTION_MILLISECONDS / 1000)

    def flood_error(self) -> TooManyRequests | None:
        """Return the error for a client that was refused too often in a minute, else None."""
        return None if self.is_exempt else self.limiter.flood_error(self.client)

    def announce(self) -> None:
        """State the quota in the headers of the response to this request, whatever its status."""
        g.announced_quota = self

    def headers(self) -> dict[str, str]:
        """Return RateLimit and RateLimit-Policy."""
        return self.limiter.headers("" if self.is_exempt else self.client)


def install_quota_headers(app: Flask) -> None:
    """Add the headers of the quota to each response that is subject to it."""

    @app.after_request
    def add_headers(response: Response) -> Response:
        quota: ClientQuota | None = g.get("announced_quota")
        if quota:
            response.headers.update(quota.headers())
        return response


def _is_loopback(host: str) -> bool:
    """Return True for a loopback address or name."""
    name = host.casefold().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _is_forwarded(environ: Mapping[str, Any]) -> bool:
    """Return True if a header shows that a proxy forwards the request."""
    names = (key[5:].replace("_", "-").lower() for key in environ if key.startswith("HTTP_"))
    return any(n in _FORWARDING_HEADERS or n.startswith(_FORWARDING_PREFIX) for n in names)
