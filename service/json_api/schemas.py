"""Schemas of the JSON documents, for the OpenAPI description.

https://spec.openapis.org/oas/v3.1.0#schema-object
"""

from __future__ import annotations

from typing import Any, Final

from papers.model.paper import AnnounceType
from papers.redis_backend.health import StoreStatus
from papers.state.task_states import TaskStatus
from service.feeds import FORMATS

TEXT: Final = {"type": "string"}
_SOME_TEXT: Final = {"type": "string", "minLength": 1}
_MAYBE_TEXT: Final = {"type": ["string", "null"]}
_MAYBE_INTEGER: Final = {"type": ["integer", "null"]}
_TIME: Final = {"type": "string", "format": "date-time"}
_MAYBE_TIME: Final = {"type": ["string", "null"], "format": "date-time"}
_URL: Final = {"type": "string", "format": "uri"}
_MAYBE_URL: Final = {"type": ["string", "null"], "format": "uri"}
_IMPORT_COUNTS: Final = ("read", "saved", "known", "foreign", "refused")
_ANNOUNCE_LABELS: Final = [announced.label for announced in AnnounceType]


def _object(**properties: Any) -> dict[str, Any]:
    """Return the schema of an object with exactly these members."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _optional(schema: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return the schema of an object with these members made optional."""
    return {**schema, "required": [name for name in schema["required"] if name not in names]}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def reference_to(name: str) -> dict[str, Any]:
    """Return a reference to the schema of a name."""
    return {"$ref": f"#/components/schemas/{name}"}


RESPONSE_SCHEMAS: Final = {
    "Pick": _object(
        community=TEXT,
        picked=_TIME,
        url=_MAYBE_URL,
        discussion=_MAYBE_URL,
        votes=_MAYBE_INTEGER,
        comments=_MAYBE_INTEGER,
        submitter=_MAYBE_TEXT,
        thumbnail=_MAYBE_URL,
    ),
    "Paper": _object(
        id=TEXT,
        url=_URL,
        pdf_url=_URL,
        title=_MAYBE_TEXT,
        described_by={"enum": ["arxiv", "community", None]},
        abstract=_MAYBE_TEXT,
        authors=_list(TEXT),
        primary_category=_MAYBE_TEXT,
        categories=_list(TEXT),
        published=_TIME,
        updated=_TIME,
        submitted=_MAYBE_TIME,
        version=_MAYBE_INTEGER,
        announce_type={"enum": [*_ANNOUNCE_LABELS, None]},
        withdrawn={"type": "boolean"},
        comment=_MAYBE_TEXT,
        journal_ref=_MAYBE_TEXT,
        doi=_MAYBE_TEXT,
        license=_MAYBE_URL,
        code=_MAYBE_URL,
        project=_MAYBE_URL,
        resources=_list(reference_to("Resource")),
        organization=_MAYBE_TEXT,
        votes=_MAYBE_INTEGER,
        picks=_list(reference_to("Pick")),
        sources=_list(TEXT),
        versions=_list(reference_to("Version")),
        code_since=_MAYBE_TIME,
        keywords={"type": ["array", "null"], "items": TEXT},
        event={"oneOf": [reference_to("Event"), {"type": "null"}]},
    ),
    "Resource": _object(url=_URL, kinds=_list(TEXT), announced={"type": "boolean"}),
    "Version": _object(version={"type": "integer"}, announced=_TIME),
    "Event": _object(at=_TIME, version=_MAYBE_INTEGER),
    "Papers": _object(
        query=TEXT,
        read_as=TEXT,
        notes=_list(reference_to("Note")),
        suggestions=_list(reference_to("Suggestion")),
        papers=_list(reference_to("Paper")),
        next=_MAYBE_URL,
        complete={"type": "boolean"},
        count={"oneOf": [reference_to("Count"), {"type": "null"}]},
    ),
    "Count": _object(papers={"type": "integer"}, exact={"type": "boolean"}),
    "Listing": _object(papers=_list(reference_to("Paper")), next=_MAYBE_URL),
    "Changes": _object(
        changes=_list(reference_to("Change")),
        cursor=TEXT,
        next=_URL,
        more={"type": "boolean"},
        listing=_URL,
    ),
    "Change": _object(
        id=TEXT,
        change={"enum": ["new", "changed", "removed"]},
        at=_TIME,
        paper={"oneOf": [reference_to("Paper"), {"type": "null"}]},
    ),
    "Note": _object(kind=TEXT, text=TEXT, alternative_query=TEXT),
    "Suggestion": _object(
        kind=TEXT,
        text=TEXT,
        query=TEXT,
        effect={"enum": ["adds", "replaces", "narrows"]},
        added_papers={"type": "integer"},
        papers={"type": "integer"},
        period={"enum": ["year", "all"]},
    ),
    "Keyword": _object(
        slug=TEXT,
        name=TEXT,
        query=TEXT,
        added=_TIME,
        page=_URL,
        feeds=_object(**dict.fromkeys(FORMATS, _URL)),
    ),
    "Keywords": _object(keywords=_list(reference_to("Keyword")), next=_MAYBE_URL),
    "Source": _object(
        name=TEXT,
        state={"enum": [str(state) for state in TaskStatus]},
        since=_TIME,
        attempted=_TIME,
        succeeded=_MAYBE_TIME,
        next=_MAYBE_TIME,
        said=TEXT,
        got={"type": "integer"},
        usual=_MAYBE_INTEGER,
        failures={"type": "integer"},
    ),
    "CommunityFeed": _object(name=TEXT, url=TEXT, added=_MAYBE_TIME),
    "Sources": _object(sources=_list(reference_to("Source"))),
    "Health": {
        **_object(
            status={"const": "ok"},
            store={"enum": [str(answers) for answers in StoreStatus]},
            cause=TEXT,
        ),
        "required": ["status", "store"],
    },
    "ImportProgress": _optional(
        _object(
            **{name: {"type": "integer"} for name in _IMPORT_COUNTS},
            problems=_list({"type": "object"}),
            error=TEXT,
        ),
        *("problems", "error"),
    ),
    "Problem": _optional(
        _object(type=TEXT, title=TEXT, status={"type": "integer"}, detail=TEXT, listing=_URL),
        "listing",
    ),
}
"""Every document of the API, member by member."""

_KEYWORD_CONTENT: Final = _object(query=_SOME_TEXT, name=_SOME_TEXT, take_over={"type": "boolean"})
REQUEST_SCHEMAS: Final = {
    "NewKeyword": _optional(_KEYWORD_CONTENT, "take_over"),
    "KeywordContent": _optional(_KEYWORD_CONTENT, "name", "take_over"),
    "NewSource": _object(name=_SOME_TEXT, url=_URL),
    "SourceContent": _object(url=_URL),
}
"""Every object that a request may send."""
SCHEMAS: Final = {**RESPONSE_SCHEMAS, **REQUEST_SCHEMAS}
