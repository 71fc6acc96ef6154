"""Hosts come and go behind the shipped proxy: added, drained, killed, with clocks an hour apart."""

from __future__ import annotations

import socketserver
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import requests

from papers.redis_backend import keys
from papers.state.task_states import TaskStates, TaskStatus
from papers.store import Store
from paperwire.run.ports import find_free_port
from paperwire.simulator.server.request_log import overlapping_requests, start_gaps
from paperwire.simulator.upstream import ARXIV_PATHS, Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from tests.faults.hosts import COMPILER, Host, RequestingClients
from tests.faults.system import DurableStore, wait_until
from tests.outcomes import note_outcome
from tests.paperwire.proxies import NGINX, NameServer, running_nginx, serving_thread

pytestmark = [pytest.mark.faults, pytest.mark.timeout(400)]

CATEGORIES: Final = ("cs.AI", "cs.CL", "cs.CV", "cs.LG", "cs.RO", "stat.ML")
TASKS: Final = tuple(f"announcements:{category}" for category in CATEGORIES)
ADDRESSES: Final = ("127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5")
EVERYTHING: Final = ("web", "worker", "scheduler")
ARXIV_INTERVAL: Final = 3.0
TAKE_OVER: Final = 100.0
"""Seconds within which a round of fetches ends although a host died: its lease expires after 30 s,
what its job had claimed after 60 s."""
HOUR: Final = 3600
PORT: Final = find_free_port("127.0.0.2", 0)


class Site:
    """A store, the upstreams and the proxy, and the hosts that a test adds."""

    def __init__(self, store: DurableStore, world: Upstream, url: str, folder: Path) -> None:
        self.store, self.world, self.url, self._folder = store, world, url, folder
        self.hosts = dict[str, Host]()
        self.states = TaskStates(store.redis)

    def settings(self) -> dict[str, Any]:
        """The settings of all hosts."""
        return {
            **self.world.settings(),
            "redis_url": self.store.url,
            "public_url": self.url,
            "trusted_hosts": list(ADDRESSES),
            "trusted_proxies": ["127.0.0.1"],
            "arxiv_interval": ARXIV_INTERVAL,
            "arxiv_oai_url": "",
            "categories": list(CATEGORIES),
            "keywords": {"Papers": "paper"},
            "questions_per_minute": 0,
            "log_level": "info",
        }

    def add(self, address: str, port: int, *programs: str, clock_skew: int = 0) -> Host:
        """Start a host, and have the proxy find it."""
        folder = self._folder / address
        host = Host(address, port, folder, self.settings(), clock_skew=clock_skew)
        host.start(*programs)
        self.hosts[address] = host
        self.publish()
        return host

    def publish(self) -> None:
        """Have names resolve to the hosts that there are."""
        NameServer.addresses = [*self.hosts]

    def fetch_all(self, seconds: float = 90.0) -> float:
        """Make every announcement due, and wait until each was fetched; return the seconds."""
        now, began = datetime.now(UTC), time.monotonic()
        for task in TASKS:
            self.states.schedule(task, now)
        wait_until(lambda: self.has_fetched(now), seconds)
        return time.monotonic() - began

    def has_fetched(self, since: datetime) -> bool:
        """Return True if each announcement was fetched since a time."""
        states = {state.name: state for state in self.states.all()}
        return all(
            task in states
            and states[task].state is TaskStatus.OK
            and states[task].attempted_at >= since
            for task in TASKS
        )


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with opened_site(tmp_path) as site:
        yield site


@contextmanager
def opened_site(folder: Path) -> Iterator[Site]:
    if NGINX is None:
        pytest.skip("no nginx: apt-get install nginx-light")
    NameServer.addresses = [ADDRESSES[0]]
    names = socketserver.UDPServer(("127.0.0.1", 0), NameServer)
    with ExitStack() as stack:
        stack.enter_context(serving_thread(names))
        store = stack.enter_context(DurableStore())
        world = stack.enter_context(Upstream(datetime.now(UTC), rests=False))
        for category in CATEGORIES:
            world.announce(Manuscript(title=f"A paper of {category}", categories=(category,)))
        resolver = f"127.0.0.1:{names.server_address[1]}"
        (folder / "nginx").mkdir()
        url = stack.enter_context(running_nginx(folder / "nginx", f"web:{PORT}", resolver))
        site = Site(store, world, url, folder)
        try:
            yield site
        finally:
            for host in site.hosts.values():
                host.kill()


def test_drained_host_loses_no_request_and_no_job(site: Site) -> None:
    first = site.add(ADDRESSES[0], PORT, *EVERYTHING)
    site.add(ADDRESSES[1], PORT, *EVERYTHING)
    wait_until(lambda: site.has_fetched(datetime.min.replace(tzinfo=UTC)), 90)
    site.world.fail("drip", "/rss", pause=0.002)  # every fetch takes seconds
    clients = RequestingClients(site.url)
    with clients.requesting():
        wait_until(lambda: clients.outcomes["200"] > 50)
        now = datetime.now(UTC)
        for task in TASKS:
            site.states.schedule(task, now)
        wait_until(lambda: site.store.redis.keys("lock:task:announcements:*"))
        before = clients.outcomes.total()
        seconds, codes = first.drain()  # while names still lead to it, which is worse than usual
        during = clients.outcomes.total() - before
        site.world.heal()
        wait_until(lambda: site.has_fetched(now), 90)
        del site.hosts[ADDRESSES[0]]
        site.publish()
        wait_until(lambda: clients.outcomes.total() > before + during + 50)
    assert set(clients.outcomes) == {"200"}
    assert set(codes.values()) == {0}, codes
    requests_to_arxiv = site.world.requests_to(*ARXIV_PATHS)
    assert min(start_gaps(requests_to_arxiv)) >= ARXIV_INTERVAL
    assert overlapping_requests(requests_to_arxiv) == []
    assert Store(site.store.redis).count_papers() == len(CATEGORIES)
    note_outcome(
        "a host is drained under load",
        lost="nothing",
        served="as ever",
        heals=f"{seconds:.1f} s",
        figures=f"{clients.outcomes.total()} requests through the proxy, {during} while it ended: "
        f"0 failed, slowest {clients.slowest:.2f} s; every announcement fetched by the other host",
    )


