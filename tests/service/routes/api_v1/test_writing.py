"""Keywords and community feeds are written over the API, as commands and pages write them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from redis import Redis
from werkzeug.test import TestResponse

from papers.config.settings import Settings
from papers.state.access.api_tokens import ApiTokens
from papers.state.access.token_texts import token_digest
from papers.state.communities import Communities
from papers.state.keywords import Keywords
from papers.state.task_states import TaskStates
from service import create_app
from service.json_api.schemas import SCHEMAS
from tests.service.conftest import SITE, Clock, serving
from tests.service.made import NOW

TOKEN = "a long and secret token"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
FEED = "https://feed.example/new?key=secret"


@pytest.fixture
def writable(site: Settings, redis: Redis, clock: Clock) -> Iterator[Flask]:
    assert clock
    redis.ping()
    with serving(replace(site, token=TOKEN)) as app:
        yield app


@pytest.fixture
def writer(writable: Flask) -> FlaskClient:
    return writable.test_client()


def send(client: FlaskClient, method: str, path: str, body: object = None) -> TestResponse:
    """Send JSON with the token, and check the response's document against its schema."""
    response = client.open(f"/api/v1/{path}", method=method, json=body, headers=BEARER)
    assert response.headers["Cache-Control"] == "no-store"
    if response.data:
        name = "Problem" if response.status_code >= 400 else "Keyword"
        if name == "Keyword" and path.startswith("sources"):
            name = "CommunityFeed"
        schema = {"components": {"schemas": SCHEMAS}, "$ref": f"#/components/schemas/{name}"}
        Draft202012Validator(schema).validate(response.get_json())
    return response


def test_keyword_is_saved_changed_and_removed(writer: FlaskClient, redis: Redis) -> None:
    made = send(writer, "POST", "keywords", {"name": "Møller fish", "query": "fish"})
    location = made.headers["Location"]
    assert (made.status_code, location) == (201, f"{SITE}/api/v1/keywords/moller-fish")
    assert writer.get(location.removeprefix(SITE)).get_json() == made.get_json()
    again = send(writer, "POST", "keywords", {"name": "Møller fish", "query": "fish OR eel"})
    assert (again.status_code, again.headers["Content-Location"]) == (200, location)
    assert Keywords(redis).get("moller-fish").query == "fish OR eel"
    assert send(writer, "DELETE", "keywords/moller-fish").status_code == 204
    missing = send(writer, "DELETE", "keywords/moller-fish")
    assert (missing.status_code, missing.get_json()["title"]) == (404, "Not Found")
    assert Keywords(redis).restore("moller-fish").query == "fish OR eel"


def test_put_is_idempotent(writer: FlaskClient, redis: Redis, clock: Clock) -> None:
    first = send(writer, "PUT", "keywords/Reward%20Model", {"query": '"reward model"'})
    assert first.status_code == 201
    assert first.headers["Location"] == f"{SITE}/api/v1/keywords/reward-model"
    clock.now += 3 * (clock.now - clock.now.replace(hour=0))
    stored = redis.hgetall("keywords")
    for name in ("Reward%20Model", "reward-model"):
        repeated = send(writer, "PUT", f"keywords/{name}", {"query": '"reward model"'})
        assert (repeated.status_code, repeated.get_json()) == (200, first.get_json())
    assert redis.hgetall("keywords") == stored
    named = send(writer, "PUT", "keywords/reward-model", {"query": "rl", "name": "Reward MODEL"})
    assert (named.get_json()["name"], named.get_json()["query"]) == ("Reward MODEL", "rl")


def test_source_is_saved_changed_and_removed(
    writer: FlaskClient, redis: Redis, clock: Clock
) -> None:
    made = send(writer, "POST", "sources", {"name": "club", "url": FEED})
    assert (made.status_code, made.headers["Location"]) == (201, f"{SITE}/api/v1/sources/club")
    assert "secret" not in made.text
    assert writer.get("/api/v1/sources/club").get_json() == made.get_json()
    task, due = "community:club", TaskStates(redis).due_times()
    assert due[task] == NOW
    clock.now = NOW.replace(hour=NOW.hour + 1)
    assert send(writer, "PUT", "sources/club", {"url": FEED}).get_json() == made.get_json()
    assert TaskStates(redis).due_times() == due, "nothing has changed, so nothing is fetched"
    moved = send(writer, "PUT", "sources/club", {"url": "https://feed.example/moved"})
    assert (moved.status_code, moved.get_json()["added"]) == (200, made.get_json()["added"])
    assert TaskStates(redis).due_times()[task] == clock.now
    assert send(writer, "PUT", "sources/other", {"url": FEED}).status_code == 201
    assert send(writer, "DELETE", "sources/club").status_code == 204
    assert send(writer, "DELETE", "sources/club").status_code == 404
    assert writer.get("/api/v1/sources/club").status_code == 404
    assert [feed.name for feed in Communities(redis, Settings()).all()] == ["other"]


