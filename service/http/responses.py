"""Cached bodies as HTTP responses: validators, 304, content codings, redirects to canonical URLs.

https://www.rfc-editor.org/rfc/rfc9110 and https://www.rfc-editor.org/rfc/rfc9111
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from flask import Request, Response
from werkzeug.datastructures import Headers
from werkzeug.http import http_date

from service.cache.encodings import ENCODINGS, compress_stream, join_parts, negotiate_coding
from service.cache.render_cache import RenderCache
from service.cache.render_request import ServedBody
from service.http.client_quota import ClientQuota
from service.http.conditional import RequestValidators, is_not_modified, matching_etag

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

JSON_TYPE: Final = "application/json"
_LINE_BREAK: Final = re.compile(r"[\r\n]")
_EPOCH: Final = datetime.fromtimestamp(0, UTC)
STALE_MAX_AGE: Final = 60
"""Seconds that shared caches may store a stale response: the store should soon be back."""


_PREVIOUS_HEADERS: Final = {
    "Cache-Status": "paperwire; hit; detail=rendering",
    "Cache-Control": "public, max-age=0, must-revalidate",
}
"""Headers of the previous response: nobody else may get it from a shared cache."""


def to_json_bytes(document: dict[str, Any]) -> bytes:
    """Return a document of the API as it is sent."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


class PreparedResponse(Response):
    """A response that is complete: werkzeug need not compute or check its headers one by one.

    Its body is in memory, and nothing is to be closed after it.
    """

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes | None = None) -> None:
        """Raises ValueError if a header has a line break."""
        checked = Headers()
        checked._list = [*headers.items()]  # `Headers(headers)` takes ten times as long
        if _LINE_BREAK.search("".join(headers.values())):
            raise ValueError(f"a header has a line break: {headers}")
        super().__init__(body, status, checked)

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
        """Return the headers as they are."""
        return self.headers

    def get_app_iter(self, environ: WSGIEnvironment) -> Iterable[bytes]:
        """Return the body as a list, which the web server sends at once; it streams iterators."""
        is_sent = environ["REQUEST_METHOD"] != "HEAD" and self.status_code != 304
        return list(self.iter_encoded()) if is_sent else []


def cached_response(
    request_headers: Headers,
    served: ServedBody,
    *,
    coding: str,
    content_type: str,
    max_age: int,
    headers: dict[str, str] | None = None,
) -> Response:
    """Return a cached body in a content coding as a response, or 304 if the client has it.

    A 304 has the entity tag that the client sent, so that a cache knows which of its stored
    responses is meant. `max_age` is in seconds; `headers` replace the ones set here.
    """
    body = served.cached_body
    common = {
        "ETag": body.entity_tag(coding),
        "Last-Modified": _format_http_date(body.last_modified),
        "Cache-Control": f"public, max-age={max_age}",
        "Vary": "Accept-Encoding",
        "Content-Type": content_type,
        **(headers or {}),
        **(_stale_headers(max_age) if served.is_stale else {}),
        **(_PREVIOUS_HEADERS if served.is_previous else {}),
    }
    if served.is_not_modified:
        common["ETag"] = matching_etag(request_headers, body.entity_tags(coding))
        return PreparedResponse(304, common)
    if coding:
        common["Content-Encoding"] = coding
    return PreparedResponse(200, common, body.encoded_body(coding))


def streamed_response(
    request_headers: Headers,
    parts: Iterable[bytes],
    *,
    etag: str,
    content_type: str,
    max_age: int,
    headers: dict[str, str],
    quota: ClientQuota,
) -> Response:
    """Return a body that comes in parts as a response, or 304 if the client has it.

    Raises TooManyRequests if too many clients read such bodies at this time.

    `etag` is a digest of what the body is made of, without quotes or the suffix of a coding.
    """
    coding = negotiate_coding(request_headers.get("Accept-Encoding", ""))
    suffix = ENCODINGS[coding].etag_suffix if coding else ""
    common = {
        "ETag": f'"{etag}{suffix}"',
        "Cache-Control": f"public, max-age={max_age}",
        "Vary": "Accept-Encoding",
        "Content-Type": content_type,
        **headers,
    }
    sent = request_headers.get("If-None-Match")
    if sent and is_not_modified(Headers({"If-None-Match": sent}), etag, 0, now=_EPOCH):
        return PreparedResponse(304, common)
    if coding:
        common["Content-Encoding"] = coding
    sent_parts = compress_stream(coding, join_parts(parts))
    return Response(quota.hold_stream(sent_parts), headers=common)


@lru_cache(maxsize=1024)
def _format_http_date(seconds: int) -> str:
    """Format a time in seconds since 1970. Uncached it takes 4 µs, a 304 as a whole some 260."""
    return http_date(seconds)


def _stale_headers(seconds: int) -> dict[str, str]:
    """Return how a cache states that it could not revalidate (RFC 9211, for `Warning: 110`)."""
    return {
        "Cache-Status": "paperwire; hit; detail=store-away",
        "Cache-Control": f"public, max-age={min(seconds, STALE_MAX_AGE)}",
    }


def has_last_validators(
    render_cache: RenderCache, environ: WSGIEnvironment, *, now: datetime
) -> bool:
    """Return True if a conditional request has validators of the last response at its URL."""
    request = Request(environ)
    last = render_cache.kept_validators(requested_path(request))
    return last is not None and RequestValidators(request.headers, now).match(last)


def requested_path(request: Request, path: str = "") -> str:
    """Return path and query string as in canonical paths: beyond ASCII, paths are encoded.

    `path` stands in place of the request's own.
    """
    path = path or request.path
    path = path if path.isascii() else quote(path)
    query = request.query_string.decode("latin-1")
    return f"{path}?{query}" if query else path


def redirect_to_canonical(request: Request, path: str) -> Response | None:
    """Return a redirect to a canonical path with query string; None if the request is for it.

    The target is relative, so that no Host header gets into it.
    """
    if path == requested_path(request):
        return None
    return Response(
        f"The canonical URL is {path}\n",
        status=301,
        headers={"Location": request.script_root + path, "Cache-Control": "public, max-age=3600"},
        content_type="text/plain; charset=utf-8",
    )
