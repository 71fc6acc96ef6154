"""Conditional requests: whether the response that a client has is current.

Clients and proxies get this wrong in many ways: entity tags without quotes, weak ones, tags of
another coding, or with a suffix that a proxy added; dates in three old formats, followed by a
length, or from a clock that is ahead. An ETag is a digest of the content, so wherever it occurs in
the header it can only mean that content.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from werkzeug.datastructures import Headers
from werkzeug.http import parse_date


def is_not_modified(request_headers: Headers, etag: str, modified: int, *, now: datetime) -> bool:
    """Return True if If-None-Match or If-Modified-Since matches: send 304. The former wins.

    `etag` is the digest of the content, without quotes or the suffix of a coding; `modified` is in
    seconds since 1970.
    """
    tags = request_headers.get("If-None-Match")
    if tags is not None:
        return tags.strip() == "*" or _contains_etag(tags, etag)
    since = request_headers.get("If-Modified-Since", "")
    return bool(since) and _not_modified_since(since, modified, now)


def matching_etag(request_headers: Headers, tags: Sequence[str]) -> str:
    """Return which of the entity tags of one content the client sent, else the first."""
    sent = request_headers.get("If-None-Match", "")
    return next((tag for tag in tags if tag in sent), tags[0])


def _contains_etag(tags: str, etag: str) -> bool:
    """Return True if the digest occurs in a header and is not part of a longer word."""
    start = tags.find(etag)
    while start >= 0:
        neighbors = tags[max(start - 1, 0) : start] + tags[start + len(etag) :][:1]
        if not any(char.isascii() and char.isalnum() for char in neighbors):
            return True
        start = tags.find(etag, start + 1)
    return False


def _not_modified_since(text: str, modified: int, now: datetime) -> bool:
    """Return True if nothing has changed since a date. A date in the future is ignored."""
    since = _parse_http_date(text.partition(";")[0].strip())
    changed = datetime.fromtimestamp(modified, UTC)
    return since is not None and changed <= since <= max(now, changed)


def _parse_http_date(text: str) -> datetime | None:
    """Parse a date in a format of HTTP or ISO 8601, aware; None for anything else."""
    try:
        parsed = parse_date(text) or datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
