"""Conditional requests: whether the response that a client has is current.

Clients and proxies get this wrong in many ways: entity tags without quotes, weak ones, tags of
another coding, or with a suffix that a proxy added; dates in three old formats, followed by a
length, or from a clock that is ahead. An ETag is a digest of the content, so wherever it occurs in
the header it can only mean that content.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from werkzeug.datastructures import Headers
from werkzeug.http import parse_date

from service.cache.cached_body import CachedBody


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


@dataclass(frozen=True, slots=True)
class RequestValidators:
    """The validators that a request has, as the render cache compares them with bodies."""

    headers: Headers
    now: datetime

    def prove(self, body: CachedBody) -> bool:
        """Return True if the client was sent this body: it has its ETag or its very date.

        Unlike for a 304, `*` and later dates do not count: anybody can send those.
        """
        tags = self.headers.get("If-None-Match")
        if tags is not None:
            return _contains_etag(tags, body.etag)
        since = _parse_http_date(self.headers.get("If-Modified-Since", ""))
        return since is not None and since.timestamp() == body.last_modified

    def allow_previous(self, body: CachedBody) -> bool:
        """Return True if the previous body may be sent while the next one is rendered.

        Only to a client that has an even older one: at its next poll it has this one's validators,
        so it gets old bytes once. One without validators may have had them at its last poll.
        """
        names = ("If-None-Match", "If-Modified-Since")
        is_conditional = any(self.headers.get(name) for name in names)
        return is_conditional and not self.match(body)

    def match(self, body: CachedBody) -> bool:
        """Return True if a 304 is due for this body."""
        return is_not_modified(self.headers, body.etag, body.last_modified, now=self.now)


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
