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

from papers.errors import TooMany

SPREAD: Final = 30
"""Seconds over which a minute's questions are spread at least."""

AT_ONCE: Final = 4
"""Questions that nobody has to spread: fewer than `web.THREADS`, so that one is left."""

REFUSALS: Final = 10
"""Refusals in a minute that leave the door open; a quarter of a minute's questions if more."""


class Rates:
    """The counts of one process; `per_minute` 0 counts nothing."""

    def __init__(self, per_minute: int) -> None:
        self._limits = _limits(per_minute)
        self._refusals = RateLimitItemPerMinute(
            max(REFUSALS, per_minute // 4), namespace="refusals"
        )
        self._counts = SlidingWindowCounterRateLimiter(MemoryStorage())

    def spend(self, client: str, *, quick: bool = False) -> None:
        """Count one new question of a client (an address). Raises TooMany.

        Quick ones, as of someone who types, may come as fast as they do, if not too many a minute.
        """
        who = network_of(client)
        limits = self._limits[:1] if quick else self._limits
        for limit in limits:
            if not self._counts.test(limit, who):
                self._counts.hit(self._refusals, who)
                wait, span = self._wait(limit, who), limit.GRANULARITY.name
                raise TooMany(
                    f"more than {limit.amount} new questions a {span}; go on in {wait} seconds",
                    retry_after=wait,
                )
        for limit in limits:
            self._counts.hit(limit, who)

    def refusal_at_the_door(self, client: str) -> TooMany | None:
        """What a client is told that was refused too often of late; None for all others."""
        who = network_of(client)
        if self._counts.test(self._refusals, who):
            return None
        wait = self._wait(self._refusals, who)
        return TooMany(
            f"refused {self._refusals.amount} times in a minute; go on in {wait} seconds",
            retry_after=wait,
        )

    def _wait(self, limit: RateLimitItem, who: str) -> int:
        """Seconds until a limit lets a client go on."""
        reset = self._counts.get_window_stats(limit, who).reset_time
        return max(1, math.ceil(reset - time.time()))


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
