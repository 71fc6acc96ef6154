"""An answer as an HTTP response: validators, 304, encodings, caching, redirects to one URL.

https://www.rfc-editor.org/rfc/rfc9110 and https://www.rfc-editor.org/rfc/rfc9111
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from flask import Request, Response
from werkzeug.http import http_date

from service.caching import Served

AWAY_SECONDS: Final = 60
"""How long a last good answer may be kept by others: the store should soon be back."""


def respond(
    request: Request,
    served: Served,
    *,
    content_type: str,
    seconds: int,
    headers: dict[str, str] | None = None,
) -> Response:
    """The response with an answer: its body, or 304 where the client has it already."""
    answer = served.answer
    gzip = request.accept_encodings["gzip"] > 0
    tags = [answer.gzip_etag, answer.etag] if gzip else [answer.etag, answer.gzip_etag]
    common = {
        "ETag": f'"{tags[0]}"',
        "Last-Modified": http_date(answer.modified),
        "Cache-Control": f"public, max-age={seconds}",
        "Vary": "Accept-Encoding",
        **(headers or {}),
    }
    if served.away:
        # How a cache says that it could not ask: RFC 7234, section 5.5.1.
        common["Warning"] = '110 paperwire "Response is Stale"'
        common["Cache-Control"] = f"public, max-age={min(seconds, AWAY_SECONDS)}"
    if match := _has(request, tags, answer.modified):
        return Response(status=304, headers={**common, "ETag": f'"{match}"'})
    if gzip:
        common["Content-Encoding"] = "gzip"
    body = answer.gzipped if gzip else answer.body
    return Response(body, headers=common, content_type=content_type)


def redirected(request: Request, path: str) -> Response | None:
    """A redirect to the canonical path (with query string) of ours, unless this is it.

    The target is relative: no Host header gets into it.
    """
    query = request.query_string.decode("latin-1")
    if path == (f"{request.path}?{query}" if query else request.path):
        return None
    return Response(
        f"The canonical address is {path}\n",
        status=301,
        headers={"Location": request.script_root + path, "Cache-Control": "public, max-age=3600"},
        content_type="text/plain; charset=utf-8",
    )


def _has(request: Request, tags: list[str], modified: int) -> str:
    """The tag of what the client has, if that is the answer; If-None-Match goes first.

    Either encoding's tag will do: both are the same content.
    """
    if "If-None-Match" in request.headers:
        given = request.if_none_match
        if given.star_tag:
            return tags[0]
        return next((tag for tag in tags if given.contains_weak(tag)), "")
    since = request.if_modified_since
    return tags[0] if since and datetime.fromtimestamp(modified, UTC) <= since else ""
