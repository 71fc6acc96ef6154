from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

import pytest
from redis import Redis

from papers.config.settings import Settings
from papers.model.frozen_fields import feed_digest
from papers.model.paper import Paper, Pick
from papers.state.keywords import Keywords
from papers.state.task_states import TaskState, TaskStates, TaskStatus
from papers.store import Store
from service import create_app
from service.feeds import FORMATS
from tests.service.feeds.made import make_feed, render_feed
from tests.service.made import make_paper, make_pick, make_revision, make_sighting
from workers.jobs import TaskRunner
from workers.notify.websub import (
    PING_DELAY,
    WEBSUB_TASK,
    schedule_ping,
    topic_urls,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


@dataclass
class Hub:
    """A hub that records its pings and replies as set; topics ending in `refuses` get a 404."""

    url: str = ""
    pinged: list[str] = field(default_factory=list)
    forms: list[dict[str, list[str]]] = field(default_factory=list)
    status: int = 204
    refuses: str = ""
    headers: dict[str, str] = field(default_factory=dict)


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = parse_qs(body)
            topic = form["hub.url"][0]
            refused = hub.refuses and topic.endswith(hub.refuses)
            status = 404 if refused else hub.status
            if status < 300:
                hub.pinged.append(topic.removeprefix("https://wire.example/feeds/"))
                hub.forms.append(form)
            self.send_response(status)
            for name, value in hub.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_address[1]}/"
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield hub
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class Harness:
    """A site with two keywords, at its own time."""

    redis: Redis
    hub: Hub
    now: datetime = NOW
    settings: Settings = field(init=False)

    def __post_init__(self) -> None:
        self.states = TaskStates(self.redis)
        self.settings = Settings(
            websub_hub=self.hub.url,
            public_url="https://wire.example",
            allowed_networks=("127.0.0.0/8",),
            fetch_timeout=5.0,
        )
        for name, query in (("Reward Model", '"reward model"'), ("Agents", "agent")):
            Keywords(self.redis).add(name, query, now=NOW)

    def ingest(self, *sightings: Any) -> None:
        Store(self.redis).ingest(sightings, now=self.now)

    def run(self) -> dict[str, Any]:
        return TaskRunner(self.redis, self.settings, lambda: self.now).run(WEBSUB_TASK, None)


@pytest.fixture
def harness(redis: Redis, hub: Hub) -> Harness:
    """The site with one paper, after the first run, which pings nothing."""
    harness = Harness(redis, hub)
    harness.ingest(make_sighting(1))
    assert harness.run()["state"] == "quiet"
    assert hub.pinged == []
    return harness


ALL = ["reward-model.atom", "reward-model.rss", "reward-model.json"]


def test_new_paper_pings_every_format_once(harness: Harness, hub: Hub) -> None:
    harness.ingest(make_sighting(2))
    done = harness.run()
    assert (done["state"], done["said"]) == ("ok", "pinged the hub for 3 feeds")
    assert hub.pinged == ALL
    topic = "https://wire.example/feeds/reward-model.atom"
    assert hub.forms[0] == {
        "hub.mode": ["publish"],
        "hub.topic": [topic],
        "hub.url": [topic],
    }
    assert harness.run()["said"] == "no changes"
    assert hub.pinged == ALL


NEWS = {
    "a version": make_revision(1, 2, abstract="Now a reward model of another kind"),
    "a withdrawal": make_revision(1, 2, withdrawn=True),
    "a paper that leaves": make_revision(1, 2, title="Nothing", abstract="of it"),
}
NO_NEWS = {
    "a pick": make_pick(1),
    "votes": make_pick(1, votes=50, counted_at=NOW),
    "code": make_pick(1)._replace(code="https://example.org/code"),
    "the same again": make_sighting(1),
    "another paper": make_sighting(2, title="Else", abstract="Of cats"),
}


@pytest.mark.parametrize("sighting", NEWS.values(), ids=NEWS)
def test_compared_fields_cause_a_ping(harness: Harness, hub: Hub, sighting: Any) -> None:
    harness.ingest(sighting)
    harness.run()
    assert hub.pinged == ALL


@pytest.mark.parametrize("sighting", NO_NEWS.values(), ids=NO_NEWS)
def test_other_fields_cause_no_ping(harness: Harness, hub: Hub, sighting: Any) -> None:
    harness.ingest(sighting)
    harness.run()
    assert hub.pinged == []


def test_new_keyword_is_pinged(harness: Harness, hub: Hub) -> None:
    """It may have gained subscribers while it was empty."""
    Keywords(harness.redis).add("Models", "model", now=NOW)
    harness.run()
    assert hub.pinged == ["models.atom", "models.rss", "models.json"]
    Keywords(harness.redis).remove("Models", now=NOW)
    harness.run()
    Keywords(harness.redis).add("Models", "model", now=NOW)
    harness.run()
    assert len(hub.pinged) == 6


def test_failing_hub_is_retried_after_its_wait(harness: Harness, hub: Hub) -> None:
    hub.status, hub.headers = 503, {"Retry-After": "600"}
    harness.ingest(make_sighting(2))
    failed = harness.run()
    assert (failed["state"], hub.pinged) == ("failing", [])
    assert "answered 503" in failed["said"]
    assert harness.states.due_time(WEBSUB_TASK) == NOW + 600 * SECOND
    hub.status, harness.now = 204, NOW + 600 * SECOND
    assert harness.run()["state"] == "ok"
    assert hub.pinged == ALL


