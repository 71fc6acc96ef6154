"""Misconfigured installations for the tests of `paperwire doctor`, real ones where possible."""

from __future__ import annotations

import contextlib
import http.server
import json
import shutil
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from unittest import mock

from click.testing import CliRunner
from redis import Redis
from rq import Worker

from papers.redis_backend import keys
from papers.state.task_states import TaskState, TaskStates, TaskStatus
from paperwire.cli import main
from tests import small_disk
from tests.papers.server import private_server
from workers import jobs

Seed = Callable[["Installation"], contextlib.AbstractContextManager[Any]]

THEN: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Installation:
    """An installation without problems, until one is seeded."""

    def __init__(self, folder: Path, redis: Redis, upstream: str) -> None:
        self.folder, self.redis = folder, redis
        self.path = folder / "paperwire.toml"
        self.settings: dict[str, Any] = {
            "redis_url": f"unix://{redis.connection_pool.connection_kwargs['path']}",
            "contact": "mailto:me@example.org",
            "port": 0,
            "data_dir": str(folder / "data"),
            "categories": ["cs.CL"],
            "allowed_networks": ["127.0.0.0/8"],
            "arxiv_interval": 0.0,
            **{f"arxiv_{name}_url": upstream for name in ("feed", "api", "oai")},
            "huggingface_url": upstream,
        }

    def run_doctor(self, *options: str) -> tuple[int, list[dict[str, str]]]:
        """Run `paperwire doctor --json`; return the exit code and the findings."""
        if not self.path.exists():
            lines = [f"{name} = {json.dumps(value)}" for name, value in self.settings.items()]
            self.path.write_text("\n".join(lines))
            self.path.chmod(0o600)
        result = CliRunner().invoke(main, ["doctor", "--json", *options])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.output
        return result.exit_code, json.loads(result.stdout)["findings"]


class SkewedUpstream(http.server.BaseHTTPRequestHandler):
    """Answers HEAD requests with a date `skew` seconds from now."""

    skew = 0

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.end_headers()

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string(datetime.now(UTC).timestamp() + self.skew)

    def log_message(self, format: str, *arguments: object) -> None:
        """Print nothing."""


