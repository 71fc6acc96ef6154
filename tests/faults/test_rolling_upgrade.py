"""Two releases side by side on one store, through a rolling upgrade with a migration between."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
import requests
from redis import Redis

from papers.maintenance.migrations import SCHEMA_VERSION
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Channel, Sighting
from papers.redis_backend import keys
from papers.redis_backend.months import stored_months
from papers.state.task_states import TaskStates
from papers.store import Store
from paperwire.run.ports import find_free_port
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from tests.faults.hosts import Host
from tests.faults.releases import NEXT_SCHEMA, first_release, make_next_release
from tests.faults.system import ROOT, TOKEN, DurableStore, FeedPoller, wait_until
from tests.outcomes import note_outcome

pytestmark = [pytest.mark.faults, pytest.mark.timeout(400)]

OLD_ADDRESS: Final = "127.0.0.2"
NEW_ADDRESS: Final = "127.0.0.3"
MONTHS: Final = (202512, 202604, 202608, 202609, 202610)
TASK: Final = "announcements:cs.CL"
FEED: Final = "/feeds/papers.atom"
STALE: Final = "Cache-Status"


class Installation:
    """A store, an upstream, and hosts of two releases."""

    def __init__(self, store: DurableStore, world: Upstream, folder: Path) -> None:
        self.store, self.world, self.redis = store, world, store.redis
        self._folder, self._port = folder, find_free_port(OLD_ADDRESS, 0)
        self.states, self.hosts = TaskStates(store.redis), list[Host]()
        self.timeline, self._began = list[str](), time.monotonic()

    def host(self, address: str, root: Path = ROOT) -> Host:
        """Return a host that runs the release in a folder."""
        settings = {
            **self.world.settings(),
            "redis_url": self.store.url,
            "public_url": "http://127.0.0.1",
            "trusted_hosts": [OLD_ADDRESS, NEW_ADDRESS],
            "arxiv_interval": 0.0,
            "arxiv_oai_url": "",
            "categories": ["cs.CL"],
            "keywords": {"Papers": "paper"},
            "token": TOKEN,
            "log_level": "info",
        }
        folder = self._folder / address
        host = Host(address, self._port, folder, settings, root=root)
        self.hosts.append(host)
        return host

    def note(self, event: str) -> None:
        """Add an event to the timeline."""
        self.timeline.append(f"{time.monotonic() - self._began:.0f} s {event}")

    def ingest_old_papers(self) -> None:
        """Store a paper in each of `MONTHS`."""
        now = datetime.now(UTC)
        papers = [
            Sighting(ArxivId(month, 1), "arxiv", Channel.API, now, title=f"Old paper of {month}")
            for month in MONTHS
        ]
        Store(self.redis).ingest(papers, now=now)

    def announce(self, title: str) -> None:
        """Announce a paper and have the announcement fetched."""
        self.world.announce(Manuscript(title=title, categories=("cs.CL",)))
        self.states.schedule(TASK, datetime.now(UTC))

    def wait_until_shown(self, host: Host, title: str) -> None:
        """Wait for a paper; its fetch is scheduled again, as a scheduler that starts plans anew."""
        for _ in range(5):
            with suppress(AssertionError):
                wait_until(shows(host, title), 15)
                return
            self.states.schedule(TASK, datetime.now(UTC))
        wait_until(shows(host, title))


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with ExitStack() as stack:
        store = stack.enter_context(DurableStore())
        world = stack.enter_context(Upstream(datetime.now(UTC), rests=False))
        installation = Installation(store, world, tmp_path)
        try:
            yield installation
        finally:
            for host in installation.hosts:
                host.kill()


def feed(host: Host) -> requests.Response:
    """Request the feed of the keyword from a host."""
    return requests.get(host.url + FEED, timeout=10)


def shows(host: Host, title: str) -> Callable[[], bool]:
    """Return a condition: the feed of a host has a paper, and is no old one."""

    def is_shown() -> bool:
        response = feed(host)
        return title in response.text and STALE not in response.headers

    return is_shown


def validators(redis: Redis) -> dict[bytes, Any]:
    """Return all stored validators of responses."""
    return {key: redis.get(key) for key in redis.scan_iter("feed:*:validators")}


def save_keyword(host: Host, name: str) -> int:
    """Save a keyword over HTTP; return the status."""
    response = requests.put(
        f"{host.url}/api/v1/keywords/{name}",
        json={"query": name},
        headers={"Authorization": f"Bearer {TOKEN}"},
        timeout=10,
    )
    return response.status_code


def test_old_web_servers_serve_on_through_a_rolling_upgrade(
    installation: Installation, tmp_path: Path
) -> None:
    site, redis = installation, installation.redis
    old = site.host(OLD_ADDRESS)
    old.start("web", "worker", "scheduler")
    wait_until(lambda: redis.exists(keys.SCHEMA))
    site.ingest_old_papers()
    site.announce("First paper")
    site.wait_until_shown(old, "First paper")
    new = site.host(NEW_ADDRESS, make_next_release(tmp_path / "next", oldest_reader=SCHEMA_VERSION))
    with FeedPoller(old.url + FEED).polling() as poller:
        new.start("web")
        site.note("web server of the next release")
        before = [(feed(old), feed(new)) for _ in range(2)][-1]
        kept = validators(redis)
        for _ in range(5):
            again = feed(old), feed(new)
            assert [r.headers["ETag"] for r in again] == [r.headers["ETag"] for r in before]
            assert [r.content for r in again] == [r.content for r in before]
        assert validators(redis) == kept, "the two overwrite each other's responses"
        assert before[0].headers["ETag"] != before[1].headers["ETag"]
        assert save_keyword(old, "early") in (200, 201)
        new.start("worker", "scheduler")
        wait_until(lambda: redis.get(keys.SCHEMA) == b"6 writer 7 reader 6")
        site.note("its worker begins to migrate")
        site.announce("Paper during the migration")
        assert save_keyword(old, "late") == 503
        wait_until(lambda: redis.get(keys.SCHEMA) == b"7 reader 6")
        site.note("migrated")
        wait_until(shows(old, "Paper during the migration"), 100)
        wait_until(shows(new, "Paper during the migration"))
        site.note("a paper announced meanwhile is in the feeds of both")
        _, codes = old.drain("worker", "scheduler")
        site.announce("Paper after it")
        wait_until(shows(old, "Paper after it"), 100)
        site.note("old worker and scheduler ended; the next paper is in the old feed")
    assert set(codes.values()) == {0}, codes
    assert poller.statuses == {200}
    assert not any(is_stale for _, _, is_stale in poller.polls)
    shown = [paper for paper in feed(old).text.split("<id>") if "arxiv.org/abs" in paper[:40]]
    assert len(shown) == feed(new).text.count("<entry>") == len(MONTHS) + 3
    old.drain()
    assert save_keyword(new, "late") in (200, 201)
    assert set(redis.hkeys(keys.KEYWORDS)) >= {b"early", b"late"}
    site.note("old web server ended")
    note_outcome(
        "rolling upgrade: a migration between two releases",
        lost="nothing",
        served="as ever, by both releases",
        shown="`/status`, logs of the old worker and scheduler",
        figures=f"{len(poller.polls)} polls of the old web server, all 200 and none of them old, "
        f"slowest {poller.slowest:.2f} s: " + "; ".join(site.timeline),
    )


def test_old_web_servers_serve_last_good_feeds_where_the_data_is_not_for_them(
    installation: Installation, tmp_path: Path
) -> None:
    site, redis = installation, installation.redis
    old = site.host(OLD_ADDRESS)
    old.start("web", "worker", "scheduler")
    wait_until(lambda: redis.exists(keys.SCHEMA))
    site.ingest_old_papers()
    site.announce("First paper")
    site.wait_until_shown(old, "First paper")
    last_good = feed(old).content
    new = site.host(NEW_ADDRESS, make_next_release(tmp_path / "next", oldest_reader=NEXT_SCHEMA))
    with FeedPoller(old.url + FEED).polling() as poller:
        new.start("web", "worker", "scheduler")
        wait_until(lambda: redis.get(keys.SCHEMA) == b"7")
        site.announce("Later paper")
        wait_until(shows(new, "Later paper"), 100)
    assert poller.statuses == {200}
    assert feed(old).content == last_good
    assert STALE in feed(old).headers
    note_outcome(
        "rolling upgrade: data that the old release cannot read",
        lost="nothing",
        served="last good feeds by old web servers, marked; new ones by new ones",
    )


@pytest.mark.row("0.1 beside a migrated store")
def test_first_release_serves_last_good_feeds_and_damages_nothing(
    installation: Installation, tmp_path: Path
) -> None:
    (tmp_path / "first").mkdir()
    root = first_release(tmp_path / "first")
    if root is None:
        pytest.skip("no history: git fetch --unshallow")
    site, redis = installation, installation.redis
    old = site.host(OLD_ADDRESS, root)
    old.start("web", "worker", "scheduler")
    site.announce("First paper")
    site.wait_until_shown(old, "First paper")
    last_good = feed(old).content
    assert redis.get(keys.SCHEMA) == b"5"
    new = site.host(NEW_ADDRESS)
    with FeedPoller(old.url + FEED).polling() as poller:
        new.start("worker")
        wait_until(lambda: redis.get(keys.SCHEMA) == b"6")
        records = papers_and_index(redis)
        for n in range(20):  # of custom queries there are no copies
            requests.get(f"{old.url}/feeds/search.atom?q=new{n}", timeout=10)
        save_keyword(old, "late")
        site.announce("Later paper")  # a wake-up that an old worker takes fails, and is sent again
        time.sleep(5)
        assert feed(old).content == last_good
        old.drain("worker", "scheduler")
        assert {**papers_and_index(redis), **records} == papers_and_index(redis)
        new.start("web", "scheduler")
        site.states.schedule(TASK, datetime.now(UTC))
        wait_until(shows(new, "Later paper"), 100)
        assert feed(old).content == last_good
    assert poller.statuses == {200}
    assert redis.get(keys.SCHEMA) == b"6"
    assert {paper.title for paper in Store(redis).iter_papers()} == {"First paper", "Later paper"}
    assert "First paper" in feed(new).text


def papers_and_index(redis: Redis) -> dict[tuple[str, bytes], bytes]:
    """Return every record and every posting that is stored."""
    found = dict[tuple[str, bytes], bytes]()
    for yymm, _ in stored_months(redis):
        for key in (keys.month_papers(yymm), keys.segment_postings(yymm)):
            fields: Any = redis.hgetall(key)
            found |= {(key, field): value for field, value in fields.items()}
    return found
