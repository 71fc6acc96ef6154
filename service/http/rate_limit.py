"""How many new questions one client may ask in a minute, and how many of them in a second.

An answer that is kept costs next to nothing, and so does a 304: nobody is refused those. What
costs is to find and render an answer that is not there, and anyone can make up any number of
questions. So each new one is counted for whoever asks, in this process alone: a store that is
away must not decide who is served. Who is refused again and again, and asks on, is told so at the
door: see `service.http.flood_guard`.
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
"""Seconds over which a minute's questions are spread at least."""

MIN_PER_SECOND: Final = 4
"""Questions that nobody has to spread: fewer than `web.THREADS`, so that one is left."""

MIN_REFUSALS_PER_MINUTE: Final = 10
"""Refusals in a minute that leave the door open; a quarter of a minute's questions if more."""


class ClientRateLimiter:
    """The counts of one process; `per_minute` 0 counts nothing."""

    def __init__(self, per_minute: int) -> None:
        self._limits = _rate_limits(per_minute)
        self._refusal_limit = RateLimitItemPerMinute(
            max(MIN_REFUSALS_PER_MINUTE, per_minute // 4), namespace="refusals"
        )
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def consume(self, client: str, *, allow_burst: bool = False) -> None:
        """Count one new question of a client (an address). Raises TooMany.

        Quick ones, as of someone who types, may come as fast as they do, if not too many a minute.
        """
        who = rate_limit_key(client)
        limits = self._limits[:1] if allow_burst else self._limits
        for limit in limits:
            if not self._limiter.test(limit, who):
                self._limiter.hit(self._refusal_limit, who)
                wait, span = self._retry_after(limit, who), limit.GRANULARITY.name
                raise TooManyRequests(
                    f"more than {limit.amount} new questions a {span}; go on in {wait} seconds",
                    retry_after=wait,
                )
        for limit in limits:
            self._limiter.hit(limit, who)

    def flood_error(self, client: str) -> TooManyRequests | None:
        """What a client is told that was refused too often of late; None for all others."""
        who = rate_limit_key(client)
        if self._limiter.test(self._refusal_limit, who):
            return None
        wait = self._retry_after(self._refusal_limit, who)
        return TooManyRequests(
            f"refused {self._refusal_limit.amount} times in a minute; go on in {wait} seconds",
            retry_after=wait,
        )

    def _retry_after(self, limit: RateLimitItem, who: str) -> int:
        """Seconds until a limit lets a client go on."""
        reset = self._limiter.get_window_stats(limit, who).reset_time
        return max(1, math.ceil(reset - time.time()))


def _rate_limits(per_minute: int) -> tuple[RateLimitItem, ...]:
    """So many a minute, and not all of them at once: others read while they are rendered."""
    if not per_minute:
        return ()
    per_second = max(MIN_PER_SECOND, math.ceil(per_minute / MIN_SPREAD_SECONDS))
    return RateLimitItemPerMinute(per_minute), RateLimitItemPerSecond(per_second)


def rate_limit_key(client: str) -> str:
    """What counts as one client: an IPv4 address, or the 64 bits that an IPv6 subscriber has."""
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return client
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
