"""How many new questions one client may ask in a minute, and how many of them in a second.

An answer that is kept costs next to nothing, and so does a 304: nobody is refused those. What
costs is to find and render an answer that is not there, and anyone can make up any number of
questions. So each new one is counted for whoever asks, in this process alone: a store that is
away must not decide who is served.
"""

from __future__ import annotations

import ipaddress
import math
import time
from typing import Final

from limits import RateLimitItem, RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from papers.errors import TooMany

SPREAD: Final = 12
"""Seconds over which a minute's questions are spread at least."""

AT_ONCE: Final = 10
"""Questions that nobody has to spread."""


class Rates:
    """The counts of one process; `per_minute` 0 counts nothing."""

    def __init__(self, per_minute: int) -> None:
        self._limits = _limits(per_minute)
        self._counts = SlidingWindowCounterRateLimiter(MemoryStorage())

    def spend(self, client: str) -> None:
        """Count one new question of a client (an address). Raises TooMany."""
        who = network_of(client)
        for limit in self._limits:
            if not self._counts.test(limit, who):
                raise self._refusal(limit, who)
        for limit in self._limits:
            self._counts.hit(limit, who)

    def _refusal(self, limit: RateLimitItem, who: str) -> TooMany:
        reset = self._counts.get_window_stats(limit, who).reset_time
        wait = max(1, math.ceil(reset - time.time()))
        span = limit.GRANULARITY.name
        return TooMany(
            f"more than {limit.amount} new questions a {span}; go on in {wait} seconds",
            retry_after=wait,
        )


def _limits(per_minute: int) -> tuple[RateLimitItem, ...]:
    """So many a minute, and not all of them at once: others read while they are rendered."""
    if not per_minute:
        return ()
    per_second = max(AT_ONCE, math.ceil(per_minute / SPREAD))
    return RateLimitItemPerMinute(per_minute), RateLimitItemPerSecond(per_second)


def network_of(client: str) -> str:
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
