"""Rate limit of what must be searched and rendered: processor time by client in a sliding minute.

A cached response costs next to nothing, and so does a 304: those are never refused. What costs is
to search and render, and clients can make up any number of queries. So the processor time of each
request that misses the cache is charged to its client, in this process alone: whether the store is
available must not decide who is served. The number of requests is not limited: a reader with fifty
custom feeds gets all of them at once. A client that is refused often and goes on is refused
earlier: see `service.http.flood_guard`.

Responses that are subject to the limit say how much of it is left:
https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
"""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from papers.errors import TooManyRequests
from service.http.client_slots import ClientSlots
from service.http.cost_window import WINDOW_SECONDS, CostWindow

QUESTION_MILLISECONDS: Final = 100
"""Processor time of one of `questions_per_minute`."""

MIN_NEW_MILLISECONDS: Final = 55
"""Least charge for a response that no cache has validators of: it also takes a place in Redis and
on disk, from which it evicts another. A client that makes up queries is stopped after some 200 a
minute, however cheap they are; one that polls its feeds is charged what they cost."""

MAX_WRONG_TOKENS: Final = 10
"""Wrong tokens of one client in a minute, on one web process."""

MIN_REFUSALS_PER_MINUTE: Final = 10
"""Refusals a minute before the flood guard steps in; a quarter of `per_minute` if that is more."""


class ClientRateLimiter:
    """The costs of one process; `per_minute` is in questions, 0 means no limit.

    `clock` returns seconds that never go back. `streams` are the slots of responses in parts,
    `bodies` those of request bodies.
    """

    def __init__(self, per_minute: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._quota = per_minute * QUESTION_MILLISECONDS
        self._costs, self._wrong_tokens = CostWindow(clock), CostWindow(clock)
        self.token_lock = threading.Lock()
        """Held while a token is looked for in the store."""
        self._refusal_limit = RateLimitItemPerMinute(
            max(MIN_REFUSALS_PER_MINUTE, per_minute // 4), namespace="refusals"
        )
        self.streams, self.bodies = ClientSlots(), ClientSlots()
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def require_quota(self, client: str) -> None:
        """Raise TooManyRequests if a client (an IP address) has used up its processor time."""
        key = rate_limit_key(client)
        if wait := self._seconds_until_served(key):
            self._limiter.hit(self._refusal_limit, key)
            raise TooManyRequests(
                "too many new searches from your address in a minute; new ones are served again in "
                f"{wait} seconds, and keywords that are saved here all the time",
                retry_after=wait,
            )

    def charge(self, client: str, seconds: float, *, is_new: bool = False) -> None:
        """Charge processor time to a client; for a new response a least amount."""
        if self._quota:
            milliseconds = max(1000 * seconds, MIN_NEW_MILLISECONDS if is_new else 0)
            self._costs.add(rate_limit_key(client), milliseconds)

    @contextmanager
    def charging(self, client: str) -> Iterator[None]:
        """Charge the processor time of a block. Raises TooManyRequests before it."""
        self.require_quota(client)
        began = time.thread_time()
        try:
            yield
        finally:
            self.charge(client, time.thread_time() - began)

    def require_token_attempt(self, client: str) -> None:
        """Raise TooManyRequests if a client has sent too many wrong tokens in a minute.

        Then its next token is not even compared: the response would show whether it is right.
        """
        wait = math.ceil(self._wrong_tokens.seconds_until(rate_limit_key(client), MAX_WRONG_TOKENS))
        if wait:
            raise TooManyRequests(
                "too many wrong tokens from your address; wait, and send the right one in "
                f"{wait} seconds",
                retry_after=wait,
            )

    def note_wrong_token(self, client: str) -> None:
        """Count a wrong token."""
        self._wrong_tokens.add(rate_limit_key(client), 1)

    def headers(self, client: str) -> dict[str, str]:
        """Return RateLimit and RateLimit-Policy, in milliseconds; {} without a limit.

        `t` is the time until a refused client is served again, else until all is restored.
        """
        if not self._quota:
            return {}
        key = rate_limit_key(client)
        left = max(0, math.floor(self._quota - self._costs.spent(key)))
        reset = self._seconds_until_served(key) or math.ceil(self._costs.seconds_until_empty(key))
        return {
            "RateLimit-Policy": f'"custom";q={self._quota};w={WINDOW_SECONDS};qu="cpu-ms"',
            "RateLimit": f'"custom";r={left};t={reset}',
        }

    def flood_error(self, client: str) -> TooManyRequests | None:
        """Return the error for a client that was refused too often in a minute, else None."""
        key = rate_limit_key(client)
        if self._limiter.test(self._refusal_limit, key):
            return None
        reset = self._limiter.get_window_stats(self._refusal_limit, key).reset_time
        wait = max(1, math.ceil(reset - time.time()))
        return TooManyRequests(
            "too many new searches from your address, and more while they were refused; "
            f"try again in {wait} seconds",
            retry_after=wait,
        )

    def _seconds_until_served(self, key: str) -> int:
        """Return the whole seconds until a client has quota again; 0 if it has some."""
        return math.ceil(self._costs.seconds_until(key, self._quota)) if self._quota else 0


def rate_limit_key(client: str) -> str:
    """Return what counts as one client: an IPv4 address, or the /64 of an IPv6 subscriber."""
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return client
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