@contextlib.contextmanager
def running_server(handler: type[Any], kind: type[socketserver.TCPServer]) -> Iterator[int]:
    with kind(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@contextlib.contextmanager
def with_settings(**settings: Any) -> Iterator[dict[str, Any]]:
    yield settings


@contextlib.contextmanager
def with_config_file(text: str, mode: int = 0o600) -> Iterator[None]:
    path = Path("paperwire.toml")
    path.write_text(text)
    path.chmod(mode)
    yield


@contextlib.contextmanager
def with_used_port() -> Iterator[dict[str, Any]]:
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield {"port": other.getsockname()[1]}


@contextlib.contextmanager
def with_file_as_parent_folder() -> Iterator[dict[str, Any]]:
    Path("file").write_text("")
    yield {"data_dir": "file/data"}


@contextlib.contextmanager
def with_free_disk(free: int) -> Iterator[None]:
    Path("data").mkdir()
    usage = shutil._ntuple_diskusage(10**12, 10**12 - free, free)
    with mock.patch("shutil.disk_usage", return_value=usage):
        yield


@contextlib.contextmanager
def with_full_device() -> Iterator[None]:
    """Let writes fail as on a full disk, through Linux's /dev/full."""
    with mock.patch("tempfile.TemporaryFile", return_value=_FullDevice()):
        yield


@contextlib.contextmanager
def with_full_file_system() -> Iterator[None]:
    Path("data").mkdir()
    with small_disk.small_file_system(Path("data"), 1):
        small_disk.fill_disk(Path("data"))
        yield


class _FullDevice:
    def __enter__(self) -> Any:
        self._file = open("/dev/full", "wb", buffering=0)
        return self._file

    def __exit__(self, *_: object) -> None:
        self._file.close()


@contextlib.contextmanager
def with_other_store(**options: str) -> Iterator[dict[str, Any]]:
    server_options = {"appendonly": "yes"} | {n.replace("_", "-"): v for n, v in options.items()}
    with private_server(**server_options) as (redis, _):
        redis.set(keys.SCHEDULER_LEASE, "token")
        Worker([jobs.job_queue(redis)], connection=redis).register_birth()  # type: ignore[no-untyped-call]
        yield {"redis_url": f"unix://{redis.connection_pool.connection_kwargs['path']}"}


@contextlib.contextmanager
def with_wrong_password(installation: Installation) -> Iterator[dict[str, Any]]:
    installation.redis.config_set("requirepass", "the-right-one")
    url = f"unix://:a-wrong-one@{installation.redis.connection_pool.connection_kwargs['path']}"
    yield {"redis_url": url}
    installation.redis.config_set("requirepass", "")


@contextlib.contextmanager
def with_little_memory(installation: Installation) -> Iterator[None]:
    info: Any = installation.redis.info("memory")
    installation.redis.config_set("maxmemory", int(info["used_memory"] * 1.08))
    yield
    installation.redis.config_set("maxmemory", 0)


@contextlib.contextmanager
def with_keys(installation: Installation, **values: str) -> Iterator[None]:
    for name, value in values.items():
        installation.redis.set(name, value)
    yield


@contextlib.contextmanager
def without_keys(installation: Installation, *names: str) -> Iterator[None]:
    for name in names:
        installation.redis.delete(*installation.redis.scan_iter(name))
    yield


@contextlib.contextmanager
def with_failing_source(installation: Installation) -> Iterator[None]:
    failing = TaskState("hf:today", TaskStatus.FAILING, THEN, THEN, said="answered 500", failures=9)
    TaskStates(installation.redis).save(failing)
    yield


class OldStore(socketserver.StreamRequestHandler):
    """A server with the replies of Redis 6.2, whose clock stopped in 2020."""

    REPLIES: Final = {
        b"HELLO": b"%1\r\n$5\r\nproto\r\n:3\r\n",
        b"PING": b"+PONG\r\n",
        b"TIME": b"*2\r\n$10\r\n1600000000\r\n$1\r\n0\r\n",
        b"EXISTS": b":1\r\n",
        b"SMEMBERS": b"~0\r\n",
        b"LRANGE": b"*0\r\n",
        b"HGETALL": b"%0\r\n",
        b"GET": b"$-1\r\n",
        b"HLEN": b":0\r\n",
        b"ZCARD": b":0\r\n",
        b"HVALS": b"*0\r\n",
        b"HSCAN": b"*2\r\n$1\r\n0\r\n*0\r\n",
        b"EVALSHA": b"*2\r\n:0\r\n$5\r\ntaken\r\n",
    }
    INFO: Final = b"# Server\r\nredis_version:6.2.14\r\naof_enabled:1\r\nused_memory:1\r\n"

    def handle(self) -> None:
        while line := self.rfile.readline():
            words = []
            for _ in range(int(line[1:])):
                length = int(self.rfile.readline()[1:])
                words.append(self.rfile.read(length + 2)[:-2])
            name = words[0].upper()
            info = b"$%d\r\n%s\r\n" % (len(self.INFO), self.INFO)
            reply = info if name == b"INFO" else self.REPLIES.get(name, b"-ERR unknown command\r\n")
            self.wfile.write(reply)


class ThreadedServer(socketserver.ThreadingTCPServer):
    daemon_threads = True


@contextlib.contextmanager
def with_old_store() -> Iterator[dict[str, Any]]:
    with running_server(OldStore, ThreadedServer) as port:
        yield {"redis_url": f"redis://127.0.0.1:{port}/0"}


@contextlib.contextmanager
def with_skewed_upstream_clocks(seconds: int) -> Iterator[None]:
    with mock.patch.object(SkewedUpstream, "skew", seconds):
        yield
