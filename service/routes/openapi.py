"""The OpenAPI description, generated from the tables that the code itself uses.

https://spec.openapis.org/oas/v3.1.0
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from papers.model.arxiv_id import ArxivId
from service.feeds import FORMATS
from service.json_api.schemas import RESPONSE_SCHEMAS, TEXT, reference_to
from service.urls.paging import PAGE_PARAMETER
from service.urls.params import ALL_PARAMETERS, DIGEST_PARAMETER, Parameter

_EXAMPLE_ID: Final = str(ArxivId(202503, 14895))


def openapi_document(base_url: str) -> dict[str, Any]:
    """Return the description of an installation by its public URL."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Paperwire",
            "version": "1",
            "description": "Research papers by keyword, as JSON and as feeds.",
            "license": {"name": "Metadata: CC0 1.0, by arXiv", "identifier": "CC0-1.0"},
        },
        "servers": [{"url": base_url}],
        "paths": _paths(),
        "components": {"schemas": RESPONSE_SCHEMAS, "headers": _HEADERS},
    }


class Operation(NamedTuple):
    """An operation in words: `parameters` are (name, description)."""

    method: str
    path: str
    summary: str
    parameters: tuple[tuple[str, str], ...]


def describe_operations(document: dict[str, Any]) -> list[Operation]:
    """Return the operations of an OpenAPI description in words, for a page."""
    return [
        Operation(
            method.upper(),
            path,
            operation["summary"],
            tuple((p["name"], p.get("description", "")) for p in operation["parameters"]),
        )
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]


def _paths() -> dict[str, Any]:
    api = "/api/v1"
    slug = _path_parameter("name", "A saved keyword's slug, as in `reward-model`.")
    id = _path_parameter("id", f"An arXiv id, as in `{_EXAMPLE_ID}`; an old one has its slash.")
    json = "application/json"
    known = [parameter for parameter in ALL_PARAMETERS if parameter is not DIGEST_PARAMETER]
    when = _path_parameter("when", "The month, as in `2026-05`, or the day, as in `2026-05-20`.")
    suffix = {**_path_parameter("suffix", "The format."), "schema": {"enum": list(FORMATS)}}
    papers = _get_operation(
        "Papers that match a keyword, newest first.", json, "Papers", known, codes=(400, 429)
    )
    return {
        f"{api}/papers": papers,
        f"{api}/papers/{{id}}": _get_operation(
            "One paper.", json, "Paper", path=[id], codes=(400, 404)
        ),
        f"{api}/keywords": _get_operation(
            "The saved keywords by name, a page at a time.", json, "Keywords", [PAGE_PARAMETER]
        ),
        f"{api}/keywords/{{name}}": _get_operation(
            "One saved keyword.", json, "Keyword", path=[slug], codes=(400, 404)
        ),
        f"{api}/sources": _get_operation("The states of the sources.", json, "Sources"),
        f"{api}/openapi.json": _get_operation("This description.", json),
        "/feeds/{name}.{suffix}": _feed_operation(
            "A keyword, `search`, or a list.", [slug, suffix]
        ),
        "/feeds/{name}/{when}.{suffix}": _feed_operation(
            "The archive of a month or day that is over; of one that is not, a 302 to the feed.",
            [slug, when, suffix],
            (),
        ),
        "/papers/{id}.{suffix}": _feed_operation("What happened to a paper.", [id, suffix], ()),
        "/healthz": _get_operation("Whether this process works.", json, "Health", codes=()),
    }


def _get_operation(
    summary: str,
    content_type: str,
    schema: str = "",
    parameters: Iterable[Parameter] = (),
    *,
    path: Iterable[dict[str, Any]] = (),
    codes: tuple[int, ...] = (400,),
) -> dict[str, Any]:
    """Describe a path that is read: its parameters and its responses."""
    problem_content = {"application/problem+json": {"schema": reference_to("Problem")}}
    content = {content_type: {"schema": reference_to(schema) if schema else {"type": "object"}}}
    failures = _failures((*codes, 503) if codes else (), problem_content)
    query = [_query_parameter(parameter) for parameter in parameters]
    success = {"200": {"description": "The document.", "content": content}, **_REDIRECT_RESPONSES}
    responses = _with_rate_limit(success) if 429 in codes else success
    return {
        "get": {
            "summary": summary,
            "parameters": [*path, *query],
            "responses": {**responses, **failures},
        }
    }


def _feed_operation(
    summary: str, path: list[dict[str, Any]], parameters: Iterable[Parameter] = ALL_PARAMETERS
) -> dict[str, Any]:
    plain_text = {"text/plain": {"schema": TEXT}}
    content = {form.media_type: {"schema": TEXT} for form in FORMATS.values()}
    success = {"200": {"description": "The feed.", "content": content}, **_REDIRECT_RESPONSES}
    return {
        "get": {
            "summary": summary,
            "parameters": [*path, *map(_query_parameter, parameters)],
            "responses": {
                **_with_rate_limit(success),
                **_failures(_ERROR_DESCRIPTIONS, plain_text),
            },
        }
    }


def _failures(codes: Iterable[int], content: dict[str, Any]) -> dict[str, Any]:
    """Describe the errors of an operation by status."""
    return {
        str(code): {
            "description": _ERROR_DESCRIPTIONS[code],
            "content": content,
            **(
                {"headers": _header_refs(_HEADERS_BY_ERROR[code])}
                if code in _HEADERS_BY_ERROR
                else {}
            ),
        }
        for code in codes
    }


def _with_rate_limit(responses: dict[str, Any]) -> dict[str, Any]:
    """Add the headers of the rate limit to the responses that may have them: not to redirects."""
    headers = _header_refs(("RateLimit", "RateLimit-Policy"))
    return {
        code: response if code == "301" else {**response, "headers": headers}
        for code, response in responses.items()
    }


def _header_refs(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


_ERROR_DESCRIPTIONS: Final = {
    400: "A part of the request is invalid; the text says which.",
    404: "No such resource.",
    429: "Your new searches took too much processor time; Retry-After says when to try again.",
    503: "The store is unavailable; Retry-After says when to try again.",
}
_HEADERS_BY_ERROR: Final = {
    429: ("Retry-After", "RateLimit", "RateLimit-Policy"),
    503: ("Retry-After",),
}
_HEADERS: Final = {
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
}
_REDIRECT_RESPONSES: Final = {
    "301": {"description": "The canonical URL of the same resource."},
    "304": {"description": "The response that you have is current."},
}


def _query_parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": "query",
        "required": False,
        "description": parameter.description,
        "schema": dict(parameter.schema),
    }


def _path_parameter(name: str, about: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "description": about, "schema": TEXT}
