"""Responses of an upstream as a task gets them."""

from __future__ import annotations

from workers.fetch.fetcher import UpstreamResponse

TASK = "announcements:cs.CL"


def answer(url: str = "https://example.org/feed", **headers: str) -> UpstreamResponse:
    """Return an empty response with headers; `_` in a name is `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return UpstreamResponse(
        requested_url=url, url=url, status=200, headers=named, body=b"", task=TASK
    )
