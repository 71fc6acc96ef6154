"""Feeds as clients read them, over HTTP from the web server."""

from __future__ import annotations

import gzip
import http.client
from pathlib import Path

import feedparser
import pytest
import requests
from redis import Redis

from papers.state.task_states import TaskState, TaskStates, TaskStatus
from tests.service.conftest import Announce
from tests.service.made import DAY, FIRST_ANNOUNCED, NOW, make_pick, make_revision, make_sighting
from tests.service.pollers import POLLERS
from tests.subscriber import PollResult, Subscriber


def test_reader_sees_a_paper_new_once_and_changed_by_its_authors_only(
    server: str, announce: Announce, redis: Redis
) -> None:
    announce([make_sighting(1), make_sighting(2)])
    subscriber = Subscriber(f"{server}/feeds/reward-model.atom")
    seen = [subscriber.poll()]
    for news in (
        [],
        [make_pick(1)],
        [make_pick(1, votes=99, comments=50, counted_at=FIRST_ANNOUNCED + 5 * DAY)],
        [make_sighting(9, title="Something else", abstract="Nothing of that kind.")],
        [make_sighting(1, categories=("cs.CL", "cs.AI"))],
        [make_sighting(3)],
        [make_revision(1, 2, abstract="A reward model, better.")],
        [make_revision(1, 3, withdrawn=True, abstract="A reward model, withdrawn.")],
    ):
        announce(news)
        seen.append(subscriber.poll())
    TaskStates(redis).save(TaskState("announcements:cs.CL", TaskStatus.STALE, NOW, NOW))
    seen.append(subscriber.poll())
    nothing, one_new, one_modified = PollResult(0, 0), PollResult(1, 0), PollResult(0, 1)
    assert seen == [
        *(PollResult(2, 0), nothing, nothing, nothing, nothing, nothing),
        *(one_new, one_modified, one_modified, nothing),
    ]
    entries = {entry.id: entry for entry in subscriber.entries()}
    assert len(entries) == 3
    assert entries["https://arxiv.org/abs/2611.00001"].title.startswith("[Withdrawn] ")
    subscriber.close()


@pytest.mark.parametrize("client", POLLERS)
def test_paper_picked_before_it_is_described_is_new_once_in_every_feed(
    client: str, server: str, announce: Announce, tmp_path: Path
) -> None:
    names = ("search.atom?q=reward&when=picked", "picked.atom", "search.atom?q=reward")
    urls = [f"{server}/feeds/{name}" for name in names]
    announce([make_sighting(1), make_sighting(9)])
    pollers = []
    for number, url in enumerate(urls):
        folder = tmp_path / str(number)
        folder.mkdir()
        pollers.append(POLLERS[client](url, folder))
    first = [poller.poll().new for poller in pollers]
    named = make_pick(20, "club", picked_at=NOW)
    announce([named._replace(title="Reward hype", abstract="A hoax.", as_of=NOW)])
    assert [poller.poll().new for poller in pollers] == [1, 1, 0]
    before = [feedparser.parse(url).entries for url in urls]
    assert [entries[0].title for entries in before[:2]] == ["[Community's title] Reward hype"] * 2
    announce([make_sighting(20)])
    assert [poller.poll().new for poller in pollers] == [0, 0, 1]
    after = [feedparser.parse(url).entries for url in urls]
    for old, new in zip(before[:2], after[:2], strict=True):
        assert [(e.id, e.published) for e in old] == [(e.id, e.published) for e in new]
    assert {entries[0].title for entries in after} == {"Reward model number 20"}
    assert first == [0, 0, 2]
    for poller in pollers:
        poller.close()


def test_reader_reads_no_more_pages_than_it_must(server: str, announce: Announce) -> None:
    announce([make_sighting(number) for number in range(1, 8)])
    subscriber = Subscriber(f"{server}/feeds/search.atom?n=3&q=reward")
    assert subscriber.poll() == PollResult(3, 0)
    announce([make_sighting(8)])
    assert subscriber.poll() == PollResult(1, 0)
    subscriber.close()


def test_server_sends_what_the_app_returns(server: str, announce: Announce) -> None:
    announce([make_sighting(1)])
    url = f"{server}/feeds/reward-model.atom"
    plain = requests.get(url, headers={"Accept-Encoding": "identity"}, timeout=5)
    assert feedparser.parse(plain.content).entries[0].id == "https://arxiv.org/abs/2611.00001"
    tag = {"If-None-Match": plain.headers["ETag"]}
    assert requests.get(url, headers=tag, timeout=5).status_code == 304
    since = {"If-Modified-Since": plain.headers["Last-Modified"]}
    assert requests.get(url, headers=since, timeout=5).status_code == 304
    redirected = requests.get(f"{server}/feeds/Reward%20Model.atom?n=100", timeout=5)
    assert (redirected.url, [redirect.status_code for redirect in redirected.history]) == (
        url,
        [301],
    )
    host = server.removeprefix("http://")
    for method in ("GET", "HEAD"):
        connection = http.client.HTTPConnection(host, timeout=5)
        connection.request(method, "/feeds/reward-model.atom", headers={"Accept-Encoding": "gzip"})
        response = connection.getresponse()
        body = response.read()
        assert int(response.headers["Content-Length"]) > 0
        assert response.headers["Content-Encoding"] == "gzip"
        assert (gzip.decompress(body) == plain.content) if method == "GET" else body == b""
        connection.close()
