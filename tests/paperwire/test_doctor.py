"""Misconfigurations, each made for real where that can be: named, with its cause and its mend."""

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

from papers.maintenance.migrations import SCHEMA_VERSION
from papers.redis_backend import keys
from papers.state.task_states import TaskState, TaskStates, TaskStatus
from paperwire.cli import main
from tests import small_disk
from tests.papers.server import private_server
from workers import jobs

pytestmark = pytest.mark.row("doctor names misconfigurations")

Seed = Callable[["Place"], contextlib.AbstractContextManager[Any]]

THEN: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Place:
    """An installation that nothing is wrong with, until something is seeded."""

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

    def examined(self, *options: str) -> tuple[int, list[dict[str, str]]]:
        """The exit code and the findings of `paperwire doctor --json`."""
        if not self.path.exists():
            lines = [f"{name} = {json.dumps(value)}" for name, value in self.settings.items()]
            self.path.write_text("\n".join(lines))
            self.path.chmod(0o600)
        ran = CliRunner().invoke(main, ["doctor", "--json", *options])
        assert ran.exception is None or isinstance(ran.exception, SystemExit), ran.exception
        return ran.exit_code, json.loads(ran.stdout)["findings"]


class Headers(http.server.BaseHTTPRequestHandler):
    """Answers a HEAD with the date of `skew` seconds from now."""

    skew = 0

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.end_headers()

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string(datetime.now(UTC).timestamp() + self.skew)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def serving(kind: type[Any], of: type[socketserver.TCPServer]) -> Iterator[int]:
    with of(("127.0.0.1", 0), kind) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield running.server_address[1]
        running.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    with serving(Headers, http.server.ThreadingHTTPServer) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def durable() -> Iterator[Redis]:
    with private_server(appendonly="yes") as (redis, _):
        yield redis


