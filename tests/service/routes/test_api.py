from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator, FormatChecker
from redis import Redis

from papers.model.arxiv_id import ArxivId
from papers.state.keywords import Keywords
from papers.state.task_states import TaskState, TaskStates, TaskStatus
from service.context import AppContext
from service.feed_result import FeedResult
from service.json_api.schemas import RESPONSE_SCHEMAS, SCHEMAS
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
    assert routes == set(description["paths"])
    for path, item in description["paths"].items():
        for method, operation in item.items():
            in_path = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
            assert in_path == set(re.findall(r"\{(\w+)\}", path)), (method, path)


def test_every_method_of_a_route_is_described(app: Flask, client: FlaskClient) -> None:
    description = json.loads(client.get("/api/v1/openapi.json").data)
    described = {
        (path, method.upper()) for path, item in description["paths"].items() for method in item
    }
    served = {
        (re.sub(r"<(?:[^:<>]+:)?(\w+)>", r"{\1}", rule.rule), method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/")
    }
    assert served == {pair for pair in described if pair[0].startswith("/api/")}


CANONICAL = [
    ("papers?q=Rewards+", "papers?q=Rewards"),
    ("papers?q=reward&n=5&before=2611.00003", "papers?before=2611.00003&n=5&q=reward"),
    (
        "papers?q=reward&count=1&n=5&before=2611.3",
        "papers?before=2611.00003&count=true&n=5&q=reward",
    ),
    ("papers?q=reward&utm_source=x&n=100", "papers?q=reward"),
    ("papers?k=Diffusion", "papers?k=diffusion"),
    ("papers/arXiv:2611.00001v2", "papers/2611.00001"),
    ("papers/hep-th%2F9901001", "papers/hep-th/9901001"),
    ("keywords/Reward%20Model", "keywords/reward-model"),
    ("keywords?page=1", "keywords"),
    ("openapi.json?utm_source=x", "openapi.json"),
]


@pytest.mark.parametrize(("given", "canonical"), CANONICAL)
@pytest.mark.usefixtures("three")
def test_other_forms_are_answered_and_name_the_canonical_url(
    client: FlaskClient, redis: Redis, announce: Announce, given: str, canonical: str
) -> None:
    Keywords(redis).add("Diffusion", "diffusion", now=NOW)
    announce([make_sighting(1, id=ArxivId.parse("hep-th/9901001"), announced_at=FIRST_ANNOUNCED)])
    if "before=2611.3" in given:
        given = given.replace("2611.3", "2611.00003")
    response, plain = (client.get(f"/api/v1/{path}") for path in (given, canonical))
    assert (response.status_code, plain.status_code) == (200, 200), response.text
    assert response.data == plain.data
    for each in (response, plain):
        assert each.headers["Link"] == f'<{SITE}/api/v1/{canonical}>; rel="canonical"'
    assert response.headers["ETag"] == plain.headers["ETag"]
    known = client.get(f"/api/v1/{given}", headers={"If-None-Match": plain.headers["ETag"]})
    assert (known.status_code, known.headers["Link"]) == (304, plain.headers["Link"])


def test_count_is_of_all_matches_of_all_months(client: FlaskClient, announce: Announce) -> None:
    old = [
        make_sighting(
            9, id=ArxivId(year * 100 + 5, 9), announced_at=datetime(year, 5, 9, tzinfo=UTC)
        )
        for year in range(2010, 2024)
    ]
    announce([*(make_sighting(number) for number in (1, 2, 3)), *old])
    path = "/api/v1/papers?n=1&q=%22reward+model%22"
    assert fetch_valid(client, path, "Papers")["count"] is None
    counted = fetch_valid(client, f"{path}&count=true", "Papers")
    assert counted["count"] == {"papers": 17, "exact": True}
    assert len(counted["papers"]) == 1
    since = fetch_valid(client, f"{path}&count=true&since=2026-01-01", "Papers")
    assert since["count"]["papers"] == 3
    announce([make_sighting(4)])
    assert fetch_valid(client, f"{path}&count=true", "Papers")["count"]["papers"] == 18


@pytest.mark.parametrize(
    "parameters",
    ["count=many", "count=true&count=true", "count=1&when=revised&since=2026-11-01", "count=2"],
)
def test_count_that_cannot_be_given_is_refused(client: FlaskClient, parameters: str) -> None:
    response = client.get(f"/api/v1/papers?q=reward&{parameters}")
    assert (response.status_code, response.mimetype) == (400, "application/problem+json")
    assert response.get_json()["detail"].startswith("count: ")
    assert client.get(f"/feeds/search.atom?q=reward&{parameters}").status_code == 400


def test_every_parameter_is_described(client: FlaskClient) -> None:
    description = json.loads(client.get("/api/v1/openapi.json").data)
    for path in ("/api/v1/papers", "/feeds/{name}.{suffix}"):
        parameters = description["paths"][path]["get"]["parameters"]
        names = [parameter["name"] for parameter in parameters if parameter["in"] == "query"]
        described = [p.name for p in ALL_PARAMETERS]
        if path.startswith("/api"):
            described = [name for name in [*described, "count"] if name != DIGEST_PARAMETER.name]
        assert names == described
    assert description["servers"] == [{"url": SITE}]


def test_every_schema_reference_resolves(client: FlaskClient) -> None:
    text = client.get("/api/v1/openapi.json").text
    references = set(re.findall(r'"\$ref":"#/components/schemas/(\w+)"', text))
    assert references == set(SCHEMAS)


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
