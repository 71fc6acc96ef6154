"""Cost window: the costs that each client caused in the last minute, by the second."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from cachetools import LRUCache

WINDOW_SECONDS: Final = 60
"""Length of the sliding window. A cost counts from its second on, so for 59 to 60 seconds."""

MAX_CLIENTS: Final = 10_000
"""Clients whose costs are kept at a time, at most 60 small tuples each."""

_Costs = deque[tuple[int, float]]


class CostWindow:
    """Milliseconds by client and second; `clock` returns seconds that never go back.

    Shared by the threads of a process.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._costs: LRUCache[str, _Costs] = LRUCache(MAX_CLIENTS)
        self._lock = threading.Lock()

    def add(self, client: str, milliseconds: float) -> None:
        """Add a cost of this second."""
        with self._lock:
            now, costs = self._current(client)
            if costs and costs[-1][0] == int(now):
                milliseconds += costs.pop()[1]
            costs.append((int(now), milliseconds))
            self._costs[client] = costs

    def spent(self, client: str) -> float:
        """Return the milliseconds of the last minute."""
        with self._lock:
            return sum(cost for _, cost in self._current(client)[1])

    def seconds_until(self, client: str, milliseconds: float) -> float:
        """Return the seconds until less than that is left in the window; 0 if it already is."""
        with self._lock:
            now, costs = self._current(client)
            left, wait = sum(cost for _, cost in costs), 0.0
            for second, cost in costs:
                if left < milliseconds:
                    break
                left, wait = left - cost, second + WINDOW_SECONDS - now
            return wait

    def seconds_until_empty(self, client: str) -> float:
        """Return the seconds until all present costs have left the window."""
        with self._lock:
            now, costs = self._current(client)
            return costs[-1][0] + WINDOW_SECONDS - now if costs else 0.0

    def _current(self, client: str) -> tuple[float, _Costs]:
        """Return the time, and the client's costs without those that have left the window."""
        now, costs = self._clock(), self._costs.get(client) or deque()
        while costs and costs[0][0] + WINDOW_SECONDS <= now:
            costs.popleft()
        return now, costs
