"""`paperwire doctor` on real misconfigurations: each is reported with its cause and remedy."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import re
import shutil
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from unittest import mock

import pytest
from click.testing import CliRunner
from redis import Redis
from rq import Worker

from papers.config.sources import SOURCES, SourceSpec
from papers.maintenance.migrations import SCHEMA_VERSION
from papers.redis_backend import keys
from papers.state.task_states import TaskState, TaskStates, TaskStatus
from paperwire.cli import main
from tests import small_disk
from tests.papers.server import private_server
from workers import jobs

pytestmark = pytest.mark.row("doctor names misconfigurations")

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


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    with running_server(SkewedUpstream, http.server.ThreadingHTTPServer) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def durable_store() -> Iterator[Redis]:
    with private_server(appendonly="yes") as (redis, _):
        yield redis


@pytest.fixture
def installation(
    durable_store: Redis, upstream: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    monkeypatch.chdir(tmp_path)
    durable_store.flushall()
    durable_store.set(keys.SCHEDULER_LEASE, "token")
    Worker([jobs.job_queue(durable_store)], connection=durable_store).register_birth()  # type: ignore[no-untyped-call]
    clean = {name: value for name, value in os.environ.items() if "REDIS_URL" not in name}
    with mock.patch.dict(os.environ, clean, clear=True):
        yield Installation(tmp_path, durable_store, upstream)


def test_correct_installation_has_no_findings(installation: Installation) -> None:
    assert installation.run_doctor() == (0, [])
    assert CliRunner().invoke(main, ["doctor"]).stdout == "no problems found\n"


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
    installation.redis.config_set("maxmemory", int(info["used_memory"] * 1.03))
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
        b"HGETALL": b"%0\r\n",
        b"GET": b"$-1\r\n",
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


# name of the problem, how to seed it, check, level, pattern of the cause, text of the remedy
PROBLEMS: list[tuple[str, Seed, str, str, str, str]] = [
    (
        "no TOML",
        lambda _: with_config_file("port = "),
        "settings",
        "fault",
        "is no TOML",
        "correct it",
    ),
    (
        *("setting unknown", lambda _: with_config_file("prot = 1"), "settings", "fault"),
        *("prot in .*there is no such setting", "paperwire init"),
    ),
    (
        "contact",
        lambda _: with_settings(contact=""),
        "contact",
        "warning",
        "no contact",
        "set contact",
    ),
    (
        *("category", lambda _: with_settings(categories=["cs.IA"]), "categories", "warning"),
        *("'cs.IA' is not a known", "category_taxonomy"),
    ),
    (
        *("keyword", lambda _: with_settings(keywords="UNUSED"), "settings", "fault"),
        *("keywords in .*must be a table", "correct it"),
    ),
    (
        *("public URL", lambda _: with_settings(host="0.0.0.0"), "public-url", "warning"),
        *("links in feeds lead to http://0.0.0.0", "set public_url"),
    ),
    (
        "port",
        lambda _: with_used_port(),
        "port",
        "fault",
        "another program listens",
        "another port",
    ),
    (
        *("folder", lambda _: with_file_as_parent_folder(), "permissions", "fault"),
        *("cannot write to .*file/data", "data_dir"),
    ),
    (
        "disk",
        lambda _: with_free_disk(10_000_000),
        "disk",
        "fault",
        "10 MB are free",
        "free some space",
    ),
    (
        "little",
        lambda _: with_free_disk(800_000_000),
        "disk",
        "warning",
        "800 MB are",
        "free some space",
    ),
    (
        "disk full",
        lambda _: with_full_device(),
        "disk",
        "fault",
        "No space left",
        "free some space",
    ),
    *(
        ("disk really full", lambda _: with_full_file_system(), *row)
        for row in [("disk", "fault", "No space left", "free some space")]
        if small_disk.CAN_MOUNT
    ),
    (
        *("store", lambda _: with_settings(redis_url="unix:///nowhere/s"), "store", "fault"),
        *("unix:///nowhere/s does not answer", "redis_url"),
    ),
    (
        "no URL",
        lambda _: with_settings(redis_url="http://a"),
        "store",
        "fault",
        "redis_url",
        "redis_url",
    ),
    ("password", with_wrong_password, "store", "fault", "invalid username-password", "password"),
    (
        "old store",
        lambda _: with_old_store(),
        "store-version",
        "fault",
        "6.2.14, but 7.2 is",
        "update it",
    ),
    ("clock", lambda _: with_old_store(), "clock", "fault", "clock and the store's", "NTP"),
    (
        *("no append-only file", lambda _: with_other_store(appendonly="no"), "append-only-file"),
        *("fault", "has no append-only file", "CONFIG SET appendonly yes"),
    ),
    (
        *(
            "eviction",
            lambda _: with_other_store(maxmemory_policy="allkeys-lru"),
            "eviction",
            "fault",
        ),
        *("allkeys-lru", "noeviction"),
    ),
    ("memory", with_little_memory, "store-memory", "warning", "used 9", "maxmemory"),
    (
        *("newer", lambda p: with_keys(p, schema=str(SCHEMA_VERSION + 1)), "schema", "fault"),
        *(
            f"schema {SCHEMA_VERSION + 1}, this Paperwire knows {SCHEMA_VERSION}",
            "update Paperwire",
        ),
    ),
    ("older", lambda p: with_keys(p, schema="0"), "schema", "fault", "schema 0", "start this"),
    (
        *("cut short", lambda p: with_keys(p, schema="restoring"), "schema", "fault"),
        *("cut short", "restore FILE --replace"),
    ),
    (
        "scheduler",
        lambda p: without_keys(p, keys.SCHEDULER_LEASE),
        "scheduler",
        "fault",
        "no sch",
        "up",
    ),
    (
        "worker",
        lambda p: without_keys(p, "rq:*"),
        "worker",
        "fault",
        "no worker has sent",
        "worker",
    ),
    (
        "source",
        with_failing_source,
        "source hf:today",
        "warning",
        "9 times .* 500",
        "fetch hf:today",
    ),
    (
        *(
            "upstream",
            lambda _: with_settings(arxiv_api_url="http://127.0.0.1:1"),
            "upstream",
            "fault",
        ),
        *(r"arXiv \(arxiv_api_url\) cannot be reached: .*refused", "network"),
    ),
    (
        *(
            "name",
            lambda _: with_settings(huggingface_url="http://no-such.invalid"),
            "upstream",
            "fault",
        ),
        *(r"Papers \(huggingface_url\) cannot be reached: .*does not resolve", "DNS"),
    ),
    (
        *("private", lambda _: with_settings(arxiv_oai_url="http://10.0.0.1"), "upstream", "fault"),
        *("10.0.0.1 is not a public address", "allowed_networks"),
    ),
    ("clocks", lambda _: with_skewed_upstream_clocks(9_000), "clock", "fault", "s apart", "NTP"),
]


@pytest.mark.parametrize("row", PROBLEMS, ids=[row[0] for row in PROBLEMS])
def test_problem_is_reported_with_cause_and_remedy(installation: Installation, row: Any) -> None:
    _, seed, check, level, cause, remedy = row
    with seed(installation) as settings:
        installation.settings |= settings or {}
        code, findings = installation.run_doctor()
    matching = [finding for finding in findings if finding["check"] == check]
    assert matching, findings
    assert any(re.search(cause, finding["cause"]) for finding in matching), matching
    assert all(remedy in finding["mend"] for finding in matching), matching
    assert {finding["level"] for finding in matching} == {level}
    assert code == (1 if any(finding["level"] == "fault" for finding in findings) else 0)
    others = {finding["check"] for finding in findings} - {check}
    assert others <= EXPECTED_OTHERS.get(row[0], set()), findings


EXPECTED_OTHERS: Final = {
    "old store": {"clock", "worker"},
    "clock": {"store-version", "worker"},
}
"""One cause gives one finding; these seeds have more than one."""


def test_invalid_keyword_is_reported(installation: Installation) -> None:
    installation.run_doctor()
    text = installation.path.read_text() + "\n[keywords]\nBroken = 'a AND (b'\n"
    installation.path.write_text(text)
    code, (found,) = installation.run_doctor("--offline")
    assert (code, found["check"], found["level"]) == (1, "keywords", "fault")
    assert "'Broken'" in found["cause"]


def test_secrets_readable_by_others_are_reported(installation: Installation) -> None:
    installation.run_doctor()
    installation.path.chmod(0o644)
    code, (found,) = installation.run_doctor("--offline")
    assert (code, found["check"], found["level"]) == (0, "secrets", "warning")
    assert "redis_url" in found["cause"]
    assert "chmod 600" in found["mend"]
    assert "unix://" not in found["cause"]


def test_offline_skips_upstreams(installation: Installation) -> None:
    installation.settings["arxiv_api_url"] = "http://127.0.0.1:1"
    assert installation.run_doctor("--offline") == (0, [])


def test_text_output_has_cause_and_remedy(installation: Installation) -> None:
    installation.settings["contact"] = ""
    installation.run_doctor()
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == 0
    assert result.stdout.startswith("warning  contact: no contact is set")
    assert "\n         fix: set contact" in result.stdout


def test_new_row_of_the_source_table_is_probed(installation: Installation) -> None:
    row = SourceSpec("Invented", "https://x.example/", ("hf",), ("hf",), ("public_url",))
    installation.settings["public_url"] = "http://127.0.0.1:1"
    with mock.patch.dict(SOURCES, {"invented": row}):
        code, (found,) = installation.run_doctor()
    assert (code, found["check"]) == (1, "upstream")
    assert found["cause"].startswith("Invented (public_url) cannot be reached: ")


def test_disabled_source_is_not_probed(installation: Installation) -> None:
    installation.settings |= {"huggingface_url": "http://127.0.0.1:1", "huggingface": False}
    assert installation.run_doctor() == (0, [])
