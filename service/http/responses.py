"""An answer as an HTTP response: validators, 304, codings, caching, redirects to one URL.

https://www.rfc-editor.org/rfc/rfc9110 and https://www.rfc-editor.org/rfc/rfc9111
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from flask import Request, Response
from werkzeug.datastructures import Headers
from werkzeug.http import http_date

from service.cache.render_cache import ServedBody
from service.http.conditional import is_not_modified, matching_etag

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

STALE_MAX_AGE: Final = 60
"""How long a last good answer may be kept by others: the store should soon be back."""


class PreparedResponse(Response):
    """The response with a stored answer: its headers are complete, and not worked out again."""

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
        """The headers as they are. A 304 has no body whose type they could tell."""
        if self.status_code == 304:
            self.headers.remove("Content-Type")
        return self.headers


def cached_response(
    request_headers: Headers,
    served: ServedBody,
    *,
    coding: str,
    content_type: str,
    max_age: int,
    now: datetime,
    headers: dict[str, str] | None = None,
) -> Response:
    """The response with an answer: its body in a coding, or 304 where the client has it already.

    `asked` are the headers of the request. A 304 has the tag that the client sent, so that a cache
    knows which of its copies is meant.
    """
    answer = served.cached_body
    common = {
        "ETag": answer.entity_tag(coding),
        "Last-Modified": _format_http_date(answer.last_modified),
        "Cache-Control": f"public, max-age={max_age}",
        "Vary": "Accept-Encoding",
        "Content-Type": content_type,
        **(headers or {}),
        **(_stale_headers(max_age) if served.is_stale else {}),
    }
    if is_not_modified(request_headers, answer.etag, answer.last_modified, now=now):
        common["ETag"] = matching_etag(request_headers, answer.entity_tags(coding))
        return PreparedResponse(status=304, headers=common)
    if coding:
        common["Content-Encoding"] = coding
    return PreparedResponse(answer.encoded_body(coding), headers=common)


@lru_cache(maxsize=1024)
def _format_http_date(seconds: int) -> str:
    return http_date(seconds)


def _stale_headers(seconds: int) -> dict[str, str]:
    """How a cache says that it could not ask (RFC 9211); `Warning: 110` is deprecated."""
    return {
        "Cache-Status": "paperwire; hit; detail=store-away",
        "Cache-Control": f"public, max-age={min(seconds, STALE_MAX_AGE)}",
    }


def redirect_to_canonical(request: Request, path: str) -> Response | None:
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
