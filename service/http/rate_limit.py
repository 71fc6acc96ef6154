"""Rate limit of requests that must be rendered, by client, a minute and a second.

A cached response costs next to nothing, and so does a 304: those are never refused. What costs is
to search and render, and clients can make up any number of queries. So each request that misses the
cache is counted against its client, in this process alone: whether the store is available must not
decide who is served. A client that is refused often and goes on is refused earlier: see
`service.http.flood_guard`.
"""

from __future__ import annotations

import ipaddress
import math
import time
from typing import Final

from limits import RateLimitItem, RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from papers.errors import TooManyRequests

MIN_SPREAD_SECONDS: Final = 30
"""Seconds over which the requests of a minute must be spread at least."""

MIN_PER_SECOND: Final = 4
"""Requests a second that are always allowed: fewer than `web.THREADS`, so that one stays free."""

MIN_REFUSALS_PER_MINUTE: Final = 10
"""Refusals a minute before the flood guard steps in; a quarter of `per_minute` if that is more."""


class ClientRateLimiter:
    """The counts of one process; `per_minute` 0 means no limit."""

    def __init__(self, per_minute: int) -> None:
        self._limits = _rate_limits(per_minute)
        self._refusal_limit = RateLimitItemPerMinute(
            max(MIN_REFUSALS_PER_MINUTE, per_minute // 4), namespace="refusals"
        )
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def consume(self, client: str, *, allow_burst: bool = False) -> None:
        """Count one request of a client (an IP address). Raises TooManyRequests.

        With `allow_burst`, as for previews while someone types, only the limit a minute applies.
        """
        key = rate_limit_key(client)
        limits = self._limits[:1] if allow_burst else self._limits
        for limit in limits:
            if not self._limiter.test(limit, key):
                self._limiter.hit(self._refusal_limit, key)
                wait, span = self._retry_after(limit, key), limit.GRANULARITY.name
                raise TooManyRequests(
                    f"more than {limit.amount} new searches a {span}; try again in {wait} seconds",
                    retry_after=wait,
                )
        for limit in limits:
            self._limiter.hit(limit, key)

    def flood_error(self, client: str) -> TooManyRequests | None:
        """Return the error for a client that was refused too often in a minute, else None."""
        key = rate_limit_key(client)
        if self._limiter.test(self._refusal_limit, key):
            return None
        wait = self._retry_after(self._refusal_limit, key)
        return TooManyRequests(
            f"refused {self._refusal_limit.amount} times in a minute; try again in {wait} seconds",
            retry_after=wait,
        )

    def _retry_after(self, limit: RateLimitItem, key: str) -> int:
        """Return the seconds until a limit allows the next request."""
        reset = self._limiter.get_window_stats(limit, key).reset_time
        return max(1, math.ceil(reset - time.time()))


def _rate_limits(per_minute: int) -> tuple[RateLimitItem, ...]:
    """Return the limits a minute and a second: a burst would block the requests of others."""
    if not per_minute:
        return ()
    per_second = max(MIN_PER_SECOND, math.ceil(per_minute / MIN_SPREAD_SECONDS))
    return RateLimitItemPerMinute(per_minute), RateLimitItemPerSecond(per_second)


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
