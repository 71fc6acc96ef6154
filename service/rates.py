"""How many new questions one client may ask in a minute.

An answer that is kept costs next to nothing, and so does a 304: nobody is refused those. What
costs is to find and render an answer that is not there, and anyone can make up any number of
questions. So each new one is counted for whoever asks, in this process alone: a store that is
away must not decide who is served.
"""

from __future__ import annotations

import ipaddress
import math
import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from papers.errors import TooMany


class Rates:
    """The counts of one process; `per_minute` 0 counts nothing."""

    def __init__(self, per_minute: int) -> None:
        self._limit = RateLimitItemPerMinute(per_minute) if per_minute else None
        self._counts = SlidingWindowCounterRateLimiter(MemoryStorage())

    def spend(self, client: str) -> None:
        """Count one new question of a client (an address). Raises TooMany."""
        if self._limit is None:
            return
        who = network_of(client)
        if not self._counts.hit(self._limit, who):
            reset = self._counts.get_window_stats(self._limit, who).reset_time
            wait = max(1, math.ceil(reset - time.time()))
            raise TooMany(
                f"more than {self._limit.amount} new questions a minute; go on in {wait} seconds",
                retry_after=wait,
            )


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
