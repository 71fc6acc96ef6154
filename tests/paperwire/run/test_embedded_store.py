"""The embedded store: durable, private, one owner, stopped with its owner."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from redis import Redis

from papers.errors import StoreUnavailable
from papers.redis_backend.store_program import server_program, server_version
from paperwire.run import embedded_store
from tests.paperwire.processes import becomes_true, is_running

ROOT = Path(__file__).parents[3]

OWNER = """
import sys, time
from paperwire.run import embedded_store
paths = embedded_store.StorePaths.in_data_dir(sys.argv[1])
with embedded_store.hold_store_lock(paths) as lock:
    print(embedded_store.start_server(paths, lock).pid, flush=True)
    time.sleep(60)
"""


@pytest.fixture(params=["plain", "with spaces, 'quotes' and é", "l" * 180])
def at(request: pytest.FixtureRequest, tmp_path: Path) -> embedded_store.StorePaths:
    return embedded_store.StorePaths.in_data_dir(str(tmp_path / request.param))


@pytest.fixture
def redis_at(at: embedded_store.StorePaths) -> Iterator[Redis]:
    with embedded_store.open_embedded_store(at) as url, closing(Redis.from_url(url)) as redis:
        yield redis


def test_store_is_durable_and_private(at: embedded_store.StorePaths, redis_at: Redis) -> None:
    expected = {"appendonly": "yes", "appendfsync": "everysec", "save": ""}
    expected |= {"maxmemory-policy": "noeviction", "dir": str(at.folder)}
    assert redis_at.config_get(*expected) == expected
    assert redis_at.info("server")["tcp_port"] == 0
    socket = Path(os.readlink(at.socket_link))
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
    assert len(os.fsencode(socket)) <= embedded_store.MAX_SOCKET_PATH
    assert is_running(int(at.pid_file.read_text()))


def test_writes_survive_a_restart(at: embedded_store.StorePaths) -> None:
    for count in (1, 2, 3):
        with embedded_store.open_embedded_store(at) as url, closing(Redis.from_url(url)) as redis:
            assert redis.incr("count") == count
        assert embedded_store.running_url(at) is None
        assert not Path(os.readlink(at.socket_link)).parent.exists()


def test_running_store_is_shared(at: embedded_store.StorePaths, redis_at: Redis) -> None:
    server = redis_at.info("server")["process_id"]
    with embedded_store.open_embedded_store(at) as url, closing(Redis.from_url(url)) as second:
        assert second.info("server")["process_id"] == server
    assert redis_at.ping()
    assert url == at.socket_url() == embedded_store.running_url(at)


def test_copied_data_folder_has_its_own_store(
    at: embedded_store.StorePaths, redis_at: Redis
) -> None:
    redis_at.set("name", "original")
    shutil.copytree(at.folder.parent, copied := f"{at.folder.parent} 2", symlinks=True)
    copy = embedded_store.StorePaths.in_data_dir(copied)
    assert embedded_store.running_url(copy) is None
    with embedded_store.open_embedded_store(copy) as url, closing(Redis.from_url(url)) as redis:
        assert redis.getset("name", "copy") == b"original"
    assert redis_at.get("name") == b"original"


def test_killed_store_loses_no_acknowledged_write(tmp_path: Path) -> None:
    at = embedded_store.StorePaths.in_data_dir(str(tmp_path))
    with embedded_store.hold_store_lock(at) as lock:
        server = embedded_store.start_server(at, lock)
        with closing(Redis.from_url(at.socket_url())) as redis:
            redis.set("answered", "yes")
        server.kill()
        server.wait()
        again = embedded_store.start_server(at, lock)
        with closing(Redis.from_url(at.socket_url())) as redis:
            assert redis.get("answered") == b"yes"
        embedded_store.stop_server(again)


def test_second_owner_is_refused(tmp_path: Path) -> None:
    at = embedded_store.StorePaths.in_data_dir(str(tmp_path))
    message = f"in use by process {os.getpid()}"
    with (
        embedded_store.hold_store_lock(at),
        pytest.raises(StoreUnavailable, match=message),
        embedded_store.hold_store_lock(at),
    ):
        pass


def test_store_ends_with_its_killed_owner_and_the_next_owner_takes_over(tmp_path: Path) -> None:
    at = embedded_store.StorePaths.in_data_dir(str(tmp_path))
    command = [sys.executable, "-c", OWNER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as owner:
        assert owner.stdout is not None
        server = int(owner.stdout.readline())
        assert embedded_store.running_url(at)
        owner.kill()
        with embedded_store.hold_store_lock(at, patience=5.0):
            assert not is_running(server)


def test_orphaned_server_is_terminated(tmp_path: Path) -> None:
    """As on systems without a death signal: the server holds the lock, its owner has ended."""
    at = embedded_store.StorePaths.in_data_dir(str(tmp_path))
    with embedded_store.hold_store_lock(at) as lock:
        server = subprocess.Popen(
            embedded_store.store_command(at), pass_fds=[lock], stdout=subprocess.DEVNULL
        )
        assert becomes_true(lambda: embedded_store.running_url(at) is not None)
        ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                              capture_output=True, check=True)  # fmt: skip
        os.ftruncate(lock, 0)
        os.pwrite(lock, ended.stdout, 0)
    try:
        with embedded_store.hold_store_lock(at, patience=5.0):
            assert becomes_true(lambda: server.poll() is not None)
    finally:
        server.kill()
        server.wait()


def test_failed_start_reports_the_reason(tmp_path: Path) -> None:
    at = embedded_store.StorePaths.in_data_dir(str(tmp_path))
    (at.folder / "appendonlydir").mkdir(parents=True)
    (at.folder / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense\n")
    with (
        embedded_store.hold_store_lock(at) as lock,
        pytest.raises(StoreUnavailable, match="did not start"),
    ):
        embedded_store.start_server(at, lock)


def test_socket_folder_open_to_others_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(prefix="pw-") as short:
        monkeypatch.setenv("XDG_RUNTIME_DIR", short)
        at = embedded_store.StorePaths.in_data_dir(str(tmp_path))
        folder = Path(at.socket_url().removeprefix("unix://")).parent
        folder.chmod(0o755)
        with pytest.raises(StoreUnavailable, match="accessible to others"):
            at.socket_url()


SERVERS = [
    ({"valkey-server": "Valkey server v=8.1.3 sha=0"}, "valkey-server"),
    ({"redis-server": "Redis server v=7.2.4 sha=0"}, "redis-server"),
    ({"redis-server": "Redis server v=7.0.15 sha=0"}, "_binaries"),
    ({"redis-server": "what?", "valkey-server": ""}, "_binaries"),
    ({}, "_binaries"),
]


@pytest.mark.parametrize(("on_path", "chosen"), SERVERS)
def test_recent_server_on_path_is_preferred(
    on_path: dict[str, str], chosen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name, output in on_path.items():
        (tmp_path / name).write_text(f"#!/bin/sh\necho '{output}'\n")
        (tmp_path / name).chmod(0o755)
    assert chosen in str(server_program())


def test_bundled_server_is_recent() -> None:
    assert server_version(server_program()) >= (7, 2)
