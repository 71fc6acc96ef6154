"""Response bodies: bounds the bytes of long responses that one client can have wait in memory.

The web server keeps a body of its own for each response until the client has read it, or until the
connection guard closes the connection. So a client that requests long responses over many
connections and reads none would fill the memory: 400 of 5 MB took 2 GB. What a client gets of long
bodies is counted by the minute, in this process alone; beyond that there is a 429 instead of a
body. The connection guard bounds the number of bodies that wait, of one client and of all.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Final

from flask import Flask, Response, request

from service.http.cost_window import CostWindow
from service.http.error_pages import plain_error_response
from service.http.rate_limit import rate_limit_key

LONG_BODY_BYTES: Final = 256_000
"""The shortest body that is counted. Compressed feeds and pages are shorter."""

MAX_CLIENT_BYTES: Final = 128_000_000
"""Bytes of long bodies for one client in a minute: some 400 feeds of a reader without gzip."""


class LongBodyBudget:
    """Counts the long bodies of one process; `clock` returns seconds that never go back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._sent = CostWindow(clock)

    def spend(self, client: str, size: int) -> int:
        """Count a body for a client; return 0, or after how many seconds it may have one."""
        key = rate_limit_key(client)
        wait = math.ceil(self._sent.seconds_until(key, MAX_CLIENT_BYTES))
        if not wait:
            self._sent.add(key, size)
        return wait


def install_response_bodies(app: Flask, budget: LongBodyBudget | None = None) -> None:
    """Have the app count its long bodies, and refuse those beyond the budget.

    Install it after what adds headers to each response, so that a refusal gets them too.
    """
    budget = budget or LongBodyBudget()

    @app.after_request
    def count_body(response: Response) -> Response:
        if request.method == "HEAD" or not response.is_sequence:
            return response  # one that is streamed is not kept
        size = sum(map(len, response.response))
        wait = budget.spend(request.remote_addr or "", size) if size >= LONG_BODY_BYTES else 0
        return _refusal(request.path, wait) if wait else response


def _refusal(path: str, wait: int) -> Response:
    detail = (
        f"more than {MAX_CLIENT_BYTES // 1_000_000} MB of long responses in a minute; "
        f"try again in {wait} seconds, or accept gzip, which makes them shorter"
    )
    response = plain_error_response(path, 429, detail)
    response.headers["Retry-After"] = str(wait)
    return response
