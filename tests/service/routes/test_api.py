from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator, FormatChecker
from redis import Redis

from papers.config.settings import Settings
from papers.model.arxiv_id import ArxivId
from papers.state.keywords import Keywords
from papers.state.task_states import TaskState, TaskStates, TaskStatus
from service import create_app
from service.context import AppContext
from service.feed_result import FeedResult
from service.json_api.schemas import RESPONSE_SCHEMAS
from service.urls.params import ALL_PARAMETERS, DIGEST_PARAMETER
from tests.service.conftest import SITE, Announce
from tests.service.made import FIRST_ANNOUNCED, NOW, make_pick, make_revision, make_sighting


def fetch_valid(client: FlaskClient, path: str, schema: str) -> Any:
    """Return the document at a path, after validating it against its schema."""
    response = client.get(path)
    assert response.status_code == 200, response.text
    assert response.content_type == "application/json"
    document = json.loads(response.data)
    components = {
        "components": {"schemas": RESPONSE_SCHEMAS},
        "$ref": f"#/components/schemas/{schema}",
    }
    Draft202012Validator(components, format_checker=FormatChecker()).validate(document)
    return document


@pytest.mark.usefixtures("three")
def test_papers_are_paged(client: FlaskClient) -> None:
    seen, path = [], "/api/v1/papers?n=2&q=%22reward+model%22"
    while path:
        page = fetch_valid(client, path, "Papers")
        seen += [paper["id"] for paper in page["papers"]]
        assert page["complete"]
        path = (page["next"] or "").removeprefix(SITE)
    assert seen == ["2611.00003", "2611.00002", "2611.00001"]


@pytest.mark.usefixtures("three")
def test_paper_has_all_its_fields(client: FlaskClient, announce: Announce) -> None:
    announce([make_pick(2), make_revision(2, 2, withdrawn=True, comment="withdrawn")])
    paper = fetch_valid(client, "/api/v1/papers/2611.00002", "Paper")
    assert paper["withdrawn"]
    assert paper["title"] == "Reward model number 2"
    assert paper["version"] == 2
    assert paper["votes"] == 5
    assert paper["picks"][0]["community"] == "hf"
    assert paper["sources"] == ["arxiv", "hf"]
    assert paper["doi"] is None


def test_paper_has_the_resources_of_its_texts(client: FlaskClient, announce: Announce) -> None:
    comment = "Code: https://github.com/a/b, project page: https://a.github.io"
    data = "Data will be at https://huggingface.co/datasets/a/b"
    announce([make_sighting(4, comment=comment, abstract=data)])
    paper = fetch_valid(client, "/api/v1/papers/2611.00004", "Paper")
    assert (paper["code"], paper["project"]) == ("https://github.com/a/b", "https://a.github.io")
    assert paper["code_since"] == paper["published"]
    assert [(each["kinds"], each["announced"]) for each in paper["resources"]] == [
        (["code"], False),
        (["project"], False),
        (["data"], True),
    ]
    (found,) = fetch_valid(client, "/api/v1/papers?q=has:code+has:project", "Papers")["papers"]
    assert found["id"] == "2611.00004"
    page = client.get("/papers/2611.00004").text
    assert 'href="https://a.github.io"' in page


def test_paper_with_an_old_id(client: FlaskClient, announce: Announce) -> None:
    announce([make_sighting(1, id=ArxivId.parse("hep-th/9901001"), announced_at=FIRST_ANNOUNCED)])
    assert fetch_valid(client, "/api/v1/papers/hep-th/9901001", "Paper")["id"] == "hep-th/9901001"


def test_saved_keywords_are_listed_with_their_urls(client: FlaskClient) -> None:
    (keyword,) = fetch_valid(client, "/api/v1/keywords", "Keywords")["keywords"]
    assert keyword == fetch_valid(client, "/api/v1/keywords/reward-model", "Keyword")
    assert keyword["feeds"]["rss"] == f"{SITE}/feeds/reward-model.rss"
    assert client.get(keyword["page"].removeprefix(SITE)).status_code == 200


def test_task_states_are_listed(client: FlaskClient, redis: Redis) -> None:
    assert fetch_valid(client, "/api/v1/sources", "Sources") == {"sources": []}
    TaskStates(redis).save(TaskState("hf:today", TaskStatus.FAILING, NOW, NOW, said="HTTP 500"))
    (source,) = fetch_valid(client, "/api/v1/sources", "Sources")["sources"]
    assert (source["state"], source["said"], source["succeeded"]) == ("failing", "HTTP 500", None)


def test_problems_and_health_match_their_schemas(client: FlaskClient) -> None:
    problem = json.loads(client.get("/api/v1/papers").data)
    Draft202012Validator(RESPONSE_SCHEMAS["Problem"]).validate(problem)
    Draft202012Validator(RESPONSE_SCHEMAS["Health"]).validate(client.get("/healthz").json)


