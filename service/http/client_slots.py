"""Client slots: how many clients may occupy a thread at a time by sending or reading slowly."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Final, Self

SLOTS: Final = 1
"""Threads of a process that slow clients may occupy, of each kind; the others are for readers."""


class ClientSlots:
    """A few slots, at most one per client. Shared by the threads of a process."""

    def __init__(self, count: int = SLOTS) -> None:
        self._count = count
        self._clients: set[str] = set()
        self._lock = threading.Lock()

    def take(self, client: str) -> bool:
        """Take a slot for a client (a rate-limit key); False if none is free, or it has one."""
        with self._lock:
            if client in self._clients or len(self._clients) >= self._count:
                return False
            self._clients.add(client)
            return True

    def release(self, client: str) -> None:
        """Release the client's slot."""
        with self._lock:
            self._clients.discard(client)


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
