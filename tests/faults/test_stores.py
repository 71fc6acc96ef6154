"""Every fault of the store: the web answers within a second, nothing is lost, all see how it is.

A store of its own, real workers, scheduler and web server; the sources are a simulated world. The
readers get the last good bytes and a sign that they are old, or the feed as it is.
"""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import requests
from redis import Redis
from redis.exceptions import RedisError

from papers import keys
from papers.source_states import SourceStates, State
from paperwire.simulator.model import Manuscript
from paperwire.simulator.upstream import Upstream
from tests.faults.outcomes import note
from tests.faults.stage import OwnStore, Reader, Stage, until
from tests.papers.fingerprint import papers

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

PAPERS = 10
TASKS = ("announcements:cs.CL", "community:weekly", "hf:today", "enrich", "oai:daily")


@dataclass
class Scene:
    """Everything under way, and ten papers in the feed."""

    store: OwnStore
    world: Upstream
    stage: Stage

    @property
    def redis(self) -> Redis:
        return self.store.redis

    def settled(self, count: int) -> bool:
        """Whether so many papers are in the store, and every source is well.

        A reconciliation that came before the feeds tells of the gap it filled.
        """
        try:
            states = SourceStates(self.redis).all()
            good = (State.OK, State.QUIET)
            well = {s.name for s in states if s.state in good or s.said.count("filled in")}
            described = [paper for paper in papers(self.redis) if paper.from_arxiv]
            return len(described) == count and set(TASKS) <= well
        except Exception:  # it is on its way down or up
            return False

    def announce(self, count: int) -> None:
        """More papers, and every task is due."""
        for _ in range(count):
            n = len(self.world.preprints())
            id = self.world.announce(Manuscript(title=f"Paper {n}"))
            self.world.pick(id, at=self.world.now - timedelta(hours=1))
            self.world.pick(id, "weekly", at=self.world.now - timedelta(hours=1))

    def make_due(self) -> None:
        for task in TASKS:
            SourceStates(self.redis).make_due(task, datetime.now(UTC))

    def expire_locks(self) -> None:
        """What two minutes do to the locks of jobs that died."""
        with_lock = list(self.redis.scan_iter("lock:task:*"))
        self.redis.delete(keys.ARXIV_LANE, *with_lock)

    def told(self) -> str:
        """How the web says the store is."""
        told: str = requests.get(f"{self.stage.url}/healthz", timeout=5).json()["store"]
        return told


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with (
        OwnStore() as store,
        Upstream(datetime.now(UTC), rests=False, communities=("weekly",)) as world,
    ):
        scene = Scene(store, world, Stage.__new__(Stage))
        scene.announce(PAPERS)
        programs = ("worker", "scheduler")
        with Stage.running(store.url, world, programs=programs) as stage:
            scene.stage = stage
            until(lambda: scene.settled(PAPERS), 120)
            until(lambda: stage.feed().text.count("<entry>") == PAPERS)
            yield scene


@pytest.fixture
def known(scene: Scene) -> int:
    """How many papers there are; all is well."""
    count = len(scene.world.preprints())
    until(lambda: scene.settled(count), 120)
    assert scene.stage.feed().text.count("<entry>") == count
    time.sleep(1.1)  # whoever gave up on the store a moment ago asks it again
    assert "Cache-Status" not in scene.stage.feed().headers
    return count


@contextmanager
def polled(scene: Scene, fault: str, *, seconds: float = 1.0) -> Iterator[Reader]:
    """Poll the feed all the while: 200 each time, within a second."""
    with Reader(scene.stage.url + "/feeds/papers.atom").reading(0.02) as reader:
        yield reader
    old = sum(warned for _, _, warned in reader.polls)
    assert reader.statuses == {200}, fault
    assert reader.slowest < seconds, f"{fault}: {reader.slowest:.2f} s"
    polls = f"{len(reader.polls)} polls, {old} of them told as old"
    note(f"store {fault}", f"{polls}, slowest {reader.slowest * 1000:.0f} ms; nothing lost")


def test_stopped(scene: Scene, known: int) -> None:
    before = scene.stage.feed()
    with polled(scene, "stopped") as reader:
        scene.store.process.terminate()
        scene.store.process.wait(10)
        until(lambda: reader.polls and reader.polls[-1][2])
        old = scene.stage.feed()
        assert old.content == before.content
        assert old.headers["Cache-Status"].startswith("paperwire; hit")
        assert old.headers["ETag"] == before.headers["ETag"]
        assert_nothing_cold_is_served(scene)
        assert scene.told() == "away"
        assert scene.stage.metrics() == {
            ("paperwire_store_up",): 0.0,
            ("paperwire_store_writable",): 0.0,
        }
        scene.announce(1)
        time.sleep(3)
        scene.store.start()
        scene.make_due()
        scene.expire_locks()
        until(lambda: scene.settled(known + 1), 120)
        until(lambda: scene.stage.feed().text.count("<entry>") == known + 1)


def assert_nothing_cold_is_served(scene: Scene) -> None:
    """What was never asked before cannot be told: 503, within a second, and when to come back."""
    for path in ("/feeds/search.atom?q=never", "/status", "/api/v1/sources"):
        began = time.monotonic()
        answer = requests.get(scene.stage.url + path, timeout=5)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30"), path
        assert time.monotonic() - began < 1, path


