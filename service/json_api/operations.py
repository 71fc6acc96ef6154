"""Operations of the OpenAPI description: what each kind of request takes and is answered with.

https://spec.openapis.org/oas/v3.1.0#operation-object
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from service.feeds import FORMATS
from service.json_api.schemas import TEXT, reference_to
from service.urls.params import ALL_PARAMETERS, Parameter

JSON: Final = "application/json"
JSON_LINES: Final = "application/x-ndjson"
SECURITY_SCHEMES: Final = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "The token of the settings, or a named one of the scope that the operation "
        "states, which the operator makes: `token add NAME --scope SCOPE`.",
    }
}
_ERROR_DESCRIPTIONS: Final = {
    400: "A part of the request is invalid; the text says which.",
    401: "The token is missing or wrong.",
    403: "The token is for something else.",
    404: "No such resource.",
    410: "The resource is gone for good; the text says what to request instead.",
    411: "The body was sent without a Content-Length.",
    413: "The body is too long.",
    429: "Your new searches took too much processor time; Retry-After says when to try again.",
    503: "The store is unavailable; Retry-After says when to try again.",
}
_WRITE_CODES: Final = (400, 401, 403, 429)
_HEADERS_BY_ERROR: Final = {
    401: ("WWW-Authenticate",),
    429: ("Retry-After", "RateLimit", "RateLimit-Policy"),
    503: ("Retry-After",),
}
HEADERS: Final = {
    "Retry-After": {
        "description": "Seconds until a request is served again.",
        "schema": {"type": "integer", "minimum": 1, "maximum": 3600},
    },
    "RateLimit": {
        "description": 'Processor time left, as in `"custom";r=11750;t=60`: `r` in milliseconds; '
        "after `t` seconds all is restored, or in a 429 a request is served again. Only in "
        "responses that custom queries can get.",
        "schema": TEXT,
    },
    "RateLimit-Policy": {
        "description": 'The limit, as in `"custom";q=12000;w=60;qu="cpu-ms"`: milliseconds of '
        "processor time of a client's uncached searches and renderings in a sliding window of "
        "`w` seconds, on each web process.",
        "schema": TEXT,
    },
    "WWW-Authenticate": {"description": "How to send the token.", "schema": TEXT},
    "Link": {
        "description": 'The canonical URL of the document, as `<…>; rel="canonical"`: of equal '
        "requests the same one.",
        "schema": TEXT,
    },
    "Location": {"description": "The URL of what is new.", "schema": TEXT},
    "Content-Location": {"description": "The URL of what was changed.", "schema": TEXT},
}
_REDIRECT: Final = {"301": {"description": "The canonical URL of the same resource."}}
_NOT_MODIFIED: Final = {"304": {"description": "The response that you have is current."}}


def get_operation(
    summary: str,
    schema: str = "",
    parameters: Iterable[Parameter] = (),
    *,
    path: Iterable[dict[str, Any]] = (),
    codes: tuple[int, ...] = (400,),
    is_cached: bool = True,
) -> dict[str, Any]:
    """Describe the reading of a JSON document; `is_cached` if it has validators."""
    content = {JSON: {"schema": reference_to(schema) if schema else {"type": "object"}}}
    limit = ("RateLimit", "RateLimit-Policy") if 429 in codes else ()
    success: dict[str, Any] = {
        "description": "The document.",
        "content": content,
        **_headers((*(("Link",) if is_cached else ()), *limit)),
    }
    not_modified = {"304": {**_NOT_MODIFIED["304"], **_headers(limit)}} if is_cached else {}
    return {
        "summary": summary,
        "parameters": [*path, *map(query_parameter, parameters)],
        "responses": {
            "200": success,
            **not_modified,
            **_failures((*codes, 503) if codes else (), _problem_content()),
        },
    }


def feed_operation(
    summary: str,
    path: list[dict[str, Any]],
    parameters: Iterable[Parameter] = ALL_PARAMETERS,
    *,
    is_beside_page: bool = False,
) -> dict[str, Any]:
    """Describe a feed, in any format; with another suffix some are the path of a page."""
    content = {
        form.media_type: {"schema": {"type": "object"} if suffix == "json" else TEXT}
        for suffix, form in FORMATS.items()
    }
    limit = _headers(("RateLimit", "RateLimit-Policy"))
    codes, errors = (400, 404, 410, 429, 503), {"text/plain": {"schema": TEXT}}
    if is_beside_page:
        errors["text/html"] = {"schema": TEXT}
    return {
        "summary": summary,
        "parameters": [*path, *map(query_parameter, parameters)],
        "responses": {
            "200": {"description": "The feed.", "content": content, **limit},
            **_REDIRECT,
            "304": {**_NOT_MODIFIED["304"], **limit},
            **_failures(codes, errors),
        },
    }


def write_operation(
    summary: str,
    scope: str,
    request_schema: str,
    schema: str,
    *,
    path: Iterable[dict[str, Any]] = (),
    takes_lists: bool = False,
) -> dict[str, Any]:
    """Describe an operation that saves something, with a token of a scope."""
    document = {JSON: {"schema": reference_to(schema)}}
    body: dict[str, Any] = {JSON: {"schema": reference_to(request_schema)}}
    changed = {"description": "It was there, and is now as requested.", "content": document}
    if takes_lists:
        one_or_list = [reference_to(request_schema), {"type": "array", "items": {}}]
        body = {JSON: {"schema": {"anyOf": one_or_list}}}
        body |= {JSON_LINES: {}, "text/plain": {}, "text/x-opml": {}}
        lines = {JSON_LINES: {"schema": reference_to("ImportProgress")}}
        changed = {
            "description": "It was there; or a line of JSON for each block of a list.",
            "content": document | lines,
        }
    responses = {
        "200": {**changed, **_headers(("Content-Location",))},
        "201": {"description": "It is new.", "content": document, **_headers(("Location",))},
        **_failures((*_WRITE_CODES, 411, 413, 503), _problem_content()),
    }
    request_body = {"required": True, "content": body}
    return _secured(summary, scope, path, {"requestBody": request_body, "responses": responses})


def delete_operation(summary: str, scope: str, path: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Describe an operation that removes something, with a token of a scope."""
    responses = {
        "204": {"description": "It is removed."},
        **_failures((*_WRITE_CODES, 404, 503), _problem_content()),
    }
    return _secured(summary, scope, path, {"responses": responses})


