from __future__ import annotations

import zlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from redis import Redis

from papers.config.community_presets import COMMUNITY_PRESETS
from papers.config.settings import Settings
from papers.model.arxiv_id import ArxivId
from papers.redis_backend import keys
from papers.state.communities import Communities
from papers.state.feed_trials import FeedTrial, FeedTrials, TrialPaper
from papers.state.task_states import TaskState, TaskStates, TaskStatus
from service import create_app
from tests.service.conftest import Announce
from tests.service.made import NOW, make_pick, make_sighting
from tests.service.pages.browsing import TOKEN, page

URL = "https://club.example/feed.xml"


@pytest.fixture
def configured(site: Settings) -> Settings:
    return replace(site, token=TOKEN, communities={"weekly": "https://weekly.example/atom"})


@pytest.fixture
def manager(redis: Redis, configured: Settings) -> FlaskClient:
    """Return a client of an app with a token and one community feed in its settings."""
    redis.ping()
    return create_app(configured).test_client()


@pytest.fixture
def communities(redis: Redis, configured: Settings) -> Communities:
    return Communities(redis, configured)


def post(client: FlaskClient, **fields: str) -> tuple[int, Any]:
    answer = client.post("/manage/feeds", data=fields)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
    return answer.status_code, BeautifulSoup(answer.data, "html.parser")


def names(communities: Communities) -> list[str]:
    return [feed.name for feed in communities.all()]


def test_known_feeds_fill_in_the_form(manager: FlaskClient, communities: Communities) -> None:
    for name, preset in COMMUNITY_PRESETS.items():
        soup = page(manager, "/manage/feeds")
        (link,) = [a for a in soup.select("form.card li a") if a.get_text() == preset.title]
        assert str(preset.evidence) in link.parent.get_text()
        form = page(manager, str(link["href"]))
        assert [form.select_one(f"input[name={field}]")["value"] for field in ("name", "url")] == [
            name,
            preset.url,
        ]
    assert names(communities) == ["weekly"], "following a link saves nothing"


def test_feed_is_saved_and_removed(
    manager: FlaskClient, communities: Communities, redis: Redis
) -> None:
    status, soup = post(manager, action="save", name="club", url=URL, token=TOKEN)
    assert (status, "club is saved" in soup.select("[role=status]")[0].get_text()) == (200, True)
    assert names(communities) == ["club", "weekly"]
    assert "community:club" in TaskStates(redis).due_times()
    status, soup = post(manager, action="remove", community="club", token=TOKEN)
    assert (status, names(communities)) == (200, ["weekly"])


def test_trial_is_enqueued_by_the_dotted_name_of_its_job(
    manager: FlaskClient, redis: Redis
) -> None:
    status, soup = post(manager, action="try", name="club", url=URL, token=TOKEN)
    assert status == 200
    path = soup.select("[data-poll]")[0]["data-poll"]
    id = path.rpartition("/")[2]
    assert FeedTrials(redis).get(id) == FeedTrial(id, "club", URL)
    queued: Any = redis.lrange("rq:queue:paperwire", 0, -1)
    (job,) = queued
    data: Any = redis.hget(f"rq:job:{job.decode()}", "data")
    assert zlib.decompress(data) == f'["workers.trial.run", null, ["{id}"], {{}}]'.encode()
    assert not redis.exists(keys.COMMUNITIES)
    refresh = soup.select("noscript meta")[0]["content"]
    assert refresh == f"2;url=/manage/feeds?trial={id}"
    assert soup.find(id="token")["value"] == TOKEN


def test_result_of_a_trial_is_shown(manager: FlaskClient, redis: Redis, announce: Announce) -> None:
    announce([make_sighting(1), make_pick(2)])
    papers = tuple(
        TrialPaper(ArxivId(202611, number), NOW - timedelta(days=number), f"{URL}#{number}")
        for number in range(1, 11)
    )
    FeedTrials(redis).save(
        FeedTrial("abc", "club", URL, over=True, entries=12, named=10, papers=papers)
    )
    soup = page(manager, "/manage/feeds?trial=abc")
    assert (soup.find(id="name")["value"], soup.find(id="url")["value"]) == ("club", URL)
    assert soup.select(".trial h3")[0].get_text() == "10 papers in 12 entries"
    titles = soup.select(".trial .title")
    assert [title.get_text() for title in titles[:2]] == [
        "Reward model number 1",
        "arXiv:2611.00002",
    ]
    assert [title["href"] for title in titles[:2]] == [
        "/papers/2611.00001",
        "https://arxiv.org/abs/2611.00002",
    ]
    assert soup.select(".trial .asof")[0].get_text() == "and 2 more"
    assert not soup.select("noscript meta")
    fragment = manager.get("/manage/feeds/trials/abc")
    assert fragment.headers["Cache-Control"] == "no-store"
    assert fragment.data.decode().strip() in manager.get("/manage/feeds?trial=abc").data.decode()


