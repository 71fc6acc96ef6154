"""Whether a client has an answer already, by what it sends back of the answer before.

Clients, and what stands between them and us, get this wrong in many ways: tags without quotes, weak
ones, another coding's, with a suffix that a proxy put on; dates in three old forms, with a length
behind them, or of a clock that is ahead. A tag is a digest of the content, so wherever it stands in
the header it can mean only that content.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

from werkzeug.datastructures import Headers
from werkzeug.http import parse_date


def is_not_modified(request_headers: Headers, etag: str, modified: int, *, now: datetime) -> bool:
    """Whether a conditional request is for what the client has: If-None-Match goes first.

    `asked` are the headers of the request; `etag` is the content's, without quotes or the mark of a
    coding; `modified` in seconds since 1970.
    """
    tags = request_headers.get("If-None-Match")
    if tags is not None:
        return tags.strip() == "*" or bool(_etag_pattern(etag).search(tags))
    since = request_headers.get("If-Modified-Since", "")
    return bool(since) and _not_modified_since(since, modified, now)


def matching_etag(request_headers: Headers, tags: Sequence[str]) -> str:
    """Of the tags of one content in its codings the one that the client sent, else the first."""
    sent = request_headers.get("If-None-Match", "")
    return next((tag for tag in tags if tag in sent), tags[0])


@lru_cache(maxsize=1024)
def _etag_pattern(etag: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![0-9A-Za-z]){re.escape(etag)}(?![0-9A-Za-z])")


def _not_modified_since(text: str, modified: int, now: datetime) -> bool:
    """Whether nothing has changed since a date. One that is still to come says nothing."""
    since, changed = (
        _parse_http_date(text.partition(";")[0].strip()),
        datetime.fromtimestamp(modified, UTC),
    )
    return since is not None and changed <= since <= max(now, changed)


def _parse_http_date(text: str) -> datetime | None:
    """A date in a form of HTTP, or as ISO 8601 has it; None for anything else."""
    try:
        parsed = parse_date(text) or datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