def _secured(
    summary: str, scope: str, path: Iterable[dict[str, Any]], operation: dict[str, Any]
) -> dict[str, Any]:
    return {
        "summary": summary,
        "description": f"Needs a token of the scope `{scope}`.",
        "security": [{"token": []}],
        "parameters": [*path],
        **operation,
    }


def _problem_content() -> dict[str, Any]:
    return {"application/problem+json": {"schema": reference_to("Problem")}}


def _failures(codes: Iterable[int], content: dict[str, Any]) -> dict[str, Any]:
    """Describe the errors of an operation by status."""
    return {
        str(code): {
            "description": _ERROR_DESCRIPTIONS[code],
            "content": content,
            **_headers(_HEADERS_BY_ERROR.get(code, ())),
        }
        for code in sorted(codes)
    }


def _headers(names: Iterable[str]) -> dict[str, Any]:
    """Return the member `headers` of a response; none without names."""
    found = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return {"headers": found} if found else {}


def query_parameter(parameter: Parameter) -> dict[str, Any]:
    """Describe a query parameter."""
    return {
        "name": parameter.name,
        "in": "query",
        "required": False,
        "description": parameter.description,
        "schema": dict(parameter.schema),
    }


def path_parameter(name: str, about: str) -> dict[str, Any]:
    """Describe a part of a path."""
    return {"name": name, "in": "path", "required": True, "description": about, "schema": TEXT}
