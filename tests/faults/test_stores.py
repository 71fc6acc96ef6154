"""Every fault of the store: the web responds within a second, nothing is lost, the state is shown.

A store of its own, real workers, scheduler and web server; the sources are a simulated world.
Readers get the last good bytes, marked as old, or the feed as it is.
"""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import pytest
import requests
from redis import Redis
from redis.exceptions import RedisError

from papers.redis_backend import keys
from papers.state.task_states import TaskStates, TaskStatus
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from tests import small_disk
from tests.faults.system import DurableStore, FeedPoller, SystemUnderTest, wait_until
from tests.outcomes import note_outcome
from tests.papers.fingerprint import all_papers

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

PAPERS = 10
TASKS = ("announcements:cs.CL", "community:weekly", "hf:today", "enrich", "oai:daily")


@dataclass
class Scene:
    """The running system, with ten papers in the feed."""

    store: DurableStore
    world: Upstream
    system: SystemUnderTest

    @property
    def redis(self) -> Redis:
        return self.store.redis

    def settled(self, count: int) -> bool:
        """Return True if the store has so many papers with both picks, and every source is well.

        A reconciliation that ran before the feeds reports the gap that it filled.
        """
        try:
            states = TaskStates(self.redis).all()
            good = (TaskStatus.OK, TaskStatus.QUIET)
            well = {s.name for s in states if s.state in good or s.said.count("filled in")}
            whole = [p for p in all_papers(self.redis) if p.is_from_arxiv and len(p.picks) == 2]
            return len(whole) == count and set(TASKS) <= well
        except Exception:  # it is stopping or starting
            return False

    def is_calm(self) -> bool:
        """Return True if every source is well and reports no gap."""
        states = TaskStates(self.redis).all()
        return all(state.state in (TaskStatus.OK, TaskStatus.QUIET) for state in states)

    def announce(self, count: int) -> None:
        """Announce papers picked today: yesterday's picks are not fetched at once."""
        today = self.world.now.replace(hour=0, minute=0, second=0, microsecond=0)
        for _ in range(count):
            n = len(self.world.preprints())
            id = self.world.announce(Manuscript(title=f"Paper {n}"))
            self.world.pick(id, at=today)
            self.world.pick(id, "weekly", at=today)

    def make_due(self) -> None:
        for task in TASKS:
            TaskStates(self.redis).schedule(task, datetime.now(UTC))

    def expire_locks(self) -> None:
        """Delete the locks of dead jobs, as two minutes would."""
        with_lock = list(self.redis.scan_iter("lock:task:*"))
        self.redis.delete(keys.ARXIV_RATE_LIMIT, *with_lock)

    def health(self) -> str:
        """Return the store's health as `/healthz` reports it."""
        store: str = requests.get(f"{self.system.url}/healthz", timeout=5).json()["store"]
        return store


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with (
        DurableStore() as store,
        Upstream(datetime.now(UTC), rests=False, communities=("weekly",)) as world,
    ):
        scene = Scene(store, world, SystemUnderTest.__new__(SystemUnderTest))
        scene.announce(PAPERS)
        programs = ("worker", "scheduler")
        with SystemUnderTest.running(store.url, world, programs=programs) as system:
            scene.system = system
            wait_until(lambda: scene.settled(PAPERS), 120)
            wait_until(lambda: system.feed().text.count("<entry>") == PAPERS)
            yield scene


@pytest.fixture
def known(scene: Scene) -> int:
    """The number of papers; every source is well."""
    count = len(scene.world.preprints())
    wait_until(lambda: scene.settled(count), 120)
    if not scene.is_calm():  # a filled gap is reported until the next reconciliation finds none
        scene.make_due()
        wait_until(scene.is_calm, 120)
    wait_until(lambda: scene.system.feed().text.count("<entry>") == count)
    wait_until(lambda: "Cache-Status" not in scene.system.feed().headers)
    return count