def test_hung(scene: Scene, known: int) -> None:
    with polled(scene, "hung", seconds=1.2) as reader:
        scene.store.process.send_signal(signal.SIGSTOP)
        until(lambda: reader.polls and reader.polls[-1][2])
        assert scene.told() == "away"
        assert_nothing_cold_is_served(scene)
        crowd = [Reader(scene.stage.url + "/feeds/papers.atom") for _ in range(50)]
        began = time.monotonic()
        for one in crowd:
            one.poll()
        assert time.monotonic() - began < 5  # fifty times half a second it was not
        scene.announce(1)
        time.sleep(2)
        scene.store.process.send_signal(signal.SIGCONT)
        scene.make_due()
        until(lambda: scene.settled(known + 1), 120)
        until(lambda: scene.stage.feed().text.count("<entry>") == known + 1)


def test_restarted_in_the_midst_of_an_ingest(scene: Scene, known: int) -> None:
    with polled(scene, "killed three times in an ingest"):
        scene.announce(3)
        for pause in (0.05, 0.15, 0.4):
            scene.make_due()
            time.sleep(pause)
            scene.store.process.kill()
            scene.store.process.wait()
            scene.store.start()
        scene.make_due()
        scene.expire_locks()
        until(lambda: scene.settled(known + 3), 120)
        until(lambda: scene.stage.feed().text.count("<entry>") == known + 3)


def test_emptied(scene: Scene, known: int) -> None:
    before = scene.stage.feed()
    with polled(scene, "emptied (FLUSHALL)"):
        scene.redis.flushall()
        until(lambda: scene.settled(known), 120)
        until(lambda: scene.stage.feed().content == before.content, 10)
    after = scene.stage.feed()
    assert after.headers["ETag"] == before.headers["ETag"]
    assert "Cache-Status" not in after.headers
    assert scene.redis.exists(keys.SCHEMA, keys.SEEDED) == 2
    until(lambda: scene.stage.metrics()[("paperwire_workers",)] == 1.0, 60)


def test_append_only_file_torn(scene: Scene, known: int) -> None:
    """The last write was cut: what it held is fetched again."""
    with polled(scene, "append-only file torn"):
        scene.announce(2)
        scene.make_due()
        until(lambda: scene.settled(known + 2), 120)
        scene.store.process.kill()
        scene.store.process.wait()
        (file,) = (scene.store.folder / "appendonlydir").glob("*.incr.aof")
        os.truncate(file, file.stat().st_size - 20_000)
        scene.store.start()
        scene.make_due()
        scene.expire_locks()
        until(lambda: scene.settled(known + 2), 120)
        until(lambda: scene.stage.feed().text.count("<entry>") == known + 2)


def _full(scene: Scene, fill: Callable[[], object], empty: Callable[[], object], why: str) -> None:
    """The store takes no writes for a while: the feed goes on, all see it, nothing is lost."""
    count = len(scene.world.preprints())
    fill()
    until(lambda: scene.told() == "reading", 20)
    status = scene.stage.status()["store"]
    assert (status["answers"], why in status["said"]) == ("reading", True)
    assert why in requests.get(f"{scene.stage.url}/status", timeout=5).text
    assert scene.stage.metrics()[("paperwire_store_writable",)] == 0
    assert "Cache-Status" not in scene.stage.feed().headers  # it is the newest there is
    assert requests.get(f"{scene.stage.url}/feeds/search.atom?q={why[:4]}", timeout=5).ok
    scene.announce(2)
    time.sleep(2)
    assert len(papers(scene.redis)) == count
    empty()
    until(lambda: scene.told() == "ok", 20)
    scene.make_due()
    scene.expire_locks()
    until(lambda: scene.settled(count + 2), 120)
    until(lambda: scene.stage.feed().text.count("<entry>") == count + 2)


@pytest.mark.usefixtures("known")
def test_memory_full(scene: Scene) -> None:
    with polled(scene, "memory full"):
        _full(
            scene,
            lambda: scene.redis.config_set("maxmemory", "1mb"),
            lambda: scene.redis.config_set("maxmemory", "0"),
            "memory is full",
        )


@pytest.mark.usefixtures("known")
def test_disk_full(scene: Scene) -> None:
    """Files of the store can grow no more, as on a full disk."""
    with polled(scene, "disk full"):
        scene.store.process.kill()
        scene.store.process.wait()
        scene.store.start(_survive_full_files)
        scene.expire_locks()
        pid = scene.store.process.pid
        size = sum(f.stat().st_size for f in (scene.store.folder / "appendonlydir").iterdir())

        def fill() -> None:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size // 2, resource.RLIM_INFINITY))
            until(lambda: not _written(scene.redis))

        def empty() -> None:
            free = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, free)
            until(lambda: scene.redis.info("persistence")["aof_last_write_status"] == "ok", 10)
            scene.redis.delete("ballast")

        _full(scene, fill, empty, "append-only file")


def _written(redis: Redis) -> bool:
    with suppress(RedisError):
        return bool(redis.set("ballast", "x" * 4_000))
    return False


def _survive_full_files() -> None:
    """Past its limit a write fails, as on a full disk, and does not end the process."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
