"""Nothing of v1 is removed or narrowed since a release; a new release adds its description."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from service.json_api.openapi import openapi_document
from tests.api_contract import RELEASES, find_narrowings, release_document

PAPERS = ("paths", "/api/v1/papers", "get")
RELEASED = sorted(RELEASES.glob("openapi-*.json"))


@pytest.fixture
def document() -> Any:
    return json.loads(release_document())


def member(document: Any, *names: str) -> Any:
    for name in names:
        document = document[name]
    return document


def parameter(document: Any, name: str) -> Any:
    return next(p for p in member(document, *PAPERS, "parameters") if p["name"] == name)


def test_a_release_is_kept() -> None:
    assert RELEASED, "python -m tests.api_contract VERSION writes the description"


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: path.stem)
def test_nothing_is_narrower_than_in_a_release(path: Any) -> None:
    released, current = json.loads(path.read_text("utf-8")), openapi_document("https://x.example")
    assert find_narrowings(released, current) == []


def test_equal_descriptions_have_no_narrowings(document: Any) -> None:
    assert find_narrowings(document, deepcopy(document)) == []


def schema(document: Any, name: str) -> Any:
    return member(document, "components", "schemas", name)


NARROWINGS: dict[str, tuple[Callable[[Any], object], str]] = {
    "path": (lambda d: d["paths"].pop("/api/v1/changes"), "GET /api/v1/changes is removed"),
    "method": (
        lambda d: d["paths"]["/api/v1/sources/{name}"].pop("delete"),
        "DELETE /api/v1/sources/{name} is removed",
    ),
    "parameter": (
        lambda d: member(d, *PAPERS, "parameters").remove(parameter(d, "since")),
        "GET /api/v1/papers: query since is removed",
    ),
    "required parameter": (
        lambda d: parameter(d, "source").update(required=True),
        "query source is required",
    ),
    "new required parameter": (
        lambda d: member(d, *PAPERS, "parameters").append(
            {"name": "key", "in": "query", "required": True, "schema": {"type": "string"}}
        ),
        "query key is new, and required",
    ),
    "value of a parameter": (
        lambda d: parameter(d, "when")["schema"]["enum"].remove("code"),
        "query when: fewer values are taken",
    ),
    "parameter with fixed values": (
        lambda d: parameter(d, "source")["schema"].update(enum=["arxiv"]),
        "query source: only some values are taken",
    ),
    "maximum": (
        lambda d: parameter(d, "n")["schema"].update(maximum=100),
        "query n: maximum is lower",
    ),
    "minimum": (
        lambda d: parameter(d, "n")["schema"].update(minimum=2),
        "query n: minimum is higher",
    ),
    "new bound": (
        lambda d: parameter(d, "before")["schema"].update(maxLength=9),
        "query before: maxLength is lower",
    ),
    "new pattern": (
        lambda d: parameter(d, "before")["schema"].update(pattern="x"),
        "query before: has another pattern",
    ),
    "new format": (
        lambda d: parameter(d, "before")["schema"].update(format="date"),
        "query before: has another format",
    ),
    "lists": (
        lambda d: member(
            d, "paths", "/api/v1/keywords", "post", "requestBody", "content", "application/json"
        ).update(schema={"$ref": "#/components/schemas/NewKeyword"}),
        "application/json body: array is no longer taken",
    ),
    "default": (
        lambda d: parameter(d, "n")["schema"].update(default=50),
        "query n has another default",
    ),
    "type of a parameter": (
        lambda d: parameter(d, "source")["schema"].update(type="integer"),
        "query source: string is no longer taken",
    ),
    "token": (
        lambda d: member(d, *PAPERS).update(security=[{"token": []}]),
        "GET /api/v1/papers needs a token",
    ),
    "status": (
        lambda d: member(d, *PAPERS, "responses").pop("200"),
        "GET /api/v1/papers: status 200 is removed",
    ),
    "content type": (
        lambda d: member(d, *PAPERS, "responses", "200", "content").pop("application/json"),
        "GET /api/v1/papers: 200: application/json is removed",
    ),
    "header": (
        lambda d: member(d, *PAPERS, "responses", "200", "headers").pop("Link"),
        "header Link is removed",
    ),
    "member of a response": (
        lambda d: schema(d, "Papers")["properties"].pop("next"),
        "200 application/json: next is removed",
    ),
    "member of a member": (
        lambda d: schema(d, "Pick")["properties"].pop("votes"),
        ".papers[].picks[]: votes is removed",
    ),
    "optional member": (
        lambda d: schema(d, "Paper")["required"].remove("title"),
        ".papers[]: title may be missing",
    ),
    "null": (
        lambda d: schema(d, "Paper")["properties"]["id"].update(type=["string", "null"]),
        ".papers[].id: may be null",
    ),
    "null in place of an object": (
        lambda d: schema(d, "Paper")["properties"].update(
            resources={"oneOf": [{"type": "array", "items": {}}, {"type": "null"}]}
        ),
        ".papers[].resources: may be null",
    ),
    "type of a member": (
        lambda d: schema(d, "Paper")["properties"]["withdrawn"].update(type="string"),
        ".papers[].withdrawn: may be string",
    ),
    "new value of a member": (
        lambda d: schema(d, "Change")["properties"]["change"]["enum"].append("moved"),
        ".changes[].change: may have other values",
    ),
    "free value of a member": (
        lambda d: schema(d, "Change")["properties"].update(change={"type": "string"}),
        ".changes[].change: may have other values",
    ),
    "content type of a body": (
        lambda d: member(d, "paths", "/api/v1/keywords", "post", "requestBody", "content").pop(
            "text/plain"
        ),
        "POST /api/v1/keywords: text/plain body is removed",
    ),
    "required member of a body": (
        lambda d: schema(d, "NewKeyword")["required"].append("take_over"),
        "body: take_over is required",
    ),
    "member of a body": (
        lambda d: schema(d, "KeywordContent")["properties"].pop("take_over"),
        "body: take_over is removed",
    ),
    "shorter member of a body": (
        lambda d: schema(d, "NewKeyword")["properties"]["name"].update(maxLength=3),
        "body.name: maxLength is lower",
    ),
    "body": (
        lambda d: member(d, "paths", "/api/v1/sources/{name}", "delete").update(
            requestBody={"required": True, "content": {}}
        ),
        "DELETE /api/v1/sources/{name} needs a body",
    ),
}


@pytest.mark.parametrize("name", NARROWINGS)
def test_narrowing_is_found(document: Any, name: str) -> None:
    narrow, said = NARROWINGS[name]
    later = deepcopy(document)
    narrow(later)
    found = find_narrowings(document, later)
    assert any(said in each for each in found), found


WIDENINGS: dict[str, Callable[[Any], object]] = {
    "path": lambda d: d["paths"].update({"/api/v2": {"get": {}}}),
    "method": lambda d: d["paths"]["/api/v1/sources/{name}"].update(patch={"responses": {}}),
    "parameter": lambda d: member(d, *PAPERS, "parameters").append(
        {"name": "key", "in": "query", "required": False, "schema": {"type": "string"}}
    ),
    "value of a parameter": lambda d: parameter(d, "when")["schema"]["enum"].append("cited"),
    "maximum": lambda d: parameter(d, "n")["schema"].update(maximum=500),
    "no maximum": lambda d: parameter(d, "n")["schema"].pop("maximum"),
    "no token": lambda d: d["paths"]["/api/v1/keywords"]["post"].pop("security"),
    "status of an error": lambda d: member(d, *PAPERS, "responses").update({"418": {}}),
    "content type": lambda d: member(d, *PAPERS, "responses", "200", "content").update(
        {"text/csv": {}}
    ),
    "member of a response": lambda d: schema(d, "Paper")["properties"].update(new={}),
    "no null": lambda d: schema(d, "Paper")["properties"]["title"].update(type="string"),
    "fewer values of a member": lambda d: schema(d, "Change")["properties"]["change"][
        "enum"
    ].remove("new"),
    "member that is always there": lambda d: schema(d, "Problem")["required"].append("listing"),
    "optional member of a body": lambda d: schema(d, "NewKeyword")["required"].remove("name"),
    "new member of a body": lambda d: schema(d, "NewSource")["properties"].update(
        note={"type": "string"}
    ),
}


@pytest.mark.parametrize("name", WIDENINGS)
def test_widening_is_no_narrowing(document: Any, name: str) -> None:
    later = deepcopy(document)
    WIDENINGS[name](later)
    assert later != document
    assert find_narrowings(document, later) == []
