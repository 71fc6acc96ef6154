"""Nothing per request grows with the number of saved keywords."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis

from papers.config.settings import Settings
from papers.redis_backend import keys
from papers.state.keywords import Keywords
from papers.state.task_states import TaskState, TaskStates, TaskStatus
from service import create_app, warm_up
from service.cache.version_stamp import ALL_KEYWORDS, version_commands
from service.urls.keyword_urls import MAX_HEAD_KEYWORDS
from tests.service.conftest import Announce
from tests.service.made import NOW, make_sighting

MANY = 1_200
LOCAL = {"REMOTE_ADDR": "127.0.0.1"}


@pytest.fixture
def many(redis: Redis) -> int:
    """Save many keywords; the initial fetch of every tenth fails."""
    states = TaskStates(redis)
    values: dict[Any, Any] = {
        f"k{number:04}": json.dumps(
            {"name": f"K{number:04}", "query": f"word{number}", "added_at": NOW.isoformat()}
        )
        for number in range(MANY)
    }
    redis.hset(keys.KEYWORDS, mapping=values)
    for number, slug in enumerate(values):
        status = TaskStatus.OK if number % 10 else TaskStatus.FAILING
        states.save(TaskState(f"fill:{slug}", status, NOW, NOW, said="429 " * 20))
    states.save(TaskState("hf:today", TaskStatus.OK, NOW, NOW, NOW))
    return MANY


def get(client: FlaskClient, path: str, status: int = 200) -> Any:
    answer = client.get(path, environ_base=LOCAL)
    assert (answer.status_code, len(answer.data) < 300_000) == (status, True), path
    return BeautifulSoup(answer.data, "html.parser")


def next_path(soup: Any) -> str:
    return str(soup.select("a[rel=next]")[0]["href"])


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("slugs", [(), ("k0001",), (ALL_KEYWORDS,)])
def test_version_is_read_in_constant_size(redis: Redis, slugs: tuple[str, ...]) -> None:
    replies = [redis.execute_command(*command) for command in version_commands(slugs)]  # type: ignore[no-untyped-call]
    assert len(repr(replies)) < 2_000


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("path", ["/", "/digest", "/manage", "/status", "/metrics", "/trending"])
def test_pages_stay_light(client: FlaskClient, path: str) -> None:
    get(client, path)


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("path", ["/not-here", "/papers/2411.00001"])
def test_heads_of_error_pages_are_bounded(client: FlaskClient, path: str) -> None:
    links = get(client, path, 404).select("link[rel=alternate]")
    assert 0 < len(links) <= 3 * MAX_HEAD_KEYWORDS


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize(
    ("path", "selector"),
    [("/", ".card h3"), ("/digest", ".section h2"), ("/manage", ".saved summary strong")],
)
def test_pages_of_a_list_show_each_keyword_once(
    client: FlaskClient, path: str, selector: str
) -> None:
    first = get(client, path)
    following = get(client, next_path(first))
    names = [tag.get_text() for soup in (first, following) for tag in soup.select(selector)]
    assert names == [f"K{number:04}" for number in range(len(names))]
    assert len(names) >= 20
    if path != "/manage":  # which shows the last page instead
        assert "there is no page 999" in get(client, f"{path}?page=999", 400).get_text()
    assert client.get(f"{path}?page=x").status_code == 400


@pytest.mark.usefixtures("many")
def test_manage_finds_keywords_by_name_or_query(client: FlaskClient) -> None:
    soup = get(client, "/manage?find=K0042")
    assert [tag.get_text() for tag in soup.select(".saved summary strong")] == ["K0042"]
    soup = get(client, "/manage?find=WORD119&page=9")
    assert len(soup.select(".saved summary")) == 11
    assert not soup.select("select")
    assert "contains that" in get(client, "/manage?find=%3Cb%3E").get_text()


def test_list_follows_every_change(client: FlaskClient, redis: Redis) -> None:
    keywords = Keywords(redis)

    keywords.remove("Reward Model", now=NOW)

    def names() -> list[str]:
        return [tag.get_text() for tag in get(client, "/").select(".card h3")]

    keywords.add("Zebra", "zebra", now=NOW)
    assert names() == ["Zebra"]
    keywords.add("Apple", "apple", now=NOW)
    assert names() == ["Apple", "Zebra"]
    keywords.rename("Zebra", "Bear")
    assert names() == ["Apple", "Bear"]
    keywords.add("Bear", "bear", now=NOW)
    assert get(client, "/k/bear").select("#q")[0]["value"] == "bear"
    keywords.remove("Apple", now=NOW)
    assert names() == ["Bear"]
    redis.hdel(keys.KEYWORDS, "bear")  # as an older release does, which knows no version
    assert names() == []


@pytest.mark.usefixtures("many")
def test_metrics_count_initial_fetches_by_state(client: FlaskClient) -> None:
    lines = client.get("/metrics", environ_base=LOCAL).get_data(as_text=True).splitlines()
    assert 'paperwire_initial_fetches{state="ok"} 1080.0' in lines
    assert 'paperwire_initial_fetches{state="failing"} 120.0' in lines
    assert not [line for line in lines if "fill:" in line]


@pytest.mark.usefixtures("many")
def test_status_lists_every_initial_fetch_that_failed(client: FlaskClient) -> None:
    shown, path = set[str](), "/status"
    while path:
        soup = get(client, path)
        shown |= {tag.get_text() for tag in soup.select("th[scope=row]")}
        following = soup.select("a[rel=next]")
        path = str(following[0]["href"]) if following else ""
    assert len({title for title in shown if title.startswith("first papers")}) == 120
    assert client.get("/status?fills=-1").status_code == 400
    assert client.get(f"/status?fills={2**64}").status_code == 400


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("coding", ["", "gzip", "br"])
def test_long_subscription_list_is_streamed(client: FlaskClient, coding: str) -> None:
    answer = client.get("/opml", headers={"Accept-Encoding": coding}, buffered=False)
    assert answer.is_streamed
    assert answer.headers.get("Content-Encoding", "") == coding
    again = client.get("/opml", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    picked = {"If-None-Match": answer.headers["ETag"]}
    second = client.get("/opml?when=picked", headers=picked)
    assert (second.status_code, second.headers["Retry-After"]) == (429, "5")  # one is being read
    if not coding:
        assert answer.data.count(b"xmlUrl=") == MANY + 1  # and `Reward Model`
    answer.close()
    other = client.get("/opml?when=picked", headers=picked)
    assert other.status_code == 200
    other.close()


@pytest.mark.usefixtures("many", "client")
def test_long_subscription_list_is_charged_to_its_client(site: Settings) -> None:
    """It costs some 20 µs a keyword: a client that requests it over and over is refused."""
    limited = create_app(replace(site, questions_per_minute=1))
    client, reader = limited.test_client(), {"REMOTE_ADDR": "192.0.2.8"}
    for _ in range(100):
        answer = client.get("/opml", environ_base=reader, buffered=True)
        if answer.status_code != 200:
            break
    assert answer.status_code == 429
    assert "oo many new searches from your address" in answer.text
    other = client.get("/opml", environ_base={"REMOTE_ADDR": "192.0.2.9"}, buffered=True)
    assert other.status_code == 200


@pytest.mark.usefixtures("many")
def test_api_lists_keywords_a_page_at_a_time(client: FlaskClient) -> None:
    slugs, path = list[str](), "/api/v1/keywords"
    while path:
        document = client.get(path).get_json()
        slugs += [keyword["slug"] for keyword in document["keywords"]]
        path = (document["next"] or "").removeprefix("https://wire.example")
    assert slugs == [*(f"k{number:04}" for number in range(MANY)), "reward-model"]


@pytest.mark.usefixtures("many")
def test_daily_tables_name_the_next_page(client: FlaskClient) -> None:
    text = client.get("/export/daily.md").get_data(as_text=True)
    assert text.count("\n## ") == 100
    assert "More keywords: <https://wire.example/export/daily.md?page=2>" in text
    assert "\n## K0100\n" in client.get("/export/daily.md?page=2").get_data(as_text=True)


def test_process_that_has_warmed_up_parses_no_saved_keyword_for_a_page(
    redis: Redis, announce: Announce, app: Flask
) -> None:
    announce([make_sighting(1)])
    Keywords(redis).add("Reward", "reward", now=NOW)
    warm_up(app)
    with mock.patch(
        "papers.search.saved.percolator_cache.anchor_terms", side_effect=AssertionError
    ):
        answer = app.test_client().get("/papers/2611.00001")
    assert answer.status_code == 200
    assert "/k/reward" in answer.text


def test_process_warms_up_without_a_store(away: Flask) -> None:
    warm_up(away)
    assert away.test_client().get("/static/none").status_code == 404


def test_process_that_has_warmed_up_renders_no_entry_for_a_new_feed(
    announce: Announce, app: Flask
) -> None:
    announce([make_sighting(number) for number in range(1, 30)])
    warm_up(app)
    with mock.patch("service.feeds.entry.build_content", side_effect=AssertionError):
        answer = app.test_client().get("/feeds/search.atom?q=reward")
    assert answer.text.count("<entry>") == 29
