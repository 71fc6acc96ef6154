from __future__ import annotations

import json
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator, FormatChecker
from redis import Redis

from papers.model.arxiv_id import ArxivId
from papers.state.task_states import TaskState, TaskStates, TaskStatus
from service.routes.openapi import RESPONSE_SCHEMAS
from service.urls.params import ALL_PARAMETERS, DIGEST_PARAMETER
from tests.service.conftest import SITE, Announce
from tests.service.made import FIRST_ANNOUNCED, NOW, make_pick, make_revision, make_sighting


def fetched(client: FlaskClient, path: str, schema: str) -> Any:
    """The answer, valid by its schema."""
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.content_type == "application/json"
    document = json.loads(answer.data)
    components = {
        "components": {"schemas": RESPONSE_SCHEMAS},
        "$ref": f"#/components/schemas/{schema}",
    }
    Draft202012Validator(components, format_checker=FormatChecker()).validate(document)
    return document


@pytest.mark.usefixtures("three")
def test_papers_page_by_page(client: FlaskClient) -> None:
    seen, path = [], "/api/v1/papers?n=2&q=%22reward+model%22"
    while path:
        page = fetched(client, path, "Papers")
        seen += [paper["id"] for paper in page["papers"]]
        assert page["complete"]
        path = (page["next"] or "").removeprefix(SITE)
    assert seen == ["2611.00003", "2611.00002", "2611.00001"]


@pytest.mark.usefixtures("three")
def test_a_paper_with_all_that_is_known(client: FlaskClient, announce: Announce) -> None:
    announce([make_pick(2), make_revision(2, 2, withdrawn=True, comment="withdrawn")])
    paper = fetched(client, "/api/v1/papers/2611.00002", "Paper")
    assert paper["withdrawn"]
    assert paper["title"] == "Reward model number 2"
    assert paper["version"] == 2
    assert paper["votes"] == 5
    assert paper["picks"][0]["community"] == "hf"
    assert paper["sources"] == ["arxiv", "hf"]
    assert paper["doi"] is None


def test_a_paper_of_the_old_scheme(client: FlaskClient, announce: Announce) -> None:
    announce([make_sighting(1, id=ArxivId.parse("hep-th/9901001"), announced_at=FIRST_ANNOUNCED)])
    assert fetched(client, "/api/v1/papers/hep-th/9901001", "Paper")["id"] == "hep-th/9901001"


def test_keywords(client: FlaskClient) -> None:
    (keyword,) = fetched(client, "/api/v1/keywords", "Keywords")["keywords"]
    assert keyword == fetched(client, "/api/v1/keywords/reward-model", "Keyword")
    assert keyword["feeds"]["rss"] == f"{SITE}/feeds/reward-model.rss"
    assert client.get(keyword["page"].removeprefix(SITE)).status_code == 200


def test_sources(client: FlaskClient, redis: Redis) -> None:
    assert fetched(client, "/api/v1/sources", "Sources") == {"sources": []}
    TaskStates(redis).save(TaskState("hf:today", TaskStatus.FAILING, NOW, NOW, said="HTTP 500"))
    (source,) = fetched(client, "/api/v1/sources", "Sources")["sources"]
    assert (source["state"], source["said"], source["succeeded"]) == ("failing", "HTTP 500", None)


def test_problems_and_health_are_described_too(client: FlaskClient) -> None:
    problem = json.loads(client.get("/api/v1/papers").data)
    Draft202012Validator(RESPONSE_SCHEMAS["Problem"]).validate(problem)
    Draft202012Validator(RESPONSE_SCHEMAS["Health"]).validate(client.get("/healthz").json)


def test_every_route_is_described_and_every_description_is_a_route(
    app: Flask, client: FlaskClient
) -> None:
    description = json.loads(client.get("/api/v1/openapi.json").data)
    routes = {
        re.sub(r"<(?:[^:<>]+:)?(\w+)>", r"{\1}", rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(("/api/", "/feeds/", "/healthz"))
    }
    assert routes == set(description["paths"])
    for path, described in description["paths"].items():
        in_path = {p["name"] for p in described["get"]["parameters"] if p["in"] == "path"}
        assert in_path == set(re.findall(r"\{(\w+)\}", path))


def test_every_parameter_is_described(client: FlaskClient) -> None:
    description = json.loads(client.get("/api/v1/openapi.json").data)
    for path in ("/api/v1/papers", "/feeds/{name}.{suffix}"):
        given = description["paths"][path]["get"]["parameters"]
        named = [parameter["name"] for parameter in given if parameter["in"] == "query"]
        left_out = [DIGEST_PARAMETER] if path.startswith("/api") else []
        assert named == [p.name for p in ALL_PARAMETERS if p not in left_out]
    assert description["servers"] == [{"url": SITE}]


def test_every_reference_leads_somewhere(client: FlaskClient) -> None:
    text = client.get("/api/v1/openapi.json").text
    referred = set(re.findall(r'"\$ref":"#/components/schemas/(\w+)"', text))
    assert referred <= set(RESPONSE_SCHEMAS)
    assert set(RESPONSE_SCHEMAS) <= referred
