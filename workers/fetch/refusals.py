"""How upstreams refuse requests, and for how long."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from papers.errors import SourceGarbled, SourceRefused

MAX_RETRY_AFTER: Final = 86_400.0
"""Seconds: the longest wait that an upstream can impose; more is taken for a mistake."""

_RATE_EXCEEDED: Final = re.compile(rb"rate exceeded", re.IGNORECASE)
_RESET: Final = re.compile(r";\s*t\s*=\s*(\d+)")
_SUMMARY: Final = re.compile(r"<summary\b[^<>]*>([^<]+)<")
_TITLE: Final = re.compile(r"<title\b[^<>]*>([^<]+)<", re.IGNORECASE)
_MARKUP: Final = re.compile(r"<[^<>]*>")
_EXCERPT_LENGTH: Final = 160


def raise_for_refusal(
    name: str, status: int, headers: Mapping[str, str], body: bytes, now: datetime
) -> None:
    """Return if the response is a valid one with a body; else raise the refusal.

    `body` may be truncated to some kilobytes for statuses other than 200. Raises SourceRefused with
    the status (429 for a 200 that says "Rate exceeded.") and the requested wait; SourceGarbled for
    unexpected statuses and for an empty body.
    """
    if status >= 400:
        excerpt = body_excerpt(body)
        raise SourceRefused(
            f"{name} answered {status}" + (f": {excerpt}" if excerpt else ""),
            retry_after=retry_after(headers, now),
            status=status,
        )
    if status != 200:
        raise SourceGarbled(f"{name} answered {status}, an unexpected status", status=status)
    if len(body) < 1_000 and _RATE_EXCEEDED.search(body):
        raise SourceRefused(
            f"{name} answered 200 but said: {body_excerpt(body)}",
            retry_after=retry_after(headers, now),
            status=429,
        )
    if not body.strip():
        raise SourceGarbled(f"{name} answered 200 with an empty body")


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the requested wait in seconds: Retry-After (seconds or date), or `RateLimit: …;t=55`.

    `headers` must ignore case. `now`: aware UTC.
    """
    header = headers.get("Retry-After", "").strip()
    if header:
        wait = _parse_seconds(header, now)
    else:
        reset = _RESET.search(headers.get("RateLimit", ""))
        wait = float(reset[1]) if reset else None
    return None if wait is None else min(max(wait, 0.0), MAX_RETRY_AFTER)


def body_excerpt(body: bytes) -> str:
    """Return a response's readable text: a feed's summary, a page's title, or its first words."""
    raw = body[:4_000].decode("utf-8", "replace")
    match = _SUMMARY.search(raw) or _TITLE.search(raw)
    text = html.unescape(_MARKUP.sub(" ", match[1] if match else raw))
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= _EXCERPT_LENGTH else text[:_EXCERPT_LENGTH].rstrip() + "…"


def _parse_seconds(text: str, now: datetime) -> float | None:
    try:
        return float(text) if text[0].isdigit() else _seconds_until(text, now)
    except ValueError:
        return None  # an unreadable wait is ignored: the caller's own back-off applies


def _seconds_until(text: str, now: datetime) -> float:
    when = parsedate_to_datetime(text)
    return ((when if when.tzinfo else when.replace(tzinfo=UTC)) - now).total_seconds()
