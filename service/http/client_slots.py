"""Client slots: how many clients may occupy a thread at a time by sending or reading slowly."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Final, Self

SLOTS: Final = 1
"""Threads of a process that slow clients may occupy, of each kind; the others are for readers."""


class ClientSlots:
    """A few slots, at most one per client. Shared by the threads of a process.

    `clock` returns seconds that never go back.
    """

    def __init__(self, count: int = SLOTS, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._count, self._clock = count, clock
        self._clients: dict[str, float] = {}
        self._lock = threading.Lock()

    def take(self, client: str) -> bool:
        """Take a slot for a client (a rate-limit key); False if none is free, or it has one."""
        with self._lock:
            if client in self._clients or len(self._clients) >= self._count:
                return False
            self._clients[client] = self._clock()
            return True

    def release(self, client: str) -> None:
        """Release the client's slot."""
        with self._lock:
            self._clients.pop(client, None)

    def held_for(self, seconds: float) -> frozenset[str]:
        """Return the clients that have held a slot for at least these seconds."""
        with self._lock:
            until = self._clock() - seconds
            return frozenset(client for client, since in self._clients.items() if since <= until)


class HeldStream:
    """The parts of a response, which release a slot when the web server closes them."""

    def __init__(self, parts: Iterator[bytes], slots: ClientSlots, client: str) -> None:
        self._parts, self._slots, self._client = parts, slots, client
        self._is_open = True

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        return next(self._parts)

    def close(self) -> None:
        """Release the slot. The web server calls this in any case: see PEP 3333."""
        if self._is_open:
            self._is_open = False
            self._slots.release(self._client)
