"""Counts and logs requests to upstreams: seconds, outcome, and the wait for arXiv's rate limit."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from papers.config.settings import Seconds, Settings
from papers.config.url_secrets import hide_credentials
from papers.telemetry.log_events import format_event
from papers.telemetry.metric_recorder import MetricRecorder
from papers.telemetry.metric_table import ARXIV_WAIT_SECONDS, UPSTREAM_SECONDS
from workers.fetch.arxiv_hosts import ArxivHosts

log = logging.getLogger(__name__)

UNREACHABLE: Final = "unreachable"


class FetchTelemetry:
    """What a fetcher records of its requests; without a recorder it only logs."""

    def __init__(
        self,
        settings: Settings,
        recorder: MetricRecorder | None = None,
        clock: Callable[[], Seconds] = time.monotonic,
    ) -> None:
        self._arxiv_hosts, self._huggingface_url = ArxivHosts(settings), settings.huggingface_url
        self._recorder, self._clock = recorder, clock

    @contextmanager
    def wait(self, turn: AbstractContextManager[None]) -> Iterator[None]:
        """Enter a context, and count how long that took."""
        began = self._clock()
        with turn:
            if self._recorder:
                self._recorder.observe(ARXIV_WAIT_SECONDS, self._clock() - began)
            yield

    @contextmanager
    def request(self, url: str) -> Iterator[Callable[[int, int], None]]:
        """Time a request; the yielded function takes the status and the size of the response."""
        began, outcome, status, size = self._clock(), UNREACHABLE, 0, 0

        def respond(http_status: int, body_bytes: int) -> None:
            nonlocal outcome, status, size
            status, size = http_status, body_bytes
            outcome = "not_modified" if status == 304 else f"{status // 100}xx"

        try:
            yield respond
        finally:
            seconds = self._clock() - began
            if self._recorder:
                self._recorder.observe(UPSTREAM_SECONDS, seconds, self._kind(url), outcome)
            log.info(
                format_event(
                    "fetch",
                    url=hide_credentials(url),
                    outcome=outcome,
                    status=status or None,
                    bytes=size or None,
                    seconds=seconds,
                )
            )

    def _kind(self, url: str) -> str:
        """Return the kind of an upstream, as its requests are counted."""
        if self._arxiv_hosts.has(url):
            return "arxiv"
        return "huggingface" if url.startswith(self._huggingface_url) else "community"
