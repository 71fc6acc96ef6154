"""Every fault of a Redis Cluster with papers: what readers see, what is lost, how long it takes.

Six real nodes, three primaries with a replica each. Writers ingest one paper at a time and note
each that was reported as stored; a web server answers meanwhile. Nothing that was noted is lost.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from redis import Redis

from papers.config.settings import Settings
from papers.errors import StoreError
from papers.model.arxiv_id import ArxivId
from papers.query.parser import parse_query
from papers.redis_backend import keys
from papers.redis_backend.revision import follow_failovers
from papers.state.keywords import Keywords
from papers.store import Store
from service import create_app
from service.context import context
from tests.conftest import running_store
from tests.faults.cluster_papers import FEED, NOW, sighting
from tests.outcomes import note_outcome
from tests.papers.cluster_nodes import TestCluster, running_cluster, wait_until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

YEARS: Final = (2023, 2024, 2025)
PAPERS_KEY: Final = "{25}03:papers"


class Scene:
    """A cluster, a plain Redis, writers that note what was stored, and a web server."""

    def __init__(self, cluster: TestCluster, redis_url: str, folder: Path) -> None:
        self.cluster, self.url = cluster, redis_url
        self.redis = cluster.connect(redis_url)
        self.redis.flushall()
        self.store = Store(self.redis)
        Keywords(self.redis).add("Models", "models", now=NOW)
        settings = Settings(
            redis_url=redis_url,
            store_url=cluster.url,
            data_dir=str(folder),
            questions_per_minute=0,
        )
        self.app = create_app(settings)
        self.web = self.app.test_client()
        self.stored = dict.fromkeys(YEARS, 0)
        """The number of the last paper of each year that was reported as stored."""
        self.slowest_write = 0.0
        self._stopping = threading.Event()
        self.answers = list[tuple[float, int]]()
        """Seconds and status of each response of the web server."""

    @contextmanager
    def load(self) -> Iterator[None]:
        """Write and read inside the block, each year by a thread."""
        self._stopping.clear()
        threads = [threading.Thread(target=self._write, args=(year,)) for year in YEARS]
        threads.append(threading.Thread(target=self._read))
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            for thread in threads:
                thread.join()

    def _write(self, year: int) -> None:
        client = self.cluster.connect(self.url)
        store = Store(client)
        while not self._stopping.is_set():
            began, number = time.monotonic(), self.stored[year] + 1
            with suppress(StoreError):  # the job fails, and is run again
                store.ingest([sighting(year, number)], now=NOW)
                self.stored[year] = number
            self.slowest_write = max(self.slowest_write, time.monotonic() - began)
        client.close()

    def _read(self) -> None:
        turn = 0
        while not self._stopping.is_set():
            turn += 1
            began = time.monotonic()
            path = FEED if turn % 2 else f"/feeds/search.atom?q=rare2025n{turn % 50 + 1}"
            response = self.web.get(path)
            self.answers.append((time.monotonic() - began, response.status_code))

    def wrote_on(self, more: int = 20) -> None:
        """Wait until each year has some more papers."""
        before = dict(self.stored)
        wait_until(
            lambda: all(self.stored[year] >= before[year] + more for year in YEARS),
            "every year goes on",
            60,
        )

    def missing(self) -> list[ArxivId]:
        """Return the papers that were reported as stored and are not, or that nobody finds."""
        ids = [
            sighting(year, number).id
            for year in YEARS
            for number in range(1, self.stored[year] + 1)
        ]
        with closing(self.cluster.connect(self.url)) as client:
            fresh = Store(client)
            found = set(fresh.newest_ids(parse_query("models"), limit=100_000))
            stored = fresh.get_papers(ids)
        return [id for id, paper in zip(ids, stored, strict=True) if not paper or id not in found]

    def feed(self) -> bytes:
        """Return the feed that the web server of this test serves."""
        response = self.web.get(FEED)
        assert response.status_code == 200
        return bytes(response.data)

    def fresh_feed(self, folder: Path) -> bytes:
        """Return the feed that a new web server serves, without any cache."""
        settings = Settings(
            redis_url=self.url,
            store_url=self.cluster.url,
            data_dir=str(folder),
            questions_per_minute=0,
        )
        app = create_app(settings)
        body = app.test_client().get(FEED).data
        with app.app_context():
            context().redis.close()
        return bytes(body)

    def failed(self) -> list[int]:
        """Return the statuses of responses that were neither an answer nor an old one."""
        return [status for _, status in self.answers if status >= 500]

    def slowest(self) -> float:
        """Return the seconds that the slowest response took."""
        return max(seconds for seconds, _ in self.answers)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with ExitStack() as stack:
        cluster = stack.enter_context(running_cluster())
        url = stack.enter_context(running_store())
        scene = Scene(cluster, url, tmp_path / "web")
        for year in YEARS:
            scene.store.ingest([sighting(year, 1)], now=NOW)
            scene.stored[year] = 1
        scene.feed()
        yield scene
        scene.redis.close()
        with scene.app.app_context():
            context().redis.close()


def expect_nothing_lost(scene: Scene, folder: Path) -> None:
    assert scene.missing() == []
    follow_failovers(scene.redis)
    assert scene.feed() == scene.fresh_feed(folder)


def test_primary_killed_under_load_loses_nothing(scene: Scene, tmp_path: Path) -> None:
    killed = scene.cluster.primary_of(PAPERS_KEY)
    with scene.load():
        scene.wrote_on()
        began = time.monotonic()
        killed.kill()
        scene.wrote_on()
        back = time.monotonic() - began
    expect_nothing_lost(scene, tmp_path)
    assert scene.slowest() < 2.5
    note_outcome(
        "cluster: a primary is killed",
        lost="nothing",
        served="last good feeds",
        shown="503 for new keywords",
        heals="by itself",
        figures=f"writes went on after {back:.1f} s; slowest answer {scene.slowest():.2f} s; "
        f"{len(scene.failed())} of {len(scene.answers)} answers were 503",
    )
    killed.start()
    scene.cluster.wait_until_well()
    assert scene.missing() == []


def test_primary_that_hangs_is_replaced(scene: Scene, tmp_path: Path) -> None:
    hung = scene.cluster.primary_of(PAPERS_KEY)
    with scene.load():
        scene.wrote_on()
        began = time.monotonic()
        hung.hang()
        scene.wrote_on()
        back = time.monotonic() - began
        hung.resume()
        scene.cluster.wait_until_well()
        scene.wrote_on()
    expect_nothing_lost(scene, tmp_path)
    assert scene.slowest() < 4
    note_outcome(
        "cluster: a primary hangs",
        lost="nothing",
        served="last good feeds",
        shown="503 for new keywords",
        heals="by itself",
        figures=f"writes went on after {back:.1f} s; slowest answer {scene.slowest():.2f} s",
    )


def test_slots_move_while_serving_and_ingesting(scene: Scene, tmp_path: Path) -> None:
    source = scene.cluster.primary_of(PAPERS_KEY)
    target = next(n for n in scene.cluster.nodes if n.is_primary and n is not source)
    slots = {scene.cluster.slot_of(key) for key in (PAPERS_KEY, keys.TERM_MONTHS)}
    with scene.load():
        scene.wrote_on()
        began = time.monotonic()
        for slot in slots:
            _move_slot(scene.cluster, slot, target.port)
        took = time.monotonic() - began
        scene.wrote_on()
    assert scene.cluster.primary_of(PAPERS_KEY) is target
    expect_nothing_lost(scene, tmp_path)
    assert scene.failed() == []
    note_outcome(
        "cluster: slots move",
        lost="nothing",
        served="as ever",
        shown="nothing",
        heals="no need",
        figures=f"two slots in {took:.1f} s; slowest answer {scene.slowest():.2f} s, slowest "
        f"write {scene.slowest_write:.1f} s; no 503 among {len(scene.answers)} answers",
    )


def _move_slot(cluster: TestCluster, slot: int, port: int) -> None:
    """Move a slot key by key, as `valkey-cli --cluster reshard` does."""
    target = next(node for node in cluster.nodes if node.port == port)
    source = next(
        node
        for node in cluster.nodes
        if node.is_primary
        and any(
            first <= slot <= last and where[1] == node.port
            for first, last, where, *_ in node.command("CLUSTER", "SLOTS")
        )
    )
    if source is target:
        return
    target.command("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
    source.command("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)
    while names := source.command("CLUSTER", "GETKEYSINSLOT", slot, 10):
        for name in names:
            source.client.execute_command(  # type: ignore[no-untyped-call]
                "MIGRATE", "127.0.0.1", port, name, 0, 5_000
            )
            time.sleep(0.02)  # long enough for others to meet the slot in two halves
    for node in (target, source):
        node.command("CLUSTER", "SETSLOT", slot, "NODE", target.id)


def test_all_nodes_restart(scene: Scene, tmp_path: Path) -> None:
    with scene.load():
        scene.wrote_on()
        began = time.monotonic()
        time.sleep(1.2)  # the append-only file is written every second
        for node in scene.cluster.nodes:
            node.stop()
        for node in scene.cluster.nodes:
            node.start()
        scene.cluster.wait_until_well()
        scene.wrote_on()
        back = time.monotonic() - began
    expect_nothing_lost(scene, tmp_path)
    note_outcome(
        "cluster: all nodes restart",
        lost="nothing, if they end in order",
        served="last good feeds",
        shown="503 for new keywords",
        heals="by itself",
        figures=f"writes went on after {back:.1f} s; slowest answer {scene.slowest():.2f} s",
    )


def test_write_that_no_replica_had_is_repaired_by_ingesting_it_again(
    scene: Scene, tmp_path: Path
) -> None:
    """This is what Redis does not promise to keep: the next reconciliation brings it."""
    lost = sighting(2025, 2)
    primary = scene.cluster.primary_of(PAPERS_KEY)
    replica = _replica_of(scene.cluster, primary.id)
    replica.hang()
    primary.command("CLIENT", "KILL", "TYPE", "replica")  # and with it what is on its way
    scene.store.ingest([lost], now=NOW)
    assert b"Models number 2" in scene.feed()
    primary.kill()
    replica.resume()
    wait_until(lambda: replica.is_primary, "the replica takes over")
    wait_until(lambda: follow_failovers(scene.redis), "the failover is noted")
    assert scene.store.get_papers([lost.id]) == [None], "it is lost, and no cache hides that"
    scene.store.ingest([lost], now=NOW + timedelta(days=1))
    scene.stored[2025] = 2
    expect_nothing_lost(scene, tmp_path)
    assert b"Models number 2" in scene.feed()
    note_outcome(
        "cluster: a primary dies before its replica has a write",
        lost="that write",
        served="without it, everywhere",
        shown="a warning in the worker's log",
        heals="reconciliation",
        figures="a write waits 0.5 s for a replica",
    )


def _replica_of(cluster: TestCluster, primary_id: str) -> Any:
    for node in cluster.nodes:
        reply = node.command("CLUSTER", "NODES").decode()
        myself = next(line for line in reply.splitlines() if "myself" in line)
        if myself.split()[3] == primary_id:
            return node
    raise AssertionError("no replica")


def test_memory_is_reported_of_all_servers(scene: Scene) -> None:
    nodes: dict[str, Redis] = scene.redis.node_clients()  # type: ignore[attr-defined]
    assert len(nodes) == 3