def test_unreachable_hub_is_backed_off(harness: Harness) -> None:
    harness.settings = replace(harness.settings, websub_hub="http://127.0.0.1:9/")
    waits = []
    harness.ingest(make_sighting(2))
    for _ in range(3):
        assert harness.run()["state"] == "failing"
        due = harness.states.due_time(WEBSUB_TASK)
        assert due is not None
        waits.append((due - harness.now) / MINUTE)
        harness.now = due
    assert waits == pytest.approx([1, 2, 4], rel=0.11)


def test_refused_feed_does_not_stop_the_others(harness: Harness, hub: Hub) -> None:
    hub.refuses = "agents.rss"
    harness.ingest(make_sighting(2), make_sighting(3, title="Agents"))
    assert harness.run()["state"] == "failing"
    assert hub.pinged == ["agents.atom", *ALL]
    hub.refuses, hub.pinged = "", []
    harness.run()
    assert hub.pinged == ["agents.atom", "agents.rss", "agents.json"]


@pytest.mark.parametrize("status", [301, 307, 400, 429, 500])
def test_only_2xx_counts_as_success(harness: Harness, hub: Hub, status: int) -> None:
    hub.status, hub.headers = status, {"Location": hub.url}
    harness.ingest(make_sighting(2))
    assert harness.run()["state"] == "failing"
    hub.status = 202
    harness.run()
    assert hub.pinged == ALL


def test_hub_in_a_private_network_is_refused(harness: Harness, hub: Hub) -> None:
    harness.settings = replace(harness.settings, allowed_networks=())
    harness.ingest(make_sighting(2))
    failed = harness.run()
    assert (failed["state"], hub.pinged) == ("failing", [])
    assert "not a public address" in failed["said"]


def test_change_moves_the_ping_forward_once(harness: Harness, hub: Hub) -> None:
    harness.states.schedule(WEBSUB_TASK, NOW + 5 * MINUTE)
    schedule_ping(harness.states, NOW)
    assert harness.states.due_time(WEBSUB_TASK) == NOW + PING_DELAY
    schedule_ping(harness.states, NOW + 30 * SECOND)
    assert harness.states.due_time(WEBSUB_TASK) == NOW + PING_DELAY


def test_change_does_not_move_a_failing_ping(harness: Harness) -> None:
    harness.states.save(TaskState(WEBSUB_TASK, TaskStatus.FAILING, NOW, NOW))
    harness.states.schedule(WEBSUB_TASK, NOW + 60 * MINUTE)
    schedule_ping(harness.states, NOW)
    assert harness.states.due_time(WEBSUB_TASK) == NOW + 60 * MINUTE


def test_without_a_hub_nothing_is_scheduled(redis: Redis) -> None:
    schedule_ping(TaskStates(redis), NOW)
    assert TaskStates(redis).due_times() == {}


def test_topics_are_the_self_links_of_the_feeds(
    harness: Harness, store_url: str, tmp_path: Any
) -> None:
    settings = replace(harness.settings, redis_url=store_url, data_dir=str(tmp_path))
    client = create_app(settings).test_client()
    for topic in topic_urls(settings.base_url, "reward-model"):
        answer = client.get(topic.removeprefix("https://wire.example"))
        assert answer.status_code == 200
        links = answer.headers["Link"]
        assert links == f'<{settings.websub_hub}>; rel="hub", <{topic}>; rel="self"'
        assert answer.text.count(settings.websub_hub) == 1
        assert answer.headers["Cache-Control"] == "public, max-age=1800, s-maxage=0"


@pytest.mark.parametrize(
    "path",
    [
        "/feeds/reward-model.atom?n=5",
        "/feeds/reward-model.json?when=picked",
        "/feeds/search.rss?q=a",
        "/feeds/search.atom?k=agents&k=reward-model",
    ],
)
def test_feed_that_is_not_pinged_names_no_hub(
    harness: Harness, store_url: str, tmp_path: Any, path: str
) -> None:
    """Its subscribers would stop polling, and get no pings."""
    settings = replace(harness.settings, redis_url=store_url, data_dir=str(tmp_path))
    answer = create_app(settings).test_client().get(path)
    assert answer.status_code == 200
    assert "hub" not in answer.headers["Link"]
    assert settings.websub_hub not in answer.text


SAME = {
    "accents": ({"title": 'Schr\\"odinger'}, {"title": "Schrödinger"}),
    "white space": ({"title": "a  b\n c"}, {"title": "a b c"}),
    "nothing": ({}, {}),
}
OTHER: dict[str, Paper] = {
    name: make_paper(1, **{name: value})
    for name, value in {
        "title": "Another",
        "abstract": "Another",
        "comment": "Another",
        "journal_ref": "Another",
        "authors": ("Another",),
        "categories": ("cs.CL", "cs.LG"),
        "withdrawn": True,
        "version": 2,
    }.items()
    if name != "version"
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_equal_feeds_have_equal_digests(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert feed_digest([make_paper(1, **one)]) == feed_digest([make_paper(1, **other)])


@pytest.mark.parametrize("changed", OTHER.values(), ids=OTHER)
@pytest.mark.parametrize("suffix", FORMATS)
def test_different_digests_are_of_different_bytes(changed: Paper, suffix: str) -> None:
    assert feed_digest([changed]) != feed_digest([make_paper(1)])
    assert render_feed(suffix, make_feed(changed)) != render_feed(suffix, make_feed(make_paper(1)))


def test_volatile_fields_are_not_in_the_digest() -> None:
    liked = make_paper(1)._replace(picks=(Pick("hf", NOW, votes=3),), code="https://example.org/c")
    liked = liked._replace(doi="10.1/x", journal_ref="J. 1", referred_at=NOW)
    assert feed_digest([liked]) == feed_digest([make_paper(1)])
