"""What a process remembers of what it made, up to a number of bytes."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class ByteLRU(Generic[K, V]):
    """Values by key; of too many those go that were asked for longest ago. Threads share it."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes, self._used_bytes = max_bytes, 0
        self._values: dict[K, tuple[V, int]] = {}
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        """The value kept under a key, if it is still there."""
        with self._lock:
            found = self._values.pop(key, None)
            if found is None:
                return None
            self._values[key] = found  # the order of the dict is that of use
            return found[0]

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._values.clear()
            self._used_bytes = 0

    def put(self, key: K, value: V, size: int) -> None:
        """Keep a value of so many bytes."""
        with self._lock:
            _, before = self._values.pop(key, (None, 0))
            self._values[key] = value, size
            self._used_bytes += size - before
            while self._used_bytes > self._max_bytes:
                _, freed = self._values.pop(next(iter(self._values)))
                self._used_bytes -= freed