def test_error_of_a_trial_is_shown(manager: FlaskClient, redis: Redis) -> None:
    FeedTrials(redis).save(FeedTrial("abc", "club", URL, over=True, fault="the <feed> is no feed"))
    soup = page(manager, "/manage/feeds?trial=abc")
    assert "The <feed> is no feed" in soup.select(".trial [role=alert]")[0].get_text()


@pytest.mark.parametrize("path", ["/manage/feeds?trial=gone", "/manage/feeds/trials/gone"])
def test_unknown_trial_is_404(manager: FlaskClient, path: str) -> None:
    assert manager.get(path).status_code == 404


SECRET_URL = "https://me:s3cretword@club.example/atom?key=s3cretkey&n=5"


@pytest.mark.row("secrets of sources")
def test_pages_show_no_credentials_of_feeds(manager: FlaskClient, redis: Redis) -> None:
    post(manager, action="save", name="club", url=SECRET_URL, token=TOKEN)
    trial = FeedTrials(redis).create("club", SECRET_URL)
    for path in ("", f"?trial={trial.id}", f"/trials/{trial.id}"):
        shown = manager.get(f"/manage/feeds{path}").text
        assert "s3cret" not in shown, path
        assert "club.example" in shown, path
    assert 'href="https://club.example/atom"' in manager.get("/manage/feeds").text


NEW = {"name": "club", "url": URL}


@pytest.mark.parametrize(
    ("status", "fields"),
    [
        (401, {"action": "try", **NEW}),
        (401, {"action": "save", **NEW}),
        (401, {"action": "save", **NEW, "token": "another token, not this one"}),
        (401, {"action": "remove", "community": "weekly"}),
        (400, {"action": "try", **NEW, "url": "file:///etc/passwd", "token": TOKEN}),
        (400, {"action": "try", **NEW, "name": "The Club", "token": TOKEN}),
        (400, {"action": "save", **NEW, "name": "weekly", "token": TOKEN}),
        (400, {"action": "remove", "community": "weekly", "token": TOKEN}),
        (400, {"action": "drop", "token": TOKEN}),
        (404, {"action": "remove", "community": "club", "token": TOKEN}),
    ],
)
def test_rejected_changes_have_an_error_and_no_effect(
    manager: FlaskClient, redis: Redis, status: int, fields: dict[str, str]
) -> None:
    answered, soup = post(manager, **fields)
    assert answered == status
    assert soup.select("[role=alert]")[0].get_text().strip()
    assert not redis.exists(keys.COMMUNITIES, "rq:queue:paperwire")


def test_list_shows_each_feeds_state_and_origin(
    manager: FlaskClient, communities: Communities, redis: Redis
) -> None:
    communities.add("club", URL, now=NOW)
    state = TaskState("community:club", TaskStatus.FAILING, NOW, NOW, said="the answer is no feed")
    TaskStates(redis).save(state)
    club, weekly = page(manager, "/manage/feeds").select(".saved details")
    assert "failing" in club.get_text()
    assert "The answer is no feed" in club.get_text()
    assert len(club.select("form")) == 1
    assert "is in the settings" in weekly.get_text()
    assert weekly.select("form") == []


def test_saved_feed_is_a_source_at_once(
    manager: FlaskClient, communities: Communities, announce: Announce
) -> None:
    assert manager.get("/feeds/search.atom?q=model&source=club").status_code == 400
    communities.add("club", URL, now=NOW)
    announce([make_sighting(1), make_pick(1, "club")])
    assert b"number 1" in manager.get("/feeds/search.atom?q=model&source=club").data
    choices = page(manager, "/search?q=model").select("select[name=source] option")
    assert "club" in [choice["value"] for choice in choices]
    assert "Reward model number 1" in page(manager, "/daily/2026-11-02").get_text()
