"""The site's book of visitors: who asked for what, when, and how it went."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """One request as the site saw it; times are `time.monotonic()`, one clock for all processes.

    `ended` is the moment the last byte was handed over or the client had gone, None until then;
    two visits with one `connection` came over one.
    """

    target: str
    headers: Mapping[str, str]
    connection: int
    started: float
    ended: float | None = None
    status: int = 0
    fault: str = ""


class RequestLog:
    """Every request, written from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._visits: list[RecordedRequest] = []

    def add(self, visit: RecordedRequest) -> int:
        """Note a request that came in; its number."""
        with self._lock:
            self._visits.append(visit)
            return len(self._visits) - 1

    def update(self, number: int, **what: Any) -> None:
        """Note what became of a request."""
        with self._lock:
            self._visits[number] = replace(self._visits[number], **what)

    def to_paths(self, *prefixes: str) -> list[RecordedRequest]:
        """Requests to paths that begin with one of `prefixes` (none: all), as they came."""
        with self._lock:
            return [v for v in self._visits if not prefixes or v.target.startswith(prefixes)]


def start_gaps(visits: list[RecordedRequest]) -> list[float]:
    """Seconds from the start of each request to the start of the next."""
    starts = sorted(visit.started for visit in visits)
    return [later - earlier for earlier, later in pairwise(starts)]


def overlapping_requests(
    visits: list[RecordedRequest],
) -> list[tuple[RecordedRequest, RecordedRequest]]:
    """Neighbours of which the second began before the first had ended."""
    ordered = sorted(visits, key=lambda visit: visit.started)
    return [
        (first, second)
        for first, second in pairwise(ordered)
        if first.ended is None or second.started < first.ended
    ]