@dataclass
class FaultWatch:
    """What is observed while a fault lasts, for its row in the table."""

    scene: Scene
    reader: FeedPoller
    shown: str = "-"
    heals: float = 0.0
    """Seconds since the fault's end, without the minute for which locks of dead jobs last."""

    def healed(self, count: int) -> None:
        """Make every task due after the fault; wait for so many papers in store and feed.

        Every ten seconds all tasks are made due again, as they are within the hour: a job that read
        the store before the fault and ends after it does not know what was lost.
        """
        began = time.monotonic()
        rounds = 0

        def settled() -> bool:
            nonlocal rounds
            if time.monotonic() - began > 10 * rounds:
                self.scene.make_due()
                self.scene.expire_locks()
                rounds += 1
            return self.scene.settled(count)

        wait_until(settled, 120)
        wait_until(lambda: self.scene.system.feed().text.count("<entry>") == count)
        self.heals = time.monotonic() - began

    def assert_absence_is_shown(self) -> None:
        """Check that page, API, health, metrics and doctor show the store's absence."""
        assert_nothing_cold_is_served(self.scene)
        assert self.scene.health() == "away"
        up, writable = ("paperwire_store_up",), ("paperwire_store_writable",)
        assert self.scene.system.metrics() == {up: 0.0, writable: 0.0}
        assert "store" in self.scene.system.doctor()
        self.shown = "503 of page and API, /healthz, metrics, doctor"


STATIC: Final = "/static/icon.svg"
"""A response without the store, polled at the same time to measure the machine itself."""


@contextmanager
def watched(scene: Scene, fault: str, *, seconds: float = 1.0) -> Iterator[FaultWatch]:
    """Poll the feed during a fault: always 200, at most `seconds` slower than a static file."""
    with (
        FeedPoller(scene.system.url + STATIC).polling(0.05) as machine,
        FeedPoller(scene.system.url + "/feeds/papers.atom").polling(0.02) as reader,
    ):
        watch = FaultWatch(scene, reader)
        yield watch
    old = sum(warned for _, _, warned in reader.polls)
    assert reader.statuses == machine.statuses == {200}, fault
    slowest = f"{reader.slowest:.2f} s, without the store {machine.slowest:.2f} s"
    assert reader.slowest - machine.slowest < seconds, f"{fault}: {slowest}"
    note_outcome(
        f"store {fault}",
        lost="nothing",
        served=f"{len(reader.polls)} x 200, {old} of them marked as old",
        shown=watch.shown,
        heals=f"{watch.heals:.1f} s",
        figures=f"slowest response {reader.slowest * 1000:.0f} ms",
    )


def test_stopped_store_is_replaced_by_last_good_bytes(scene: Scene, known: int) -> None:
    before = scene.system.feed()
    with watched(scene, "stopped") as watch:
        polls = watch.reader.polls
        scene.store.process.terminate()
        scene.store.process.wait(10)
        wait_until(lambda: polls and polls[-1][2])
        old = scene.system.feed()
        assert old.content == before.content
        assert old.headers["Cache-Status"].startswith("paperwire; hit")
        assert old.headers["ETag"] == before.headers["ETag"]
        watch.assert_absence_is_shown()
        scene.announce(1)
        scene.store.start()
        watch.healed(known + 1)


def assert_nothing_cold_is_served(scene: Scene) -> None:
    """Check that an uncached path gets 503 with `Retry-After` within a second."""
    for path in ("/feeds/search.atom?q=never", "/status", "/api/v1/sources"):
        machine = FeedPoller(scene.system.url + STATIC)
        began = time.monotonic()
        answer = requests.get(scene.system.url + path, timeout=5)
        took = time.monotonic() - began
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30"), path
        machine.poll()
        assert took - machine.slowest < 1, path


def test_hung_store_delays_no_response(scene: Scene, known: int) -> None:
    with watched(scene, "hung", seconds=1.2) as watch:
        polls = watch.reader.polls
        scene.store.process.send_signal(signal.SIGSTOP)
        wait_until(lambda: polls and polls[-1][2])
        watch.assert_absence_is_shown()
        crowd = [FeedPoller(scene.system.url + "/feeds/papers.atom") for _ in range(50)]
        began = time.monotonic()
        for one in crowd:
            one.poll()
        assert time.monotonic() - began < 12  # far less than fifty times the time-out
        scene.announce(1)
        scene.store.process.send_signal(signal.SIGCONT)
        watch.healed(known + 1)


def test_store_killed_during_an_ingest_loses_nothing(scene: Scene, known: int) -> None:
    with watched(scene, "killed three times in an ingest") as watch:
        scene.announce(3)
        for pause in (0.05, 0.15, 0.4):
            scene.make_due()
            time.sleep(pause)
            stop(scene)
            scene.store.start()
        watch.healed(known + 3)


def test_emptied_store_serves_the_same_bytes_once_refilled(scene: Scene, known: int) -> None:
    before = scene.system.feed()
    with watched(scene, "emptied (FLUSHALL)") as watch:
        began = time.monotonic()
        scene.redis.flushall()
        wait_until(lambda: scene.settled(known), 120)
        wait_until(lambda: scene.system.feed().content == before.content)
        watch.heals = time.monotonic() - began
        watch.shown = "same bytes, same ETag"
    after = scene.system.feed()
    assert after.headers["ETag"] == before.headers["ETag"]
    assert "Cache-Status" not in after.headers
    assert scene.redis.exists(keys.SCHEMA, keys.SEEDED_KEYWORDS) == 2
    wait_until(lambda: scene.system.metrics()[("paperwire_workers",)] == 1.0, 60)