BAD_BODIES: list[tuple[str, str, Any, str]] = [
    ("POST", "keywords", {"name": "x", "query": '"'}, "add the closing"),
    ("POST", "keywords", {"name": "x", "query": ""}, "type words"),
    ("POST", "keywords", {"name": "?!", "query": "fish"}, "name: "),
    ("POST", "keywords", {"name": "daily", "query": "fish"}, "name: "),
    ("POST", "keywords", {"name": 5, "query": "fish"}, "name: is not a text"),
    ("POST", "keywords", {"query": "fish"}, "name: missing; send an object with name, query"),
    ("POST", "keywords", {"name": "\ud800x", "query": "fish"}, "name: has half a character"),
    ("PUT", "keywords/fish", ["fish"], "body: is no JSON object; send an object with query"),
    ("PUT", "keywords/fish", {"query": "fish", "more": 1}, "more: no such member; there are"),
    ("PUT", "keywords/fish", {"query": "fish", "name": "eel"}, "has the slug 'eel', not 'fish'"),
    ("PUT", "keywords/fish", {"query": "a", "take_over": "yes"}, "take_over: is not true or false"),
    ("POST", "sources", {"name": "club", "url": "ftp://x"}, "url: "),
    ("POST", "sources", {"name": "arxiv", "url": FEED}, "name: "),
    ("PUT", "sources/two%20words", {"url": FEED}, "name: "),
]


@pytest.mark.parametrize(("method", "path", "body", "said"), BAD_BODIES)
def test_bad_body_is_refused_with_reason_and_mend(
    writer: FlaskClient, redis: Redis, method: str, path: str, body: Any, said: str
) -> None:
    response = send(writer, method, path, body)
    assert (response.status_code, said in response.get_json()["detail"]) == (400, True), (
        response.text
    )
    assert not redis.exists("keywords", "communities")


def test_empty_list_is_refused(writer: FlaskClient) -> None:
    answer = import_list(writer, b"", TOKEN)
    assert (answer.status_code, answer.get_json()["detail"]) == (
        400,
        "body: is empty; send a keyword as JSON, or a list of them",
    )


@pytest.mark.parametrize("body", [b'"fish"', b"fish", b"5", b"null"])
def test_json_of_another_kind_is_refused(writer: FlaskClient, redis: Redis, body: bytes) -> None:
    answer = import_list(writer, body, TOKEN, content_type="application/json")
    assert (answer.status_code, "is no JSON object or list" in answer.text) == (400, True)
    assert not redis.exists("keywords")


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 10_000, b"\xff"])
def test_body_that_is_no_json_is_refused(writer: FlaskClient, body: bytes) -> None:
    response = writer.put("/api/v1/keywords/fish", data=body, headers=BEARER)
    assert response.status_code == 400
    assert response.get_json()["detail"].startswith("body: is no JSON")


def test_former_name_is_taken_over_only_explicitly(writer: FlaskClient, redis: Redis) -> None:
    keywords = Keywords(redis)
    keywords.add("Old", "fish", now=NOW)
    keywords.rename("Old", "New")
    refused = send(writer, "PUT", "keywords/old", {"query": "eel"})
    assert refused.status_code == 400
    assert refused.get_json()["detail"].endswith('or take it over with "take_over": true')
    same = send(writer, "PUT", "keywords/old", {"query": "fish"})
    assert (same.status_code, same.get_json()["slug"]) == (200, "new")
    assert send(writer, "DELETE", "keywords/old").status_code == 404
    taken = send(writer, "PUT", "keywords/old", {"query": "eel", "take_over": True})
    assert (taken.status_code, taken.get_json()["slug"]) == (201, "old")


WRITES = [
    ("POST", "keywords", "keywords"),
    ("PUT", "keywords/x", "keywords"),
    ("DELETE", "keywords/x", "keywords"),
    ("POST", "sources", "sources"),
    ("PUT", "sources/x", "sources"),
    ("DELETE", "sources/x", "sources"),
]


