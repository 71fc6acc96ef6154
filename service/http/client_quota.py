"""Client quota: the rate limit as it applies to one request, with exemption and headers.

A client on this machine is exempt only while nobody else is served: `public_url` is a loopback
address, `host` does not stand for all addresses, and no header shows that a proxy forwards the
request of another.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flask import Response, after_this_request

from papers.config.networks import is_loopback
from papers.errors import TooManyRequests
from service.http.client_slots import HeldStream
from service.http.rate_limit import QUESTION_MILLISECONDS, ClientRateLimiter, rate_limit_key

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

STREAM_RETRY_SECONDS: Final = 5
FORWARDED_FLAG: Final = "paperwire.forwarded"
"""True in the WSGI environment if a header shows that a proxy forwards the request of another."""


@dataclass(frozen=True, slots=True)
class ClientQuota:
    """The rate limit for one request; `is_exempt` if its client is never refused or charged."""

    limiter: ClientRateLimiter
    client: str
    is_exempt: bool

    @classmethod
    def of(
        cls, limiter: ClientRateLimiter, environ: WSGIEnvironment, *, exempts_loopback: bool
    ) -> ClientQuota:
        """Return the quota of the client of a WSGI request.

        `exempts_loopback` is `serves_only_this_machine` of the settings.
        """
        client = environ.get("REMOTE_ADDR", "")
        is_exempt = exempts_loopback and not environ.get(FORWARDED_FLAG) and is_loopback(client)
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

    def require_token_attempt(self) -> None:
        """Raise TooManyRequests if the client has sent too many wrong tokens, exempt or not."""
        self.limiter.require_token_attempt(self.client)

    def note_wrong_token(self) -> None:
        """Count a wrong token."""
        self.limiter.note_wrong_token(self.client)

    def hold_stream(self, parts: Iterator[bytes]) -> HeldStream:
        """Take a slot for a response in parts: a client may read it at any pace, in a thread.

        Raises TooManyRequests if none is free. When the stream is closed the slot is released, and
        the client is charged for the parts.
        """
        key, slots = rate_limit_key(self.client), self.limiter.streams
        if not slots.take(key):
            raise TooManyRequests(
                "lists are being sent already, to your address or to many others; "
                f"try again in {STREAM_RETRY_SECONDS} seconds",
                retry_after=STREAM_RETRY_SECONDS,
            )
        return HeldStream(parts, slots, key, self.charge)

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
        after_this_request(self._add_headers)

    def headers(self) -> dict[str, str]:
        """Return RateLimit and RateLimit-Policy."""
        return self.limiter.headers("" if self.is_exempt else self.client)

    def _add_headers(self, response: Response) -> Response:
        response.headers.update(self.headers())
        return response


NO_QUOTA: Final = ClientQuota(ClientRateLimiter(0), "", is_exempt=True)
"""For responses that are rendered once for all clients: nobody is charged."""
