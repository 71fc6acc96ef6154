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
_MAYBE_TEXT: Final = {"type": ["string", "null"]}
_MAYBE_INTEGER: Final = {"type": ["integer", "null"]}
_TIME: Final = {"type": "string", "format": "date-time"}
_MAYBE_TIME: Final = {"type": ["string", "null"], "format": "date-time"}
_URL: Final = {"type": "string", "format": "uri"}
_MAYBE_URL: Final = {"type": ["string", "null"], "format": "uri"}
_ANNOUNCE_LABELS: Final = [announced.label for announced in AnnounceType]


def _object(**properties: Any) -> dict[str, Any]:
    """Return the schema of an object with exactly these members."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


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
    ),
    "Note": _object(kind=TEXT, text=TEXT, alternative_query=TEXT),
    "Suggestion": _object(kind=TEXT, text=TEXT, query=TEXT, added_papers={"type": "integer"}),
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
    "Sources": _object(sources=_list(reference_to("Source"))),
    "Health": {
        **_object(
            status={"const": "ok"},
            store={"enum": [str(answers) for answers in StoreStatus]},
            cause=TEXT,
        ),
        "required": ["status", "store"],
    },
    "Problem": _object(type=TEXT, title=TEXT, status={"type": "integer"}, detail=TEXT),
}
"""Every document of the API, member by member."""