def test_page_of_the_api_names_every_operation(client: FlaskClient) -> None:
    description = json.loads(client.get("/api/v1/openapi.json").data)
    answer = client.get("/api/v1")
    assert answer.content_type == "text/html; charset=utf-8"
    assert all(f"GET {path}" in answer.text for path in description["paths"])


def test_every_route_is_described_and_every_description_is_a_route(
    app: Flask, client: FlaskClient
) -> None:
    description = json.loads(client.get("/api/v1/openapi.json").data)
    routes = {
        re.sub(r"<(?:[^:<>]+:)?(\w+)>", r"{\1}", rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(("/api/", "/feeds/", "/healthz"))
        or rule.endpoint.startswith("paper_feeds.")
    }
    assert routes - {"/api/v1"} == set(description["paths"]), "a page of these in words"
    for path, item in description["paths"].items():
        in_path = {p["name"] for p in item["get"]["parameters"] if p["in"] == "path"}
        assert in_path == set(re.findall(r"\{(\w+)\}", path))


def test_every_parameter_is_described(client: FlaskClient) -> None:
    description = json.loads(client.get("/api/v1/openapi.json").data)
    for path in ("/api/v1/papers", "/feeds/{name}.{suffix}"):
        parameters = description["paths"][path]["get"]["parameters"]
        names = [parameter["name"] for parameter in parameters if parameter["in"] == "query"]
        omitted = [DIGEST_PARAMETER] if path.startswith("/api") else []
        assert names == [p.name for p in ALL_PARAMETERS if p not in omitted]
    assert description["servers"] == [{"url": SITE}]


def test_every_schema_reference_resolves(client: FlaskClient) -> None:
    text = client.get("/api/v1/openapi.json").text
    references = set(re.findall(r'"\$ref":"#/components/schemas/(\w+)"', text))
    assert references <= set(RESPONSE_SCHEMAS)
    assert set(RESPONSE_SCHEMAS) <= references


def import_list(client: FlaskClient, body: bytes, token: str) -> Any:
    return client.post("/api/v1/keywords", data=body, headers={"Authorization": f"Bearer {token}"})


def test_list_of_keywords_is_imported_with_its_progress(site: Settings, redis: Redis) -> None:
    client = create_app(replace(site, token="a long and secret token")).test_client()
    names = [{"name": f"Keyword {n}", "query": f"fish {n}"} for n in range(700)]
    answer = import_list(client, json.dumps([*names, 5]).encode(), "a long and secret token")
    assert (answer.status_code, answer.mimetype) == (200, "application/x-ndjson")
    first, last = map(json.loads, answer.text.splitlines())
    assert (first["read"], first["saved"], first["problems"]) == (500, 500, [])
    assert {name: last[name] for name in ("read", "saved", "known", "foreign", "refused")} == {
        "read": 701,
        "saved": 700,
        "known": 0,
        "foreign": 0,
        "refused": 1,
    }
    assert [problem["line"] for problem in last["problems"]] == [701]
    assert Keywords(redis).count() == 700


@pytest.mark.parametrize(
    ("body", "token", "status"), [(b"fish", "no", 401), (b"<a/>", "a long and secret token", 400)]
)
def test_import_without_token_or_list_is_refused(
    site: Settings, redis: Redis, body: bytes, token: str, status: int
) -> None:
    client = create_app(replace(site, token="a long and secret token")).test_client()
    answer = import_list(client, body, token)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert Keywords(redis).count() == 0


def test_import_that_cannot_be_read_on_says_so(site: Settings, redis: Redis) -> None:
    client = create_app(replace(site, token="a long and secret token")).test_client()
    body = b"[" + b",".join(b'"fish %d"' % n for n in range(600)) + b" oops]"
    answer = import_list(client, body, "a long and secret token")
    first, last = map(json.loads, answer.text.splitlines())
    assert (first["saved"], last["read"], "is no JSON" in last["error"]) == (500, 500, True)


@pytest.mark.usefixtures("three")
def test_papers_of_a_query_are_searched_again_only_if_one_of_them_changed(
    client: FlaskClient, announce: Announce, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, searches = "/api/v1/papers?q=%22reward+model%22", list[object]()
    search = AppContext.search

    def counted(self: AppContext, *args: Any) -> FeedResult:
        searches.append(args)
        return search(self, *args)

    monkeypatch.setattr(AppContext, "search", counted)
    before = client.get(path).data
    announce([make_sighting(20, title="Diffusion", abstract="Nothing else.")])
    assert client.get(path).data == before
    assert len(searches) == 1
    announce([make_sighting(21, title="A reward model")])
    assert b"2611.00021" in client.get(path).data