def test_writes_of_a_torn_append_only_file_are_fetched_again(scene: Scene, known: int) -> None:
    with watched(scene, "append-only file torn") as watch:
        scene.announce(2)
        scene.make_due()
        wait_until(lambda: scene.settled(known + 2), 120)
        stop(scene)
        (file,) = (scene.store.folder / "appendonlydir").glob("*.incr.aof")
        os.truncate(file, file.stat().st_size - 20_000)
        scene.store.start()
        watch.healed(known + 2)


def _check_full_store(
    watch: FaultWatch, fill: Callable[[], object], empty: Callable[[], object], why: str
) -> None:
    """Fill the store's memory or disk for a while: the feed is served, and nothing is lost."""
    scene = watch.scene
    count = len(scene.world.preprints())
    fill()
    wait_until(lambda: scene.health() == "reading", 20)
    status = scene.system.status()["store"]
    assert (status["answers"], why in status["said"]) == ("reading", True)
    assert why in requests.get(f"{scene.system.url}/status", timeout=5).text
    assert scene.system.metrics()[("paperwire_store_writable",)] == 0
    watch.shown = "page, /healthz, metrics, CLI"
    assert "Cache-Status" not in scene.system.feed().headers  # it is the newest state
    assert requests.get(f"{scene.system.url}/feeds/search.atom?q={why[:4]}", timeout=5).ok
    scene.announce(2)
    time.sleep(2)
    assert len(all_papers(scene.redis)) == count
    empty()
    wait_until(lambda: scene.health() == "ok", 20)
    watch.healed(count + 2)


@pytest.mark.usefixtures("known")
def test_full_memory_is_reported_and_loses_nothing(scene: Scene) -> None:
    with watched(scene, "memory full") as watch:
        _check_full_store(
            watch,
            lambda: scene.redis.config_set("maxmemory", "1mb"),
            lambda: scene.redis.config_set("maxmemory", "0"),
            "memory is full",
        )


@pytest.mark.usefixtures("known")
@pytest.mark.skipif(not small_disk.CAN_MOUNT, reason="mounts a small disk: needs the right to")
def test_full_disk_is_reported_and_loses_nothing(scene: Scene) -> None:
    """The append-only file is on its own file system, which another file fills."""
    folder = scene.store.folder / "appendonlydir"
    with watched(scene, "disk full (a file system of 8 MB)") as watch, ExitStack() as stack:
        stop(scene)
        stack.enter_context(small_disk.small_file_system(folder, 8))
        scene.store.start()
        stack.callback(stop, scene)
        scene.expire_locks()

        def fill() -> None:
            small_disk.fill_disk(folder)
            wait_until(lambda: not _can_write(scene.redis))

        def empty() -> None:
            small_disk.free_disk(folder)
            wait_until(lambda: scene.redis.info("persistence")["aof_last_write_status"] == "ok", 10)
            scene.redis.delete("ballast")

        _check_full_store(watch, fill, empty, "append-only file")
    scene.store.start()


def stop(scene: Scene) -> None:
    """Kill the store."""
    scene.store.process.kill()
    scene.store.process.wait()


@pytest.mark.usefixtures("known")
def test_file_size_limit_is_reported_and_loses_nothing(scene: Scene) -> None:
    """The store's files cannot grow, as on a full disk; for machines without mount rights."""
    with watched(scene, "disk full (a limit on files)") as watch:
        stop(scene)
        scene.store.start(_survive_full_files)
        scene.expire_locks()
        pid = scene.store.process.pid
        size = sum(f.stat().st_size for f in (scene.store.folder / "appendonlydir").iterdir())

        def fill() -> None:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size // 2, resource.RLIM_INFINITY))
            wait_until(lambda: not _can_write(scene.redis))

        def empty() -> None:
            free = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, free)
            wait_until(lambda: scene.redis.info("persistence")["aof_last_write_status"] == "ok", 10)
            scene.redis.delete("ballast")

        _check_full_store(watch, fill, empty, "append-only file")


def _can_write(redis: Redis) -> bool:
    with suppress(RedisError):
        return bool(redis.set("ballast", "x" * 4_000))
    return False


def _survive_full_files() -> None:
    """Let a write beyond the limit fail, as on a full disk, instead of ending the process."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
