"""From an announcement to a subscriber, through an independent WebSub hub."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import feedparser
import pytest
import requests
from redis import Redis

from papers.config.settings import Settings
from papers.state.keywords import Keywords
from paperwire.run.ports import find_free_port
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from service import create_app
from tests.end_to_end.hub import WebSubHub, WebSubSubscriber, served
from workers.jobs import TaskRunner
from workers.notify.websub import PING_DELAY
from workers.registry import task_kinds
from workers.schedule.scheduler import Scheduler

SECOND = timedelta(seconds=1)


class Site:
    """Paperwire in a simulated world: the scheduler wakes tasks, which run at once."""

    def __init__(self, redis: Redis, store_url: str, world: Upstream, hub: WebSubHub, folder: Path):
        self.world = world
        self.settings = Settings(
            **world.settings(
                arxiv_interval=0.0,
                categories=("cs.CL",),
                huggingface=False,
                communities={},
                arxiv_oai_url="",
                websub_hub=hub.url,
                redis_url=store_url,
                data_dir=str(folder),
                port=find_free_port("127.0.0.1", 0),
            )
        )
        self._runner = TaskRunner(redis, self.settings, lambda: world.now)
        self._scheduler = Scheduler(redis, self.settings, task_kinds(), self._wake, lambda: 0)

    def pass_time(self, step: timedelta) -> list[str]:
        """Let time pass; return the tasks that ran, once per run."""
        self.world.set_time(self.world.now + step)
        ran = []
        while woken := self._scheduler.tick(self.world.now):
            ran += woken
        return ran

    def _wake(self, task: str, now: datetime) -> None:
        self._runner.run(task, now.timestamp())

    def announce(self, *titles: str) -> None:
        """Announce papers on the next day, and fetch them."""
        self.world.next_day()
        for title in titles:
            self.world.announce(Manuscript(title=title, categories=("cs.CL",)))
        assert "announcements:cs.CL" in self.pass_time(timedelta(0))


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[WebSubHub]:
    with WebSubHub.running(tmp_path) as hub:
        yield hub


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[WebSubSubscriber]:
    with WebSubSubscriber.running(tmp_path) as reader:
        yield reader


@pytest.fixture
def site(
    redis: Redis, store_url: str, upstream: Upstream, hub: WebSubHub, tmp_path: Path
) -> Iterator[Site]:
    """A running site that has fetched its sources once. `Reward Model` and `Agents` are saved."""
    for name, query in (("Reward Model", '"reward model"'), ("Agents", "agent")):
        Keywords(redis).add(name, query, now=upstream.now)
    site = Site(redis, store_url, upstream, hub, tmp_path)
    with served(create_app(site.settings), site.settings.port):
        site.announce("A Reward Model")
        site.pass_time(10 * PING_DELAY)
        hub.published.clear()
        yield site


def feed(site: Site, name: str) -> str:
    return f"{site.settings.base_url}/feeds/{name}"


@pytest.mark.parametrize("suffix", ["atom", "rss", "json"])
def test_subscriber_receives_a_new_paper(
    site: Site, hub: WebSubHub, reader: WebSubSubscriber, suffix: str
) -> None:
    topic = feed(site, f"reward-model.{suffix}")
    before = requests.get(topic, timeout=5)
    assert reader.subscribe(topic) == {"hub_url": hub.url, "topic_url": topic}
    site.announce("A Better Reward Model")
    site.pass_time(PING_DELAY)
    hub.finish()
    ((delivered_topic, body),) = reader.deliveries
    after = requests.get(topic, timeout=5)
    assert (delivered_topic, body) == (topic, after.content)
    assert body != before.content
    titles = [entry.title for entry in feedparser.parse(body).entries] or [
        item["title"] for item in after.json()["items"]
    ]
    assert titles == ["A Better Reward Model", "A Reward Model"]


def test_only_changed_feeds_are_published_and_once(
    site: Site, hub: WebSubHub, reader: WebSubSubscriber
) -> None:
    for name in ("reward-model", "agents"):
        reader.subscribe(feed(site, f"{name}.atom"))
    site.announce("Of Agents")
    assert hub.published == []
    site.pass_time(PING_DELAY)
    hub.finish()
    assert hub.published == [feed(site, f"agents.{form}") for form in ("atom", "rss", "json")]
    assert [topic for topic, _ in reader.deliveries] == [feed(site, "agents.atom")]
    site.announce("Of Something Else")
    for _ in range(5):
        site.pass_time(10 * PING_DELAY)
    hub.finish()
    assert len(hub.published) == 3


def test_papers_that_arrive_together_are_published_together(site: Site, hub: WebSubHub) -> None:
    site.announce("Agents of Old", "Agents of New", "A Reward Model of Agents")
    site.pass_time(PING_DELAY - SECOND)
    assert hub.published == []
    site.pass_time(SECOND)
    hub.finish()
    assert sorted(hub.published) == sorted(
        feed(site, f"{name}.{form}")
        for name in ("agents", "reward-model")
        for form in ("atom", "rss", "json")
    )