@pytest.mark.parametrize(("method", "path", "scope"), WRITES)
def test_writing_needs_a_token_of_its_scope(
    writer: FlaskClient, redis: Redis, method: str, path: str, scope: str
) -> None:
    tokens = ApiTokens(redis)
    tokens.add("right", [scope], token_digest("right"), now=NOW)
    others = {"keywords", "sources", "blocks", "metrics"} - {scope}
    tokens.add("other", others, token_digest("other"), now=NOW)
    body = {"name": "x", "query": "fish", "url": FEED}

    def status(headers: dict[str, str]) -> int:
        response = writer.open(f"/api/v1/{path}", method=method, json=body, headers=headers)
        assert response.mimetype == "application/problem+json"
        return response.status_code

    assert [status({}), status({"Authorization": "Bearer wrong"})] == [401, 401]
    assert status({"Authorization": "Bearer other"}) == 403
    assert status({"Authorization": "Bearer right"}) in (400, 404)
    assert not redis.exists("keywords", "communities")


def import_list(client: FlaskClient, body: bytes, token: str, **options: Any) -> TestResponse:
    headers = {"Authorization": f"Bearer {token}"}
    return client.post("/api/v1/keywords", data=body, headers=headers, **options)


def test_list_of_keywords_is_imported_with_its_progress(writer: FlaskClient, redis: Redis) -> None:
    names = [{"name": f"Keyword {n}", "query": f"fish {n}"} for n in range(700)]
    answer = import_list(writer, json.dumps([*names, 5]).encode(), TOKEN)
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
    ("body", "content_type"),
    [
        (b'{"name": "a", "query": "fish"}', "application/x-ndjson"),
        (b'{"name": "a", "query": "fish"}\n{"name": "b", "query": "eel"}', "application/json"),
        (b'{"keywords": [{"name": "a", "query": "fish"}]}', "application/json"),
        (b"a\tfish", "text/plain"),
        (b'[{"name": "a", "query": "%s"}]' % (b"fish OR " * 9_000 + b"x"), "application/json"),
    ],
)
def test_whatever_is_no_single_object_is_a_list(
    writer: FlaskClient, redis: Redis, body: bytes, content_type: str
) -> None:
    answer = import_list(writer, body, TOKEN, content_type=content_type)
    assert (answer.status_code, answer.mimetype) == (200, "application/x-ndjson")
    assert json.loads(answer.text.splitlines()[-1])["read"] >= 1


@pytest.mark.parametrize(("body", "token", "status"), [(b"fish", "no", 401), (b"<a/>", TOKEN, 400)])
def test_import_without_token_or_list_is_refused(
    writer: FlaskClient, redis: Redis, body: bytes, token: str, status: int
) -> None:
    answer = import_list(writer, body, token)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert Keywords(redis).count() == 0


def test_import_that_cannot_be_read_on_says_so(writer: FlaskClient) -> None:
    body = b"[" + b",".join(b'"fish %d"' % n for n in range(600)) + b" oops]"
    answer = import_list(writer, body, TOKEN)
    first, last = map(json.loads, answer.text.splitlines())
    assert (first["saved"], last["read"], "is no JSON" in last["error"]) == (500, 500, True)


def test_nothing_can_be_written_without_any_token(site: Settings, redis: Redis) -> None:
    redis.ping()
    client = create_app(site).test_client()
    response = client.put("/api/v1/keywords/fish", json={"query": "fish"}, headers=BEARER)
    assert response.status_code == 401
    assert "`paperwire token add NAME --scope keywords` makes one" in response.get_json()["detail"]


def test_body_is_json_whatever_its_type_is_called(writer: FlaskClient) -> None:
    """As `curl -d` calls it a form."""
    options: dict[str, Any] = {
        "headers": BEARER,
        "content_type": "application/x-www-form-urlencoded",
    }
    for method, path, body in (
        ("PUT", "keywords/fish", b'{"query": "fish OR eel"}'),
        ("POST", "keywords", b' {"name": "eel", "query": "eel"}'),
        ("POST", "sources", b'{"name": "club", "url": "https://feed.example/new"}'),
    ):
        response = writer.open(f"/api/v1/{path}", method=method, data=body, **options)
        assert response.status_code == 201, response.text
