"""The server's request log: target, headers, timing and outcome of every request."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """One request; times are `time.monotonic()`, which is one clock for all processes.

    `ended` is when the last byte was sent or the client disconnected, None until then. Requests
    with equal `connection` numbers used the same connection.
    """

    target: str
    headers: Mapping[str, str]
    connection: int
    started: float
    ended: float | None = None
    status: int = 0
    fault: str = ""


class RequestLog:
    """A thread-safe list of requests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: list[RecordedRequest] = []

    def add(self, request: RecordedRequest) -> int:
        """Record a new request; return its index."""
        with self._lock:
            self._requests.append(request)
            return len(self._requests) - 1

    def update(self, index: int, **changes: Any) -> None:
        """Change fields of a recorded request."""
        with self._lock:
            self._requests[index] = replace(self._requests[index], **changes)

    def to_paths(self, *prefixes: str) -> list[RecordedRequest]:
        """Return requests to paths with one of `prefixes` (none: all), in order of arrival."""
        with self._lock:
            return [
                request
                for request in self._requests
                if not prefixes or request.target.startswith(prefixes)
            ]


def start_gaps(requests: list[RecordedRequest]) -> list[float]:
    """Return the seconds between the starts of consecutive requests."""
    starts = sorted(request.started for request in requests)
    return [later - earlier for earlier, later in pairwise(starts)]


def overlapping_requests(
    requests: list[RecordedRequest],
) -> list[tuple[RecordedRequest, RecordedRequest]]:
    """Return consecutive requests of which the second started before the first had ended."""
    ordered = sorted(requests, key=lambda request: request.started)
    return [
        (first, second)
        for first, second in pairwise(ordered)
        if first.ended is None or second.started < first.ended
    ]