def test_hosts_are_added_and_killed_while_readers_are_served(site: Site) -> None:
    skews = (HOUR, -HOUR) if COMPILER else (0, 0)
    first = site.add(ADDRESSES[0], PORT, *EVERYTHING)
    site.add(ADDRESSES[1], PORT, *EVERYTHING, clock_skew=skews[0])
    wait_until(lambda: site.has_fetched(datetime.min.replace(tzinfo=UTC)), 90)
    clients = RequestingClients(site.url)
    with clients.requesting():
        site.add(ADDRESSES[2], PORT, *EVERYTHING, clock_skew=skews[1])
        usual = site.fetch_all()
        now = datetime.now(UTC)
        for task in TASKS:
            site.states.schedule(task, now)
        wait_until(lambda: site.store.redis.keys("lock:task:announcements:*"))
        failed = clients.outcomes.total() - clients.outcomes["200"]
        first.kill()
        took = wait_until(lambda: site.has_fetched(now), TAKE_OVER)
        site.add(ADDRESSES[0], PORT, *EVERYTHING)
        site.fetch_all()
    assert failed == 0
    failed = clients.outcomes.total() - clients.outcomes["200"]
    assert failed <= 3, clients.outcomes  # those that the killed host was answering
    assert all(host.is_running for host in site.hosts.values())
    requests_to_arxiv = site.world.requests_to(*ARXIV_PATHS)
    gap = min(start_gaps(requests_to_arxiv))
    assert gap >= ARXIV_INTERVAL
    assert overlapping_requests(requests_to_arxiv) == []
    assert site.store.redis.exists(keys.SCHEDULER_LEASE)
    note_outcome(
        "hosts are added and one is killed",
        lost="nothing",
        served="as ever",
        heals=f"{took:.0f} s for a round of fetches, {usual:.0f} s before",
        figures=f"{clients.outcomes.total()} requests, {failed} failed, slowest "
        f"{clients.slowest:.2f} s; {len(requests_to_arxiv)} requests to arXiv, {gap:.2f} s apart",
    )


def hours_from_month_end() -> int:
    """Return by how many hours to set clocks that are an hour apart, so that all have one month.

    A feed links to the archive of the last month once a host's own clock is in the next.
    """
    now, two_hours = datetime.now(UTC), timedelta(hours=2)
    if (now + two_hours).month != now.month:
        return -3
    return 3 if (now - two_hours).month != now.month else 0


def test_clocks_an_hour_apart_change_nothing_that_readers_see(site: Site) -> None:
    if COMPILER is None:
        pytest.skip("no C compiler: apt-get install gcc")
    middle = hours_from_month_end() * HOUR
    for address, skew in zip(ADDRESSES, (0, HOUR, -HOUR), strict=False):
        site.add(address, PORT, *EVERYTHING, clock_skew=middle + skew)
    wait_until(lambda: site.has_fetched(datetime.min.replace(tzinfo=UTC)), 90)
    urls = [f"{host.url}/feeds/papers.atom" for host in site.hosts.values()]
    wait_until(lambda: len({requests.get(url, timeout=10).content for url in urls}) == 1)
    served = [requests.get(url, timeout=10) for _ in range(3) for url in urls]
    assert {(r.status_code, r.headers["ETag"]) for r in served} == {
        (200, served[0].headers["ETag"])
    }
    assert len({r.headers["Last-Modified"] for r in served}) == 1
    assert served[0].content.count(b"<entry>") == len(CATEGORIES)
    for headers in (
        {"If-None-Match": served[0].headers["ETag"]},
        {"If-Modified-Since": served[0].headers["Last-Modified"]},
    ):
        assert {requests.get(url, timeout=10, headers=headers).status_code for url in urls} == {304}
    # A change is seen from every host, whichever renders it first.
    for number, url in enumerate(urls):
        site.world.announce(Manuscript(title=f"Another paper {number}", categories=("cs.AI",)))
        before = {u: requests.get(u, timeout=10).headers for u in urls}
        site.fetch_all()
        for other in (url, *urls):
            validators = {
                "If-None-Match": before[other]["ETag"],
                "If-Modified-Since": before[other]["Last-Modified"],
            }
            assert requests.get(other, timeout=10, headers=validators).status_code == 200
            date = {"If-Modified-Since": before[other]["Last-Modified"]}
            assert requests.get(other, timeout=10, headers=date).status_code == 200
    now = site.store.redis.time()[0]
    for state in site.states.all():
        assert abs(state.attempted_at.timestamp() - now) < 300, state.name
    assert site.states.due_times().keys() >= set(TASKS)
    latest = max(site.states.due_times().values())
    assert latest < datetime.now(UTC) + timedelta(days=5)
    gap = min(start_gaps(site.world.requests_to(*ARXIV_PATHS)))
    assert gap >= ARXIV_INTERVAL
    note_outcome(
        "three hosts with clocks an hour apart",
        lost="nothing",
        served="the same bytes and validators from each",
        shown="`doctor`, `/metrics`",
        figures=f"arXiv sees requests {gap:.2f} s apart; times of tasks are the store's",
    )