@pytest.fixture
def place(
    durable: Redis, upstream: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    monkeypatch.chdir(tmp_path)
    durable.flushall()
    durable.set(keys.SCHEDULER_LEASE, "token")
    Worker([jobs.job_queue(durable)], connection=durable).register_birth()  # type: ignore[no-untyped-call]
    clean = {name: value for name, value in os.environ.items() if "REDIS_URL" not in name}
    with mock.patch.dict(os.environ, clean, clear=True):
        yield Place(tmp_path, durable, upstream)


def test_nothing_is_wrong_with_it(place: Place) -> None:
    assert place.examined() == (0, [])
    assert CliRunner().invoke(main, ["doctor"]).stdout == "nothing is wrong\n"


@contextlib.contextmanager
def of(**settings: Any) -> Iterator[dict[str, Any]]:
    yield settings


@contextlib.contextmanager
def with_file(text: str, mode: int = 0o600) -> Iterator[None]:
    path = Path("paperwire.toml")
    path.write_text(text)
    path.chmod(mode)
    yield


@contextlib.contextmanager
def port_taken() -> Iterator[dict[str, Any]]:
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield {"port": other.getsockname()[1]}


@contextlib.contextmanager
def folder_in_a_file() -> Iterator[dict[str, Any]]:
    Path("file").write_text("")
    yield {"data_dir": "file/data"}


@contextlib.contextmanager
def disk_with(free: int) -> Iterator[None]:
    Path("data").mkdir()
    usage = shutil._ntuple_diskusage(10**12, 10**12 - free, free)
    with mock.patch("shutil.disk_usage", return_value=usage):
        yield


@contextlib.contextmanager
def folder_full() -> Iterator[None]:
    """Writing fails as it does on a full disk, through Linux's own full device."""
    with mock.patch("tempfile.TemporaryFile", return_value=_Unbuffered()):
        yield


@contextlib.contextmanager
def folder_really_full() -> Iterator[None]:
    Path("data").mkdir()
    with small_disk.small_file_system(Path("data"), 1):
        small_disk.fill_disk(Path("data"))
        yield


class _Unbuffered:
    def __enter__(self) -> Any:
        self._file = open("/dev/full", "wb", buffering=0)
        return self._file

    def __exit__(self, *_: object) -> None:
        self._file.close()


@contextlib.contextmanager
def store_with(**options: str) -> Iterator[dict[str, Any]]:
    given = {"appendonly": "yes"} | {n.replace("_", "-"): v for n, v in options.items()}
    with private_server(**given) as (redis, _):
        redis.set(keys.SCHEDULER_LEASE, "token")
        Worker([jobs.job_queue(redis)], connection=redis).register_birth()  # type: ignore[no-untyped-call]
        yield {"redis_url": f"unix://{redis.connection_pool.connection_kwargs['path']}"}


@contextlib.contextmanager
def store_with_password(place: Place) -> Iterator[dict[str, Any]]:
    place.redis.config_set("requirepass", "the-right-one")
    other = f"unix://:a-wrong-one@{place.redis.connection_pool.connection_kwargs['path']}"
    yield {"redis_url": other}
    place.redis.config_set("requirepass", "")


@contextlib.contextmanager
def memory_used(place: Place) -> Iterator[None]:
    used: Any = place.redis.info("memory")
    place.redis.config_set("maxmemory", int(used["used_memory"] * 1.03))
    yield
    place.redis.config_set("maxmemory", 0)


@contextlib.contextmanager
def stored(place: Place, **values: str) -> Iterator[None]:
    for name, value in values.items():
        place.redis.set(name, value)
    yield


@contextlib.contextmanager
def gone(place: Place, *names: str) -> Iterator[None]:
    for name in names:
        place.redis.delete(*place.redis.scan_iter(name))
    yield


@contextlib.contextmanager
def source_failing(place: Place) -> Iterator[None]:
    failing = TaskState("hf:today", TaskStatus.FAILING, THEN, THEN, said="answered 500", failures=9)
    TaskStates(place.redis).save(failing)
    yield


class OldStore(socketserver.StreamRequestHandler):
    """A server that says what a Redis 6.2 says, and whose clock stopped in 2020."""

    SAYS: Final = {
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
            said = info if name == b"INFO" else self.SAYS.get(name, b"-ERR unknown command\r\n")
            self.wfile.write(said)


class Threading(socketserver.ThreadingTCPServer):
    daemon_threads = True


@contextlib.contextmanager
def old_store() -> Iterator[dict[str, Any]]:
    with serving(OldStore, Threading) as port:
        yield {"redis_url": f"redis://127.0.0.1:{port}/0"}


@contextlib.contextmanager
def everybody_elses_clock(seconds: int) -> Iterator[None]:
    with mock.patch.object(Headers, "skew", seconds):
        yield


# what is seeded, the check that names it, its level, what the cause tells, what the mend tells
SEEDED: list[tuple[str, Seed, str, str, str, str]] = [
    (
        "no TOML",
        lambda _: with_file("port = "),
        "settings",
        "fault",
        "is not valid TOML",
        "correct it",
    ),
    (
        *("setting unknown", lambda _: with_file("prot = 1"), "settings", "fault"),
        *("prot in .*there is no such setting", "paperwire init"),
    ),
    ("contact", lambda _: of(contact=""), "contact", "warning", "no contact", "set contact"),
    (
        *("category", lambda _: of(categories=["cs.IA"]), "categories", "warning"),
        *("'cs.IA' is no category", "category_taxonomy"),
    ),
    (
        *("keyword", lambda _: of(keywords="UNUSED"), "settings", "fault"),
        *("keywords in .*must be a table", "correct it"),
    ),
    (
        *("public URL", lambda _: of(host="0.0.0.0"), "public-url", "warning"),
        *("links in feeds lead to http://0.0.0.0", "set public_url"),
    ),
    ("port", lambda _: port_taken(), "port", "fault", "another program listens", "another port"),
    (
        *("folder", lambda _: folder_in_a_file(), "permissions", "fault"),
        *("nothing can be written to .*file/data", "data_dir"),
    ),
    ("disk", lambda _: disk_with(10_000_000), "disk", "fault", "10 MB are free", "make room"),
    ("little", lambda _: disk_with(800_000_000), "disk", "warning", "800 MB are", "make room"),
    ("disk full", lambda _: folder_full(), "disk", "fault", "No space left", "make room"),
    *(
        ("disk really full", lambda _: folder_really_full(), *told)
        for told in [("disk", "fault", "No space left", "make room")]
        if small_disk.CAN_MOUNT
    ),
    (
        *("store", lambda _: of(redis_url="unix:///nowhere/s"), "store", "fault"),
        *("unix:///nowhere/s does not answer", "redis_url"),
    ),
    ("no URL", lambda _: of(redis_url="http://a"), "store", "fault", "redis_url", "redis_url"),
    ("password", store_with_password, "store", "fault", "invalid username-password", "password"),
    ("old store", lambda _: old_store(), "store-version", "fault", "6.2.14, 7.2 is", "update it"),
    ("clock", lambda _: old_store(), "clock", "fault", "clock and the store's", "NTP"),
    (
        *("no append-only file", lambda _: store_with(appendonly="no"), "append-only-file"),
        *("fault", "keeps no append-only file", "CONFIG SET appendonly yes"),
    ),
    (
        *("eviction", lambda _: store_with(maxmemory_policy="allkeys-lru"), "eviction", "fault"),
        *("allkeys-lru", "noeviction"),
    ),
    ("memory", memory_used, "store-memory", "warning", "used 9", "maxmemory"),
    (
        *("newer", lambda p: stored(p, schema=str(SCHEMA_VERSION + 1)), "schema", "fault"),
        *(
            f"schema {SCHEMA_VERSION + 1}, this Paperwire knows {SCHEMA_VERSION}",
            "update Paperwire",
        ),
    ),
    ("older", lambda p: stored(p, schema="0"), "schema", "fault", "schema 0", "start this"),
    (
        *("cut short", lambda p: stored(p, schema="restoring"), "schema", "fault"),
        *("cut short", "restore FILE --replace"),
    ),
    ("scheduler", lambda p: gone(p, keys.SCHEDULER_LEASE), "scheduler", "fault", "no sch", "up"),
    ("worker", lambda p: gone(p, "rq:*"), "worker", "fault", "no worker was heard", "worker"),
    ("source", source_failing, "source hf:today", "warning", "9 times .* 500", "fetch hf:today"),
    (
        *("upstream", lambda _: of(arxiv_api_url="http://127.0.0.1:1"), "upstream", "fault"),
        *("arXiv's API cannot be reached: .*refused", "network"),
    ),
    (
        *("name", lambda _: of(huggingface_url="http://no-such.invalid"), "upstream", "fault"),
        *("Hugging Face cannot be reached: .*does not resolve", "DNS"),
    ),
    (
        *("private", lambda _: of(arxiv_oai_url="http://10.0.0.1"), "upstream", "fault"),
        *("10.0.0.1 is not a public address", "allowed_networks"),
    ),
    ("clocks", lambda _: everybody_elses_clock(9_000), "clock", "fault", "s apart", "NTP"),
]


@pytest.mark.parametrize("row", SEEDED, ids=[row[0] for row in SEEDED])
def test_what_is_seeded_is_named_with_cause_and_mend(place: Place, row: Any) -> None:
    _, seed, check, level, cause, mend = row
    with seed(place) as settings:
        place.settings |= settings or {}
        code, found = place.examined()
    named = [finding for finding in found if finding["check"] == check]
    assert named, found
    assert any(re.search(cause, finding["cause"]) for finding in named), named
    assert all(mend in finding["mend"] for finding in named), named
    assert {finding["level"] for finding in named} == {level}
    assert code == (1 if any(finding["level"] == "fault" for finding in found) else 0)
    others = {finding["check"] for finding in found} - {check}
    assert others <= ALONG.get(row[0], set()), found


ALONG: Final = {"old store": {"clock", "worker"}, "clock": {"store-version", "worker"}}
"""One cause gives one finding; these seeds hold two."""


def test_keywords_that_cannot_be_parsed_are_named(place: Place) -> None:
    place.examined()
    text = place.path.read_text() + "\n[keywords]\nBroken = 'a AND (b'\n"
    place.path.write_text(text)
    code, (found,) = place.examined("--offline")
    assert (code, found["check"], found["level"]) == (1, "keywords", "fault")
    assert "'Broken'" in found["cause"]


def test_secrets_that_others_can_read_are_named(place: Place) -> None:
    place.examined()
    place.path.chmod(0o644)
    code, (found,) = place.examined("--offline")
    assert (code, found["check"], found["level"]) == (0, "secrets", "warning")
    assert "redis_url" in found["cause"]
    assert "chmod 600" in found["mend"]
    assert "unix://" not in found["cause"]


def test_offline_asks_nobody(place: Place) -> None:
    place.settings["arxiv_api_url"] = "http://127.0.0.1:1"
    assert place.examined("--offline") == (0, [])


def test_it_is_told_in_lines(place: Place) -> None:
    place.settings["contact"] = ""
    place.examined()
    told = CliRunner().invoke(main, ["doctor"])
    assert told.exit_code == 0
    assert told.stdout.startswith("warning  contact: no contact is set")
    assert "\n         mend: set contact" in told.stdout
