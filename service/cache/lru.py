"""An LRU cache bounded by bytes, shared by the threads of a process."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

from cachetools import LRUCache

K = TypeVar("K")
V = TypeVar("V")


class ByteLRU(Generic[K, V]):
    """Least-recently-used cache of at most `max_bytes`; the caller states the size of each value.

    `cachetools` evicts; the lock is ours, and so is what happens to a value larger than the cache:
    it is not stored, and nor is its predecessor.
    """

    def __init__(self, max_bytes: int) -> None:
        self._values: LRUCache[K, tuple[V, int]] = LRUCache(max_bytes, getsizeof=_stated_size)
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        """Return the value of a key, or None; it becomes the most recently used."""
        with self._lock:
            try:
                return self._values[key][0]
            except KeyError:
                return None

    def put(self, key: K, value: V, size: int) -> None:
        """Store a value of `size` bytes, evicting the least recently used."""
        with self._lock:
            try:
                self._values[key] = value, size
            except ValueError:  # larger than the whole cache
                self._values.pop(key, None)

    def clear(self) -> None:
        """Drop all values."""
        with self._lock:
            self._values.clear()


def _stated_size(entry: tuple[object, int]) -> int:
    return entry[1]
