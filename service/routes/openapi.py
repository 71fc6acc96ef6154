"""The OpenAPI description, made from the tables the code itself works with.

https://spec.openapis.org/oas/v3.1.0
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from papers.model.arxiv_id import ArxivId
from papers.model.paper import AnnounceType
from papers.redis_backend.health import Answers
from papers.state.task_states import State
from service.feeds import FORMATS
from service.urls.params import DIGEST, PARAMETERS, Parameter

_TEXT: Final = {"type": "string"}
_WORDS: Final = {"type": ["string", "null"]}
_NUMBER: Final = {"type": ["integer", "null"]}
_TIME: Final = {"type": "string", "format": "date-time"}
_MAYBE_TIME: Final = {"type": ["string", "null"], "format": "date-time"}
_URL: Final = {"type": "string", "format": "uri"}
_MAYBE_URL: Final = {"type": ["string", "null"], "format": "uri"}
_TYPES: Final = [announced.label for announced in AnnounceType]
_EXAMPLE: Final = str(ArxivId(202503, 14895))


def _object(**properties: Any) -> dict[str, Any]:
    """An object with exactly these members."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


SCHEMAS: Final = {
    "Pick": _object(
        community=_TEXT,
        picked=_TIME,
        url=_MAYBE_URL,
        discussion=_MAYBE_URL,
        votes=_NUMBER,
        comments=_NUMBER,
        submitter=_WORDS,
        thumbnail=_MAYBE_URL,
    ),
    "Paper": _object(
        id=_TEXT,
        url=_URL,
        pdf_url=_URL,
        title=_WORDS,
        abstract=_WORDS,
        authors=_list(_TEXT),
        primary_category=_WORDS,
        categories=_list(_TEXT),
        published=_TIME,
        updated=_TIME,
        submitted=_MAYBE_TIME,
        version=_NUMBER,
        announce_type={"enum": [*_TYPES, None]},
        withdrawn={"type": "boolean"},
        comment=_WORDS,
        journal_ref=_WORDS,
        doi=_WORDS,
        license=_MAYBE_URL,
        code=_MAYBE_URL,
        project=_MAYBE_URL,
        organization=_WORDS,
        votes=_NUMBER,
        picks=_list(_ref("Pick")),
        sources=_list(_TEXT),
        keywords={"type": ["array", "null"], "items": _TEXT},
    ),
    "Papers": _object(
        query=_TEXT, papers=_list(_ref("Paper")), next=_MAYBE_URL, complete={"type": "boolean"}
    ),
    "Keyword": _object(
        slug=_TEXT,
        name=_TEXT,
        query=_TEXT,
        added=_TIME,
        page=_URL,
        feeds=_object(**dict.fromkeys(FORMATS, _URL)),
    ),
    "Keywords": _object(keywords=_list(_ref("Keyword"))),
    "Source": _object(
        name=_TEXT,
        state={"enum": [str(state) for state in State]},
        since=_TIME,
        attempted=_TIME,
        succeeded=_MAYBE_TIME,
        next=_MAYBE_TIME,
        said=_TEXT,
        got={"type": "integer"},
        usual=_NUMBER,
        failures={"type": "integer"},
    ),
    "Sources": _object(sources=_list(_ref("Source"))),
    "Health": _object(
        status={"const": "ok"}, store={"enum": [str(answers) for answers in Answers]}
    ),
    "Problem": _object(type=_TEXT, title=_TEXT, status={"type": "integer"}, detail=_TEXT),
}
"""Every answer of the API, member by member."""


def describe(base_url: str) -> dict[str, Any]:
    """The description of the installation at a public address."""
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
        "components": {"schemas": SCHEMAS},
    }


def _paths() -> dict[str, Any]:
    api = "/api/v1"
    slug = _in_path("name", "A saved keyword's slug, as in `reward-model`.")
    id = _in_path("id", f"An arXiv id, as in `{_EXAMPLE}`; an old one has its slash.")
    json = "application/json"
    asked = [parameter for parameter in PARAMETERS if parameter is not DIGEST]
    papers = _get("Papers that match a keyword, newest first.", json, "Papers", asked)
    return {
        f"{api}/papers": papers,
        f"{api}/papers/{{id}}": _get("One paper.", json, "Paper", path=[id], codes=(400, 404)),
        f"{api}/keywords": _get("The saved keywords.", json, "Keywords"),
        f"{api}/keywords/{{name}}": _get(
            "One saved keyword.", json, "Keyword", path=[slug], codes=(400, 404)
        ),
        f"{api}/sources": _get("How the sources are.", json, "Sources"),
        f"{api}/openapi.json": _get("This description.", json),
        "/feeds/{name}.{suffix}": _feed(
            "The feed of a saved keyword, or of any one: `search`.", [slug, _suffix()]
        ),
        "/feeds/{name}/{when}.{suffix}": _feed(
            "The archive of a month or day that is over; of one that is not, a 302 to the feed.",
            [slug, _when(), _suffix()],
            (),
        ),
        "/healthz": _get("Whether this process answers.", json, "Health", codes=()),
    }


def _get(
    summary: str,
    content_type: str,
    schema: str = "",
    parameters: Iterable[Parameter] = (),
    *,
    path: Iterable[dict[str, Any]] = (),
    codes: tuple[int, ...] = (400,),
) -> dict[str, Any]:
    """A path that is read, what it takes and what it answers."""
    problem = {"application/problem+json": {"schema": _ref("Problem")}}
    content = {content_type: {"schema": _ref(schema) if schema else {"type": "object"}}}
    failures = {
        str(code): {"description": _REASONS[code], "content": problem} for code in (*codes, 503)
    }
    given = [_in_query(parameter) for parameter in parameters]
    responses = {"200": {"description": "The answer.", "content": content}}
    return {
        "get": {
            "summary": summary,
            "parameters": [*path, *given],
            "responses": {**responses, **_UNCHANGED, **(failures if codes else {})},
        }
    }


def _feed(
    summary: str, path: list[dict[str, Any]], parameters: Iterable[Parameter] = PARAMETERS
) -> dict[str, Any]:
    words = {"text/plain": {"schema": _TEXT}}
    content = {form.media_type: {"schema": _TEXT} for form in FORMATS.values()}
    failures = {
        str(code): {"description": reason, "content": words} for code, reason in _REASONS.items()
    }
    return {
        "get": {
            "summary": summary,
            "parameters": [*path, *map(_in_query, parameters)],
            "responses": {
                "200": {"description": "The feed.", "content": content},
                **_UNCHANGED,
                **failures,
            },
        }
    }


_REASONS: Final = {
    400: "Something asked is wrong; the words say what.",
    404: "There is no such thing here.",
    503: "The store is away; Retry-After says when to come back.",
}
_UNCHANGED: Final = {
    "301": {"description": "The canonical address of the same thing."},
    "304": {"description": "You have it already."},
}


def _in_query(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": "query",
        "required": False,
        "description": parameter.about,
        "schema": dict(parameter.schema),
    }


def _in_path(name: str, about: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "description": about, "schema": _TEXT}


def _when() -> dict[str, Any]:
    return _in_path("when", "The month, as in `2026-05`, or the day, as in `2026-05-20`.")


def _suffix() -> dict[str, Any]:
    return {**_in_path("suffix", "The format."), "schema": {"enum": list(FORMATS)}}
