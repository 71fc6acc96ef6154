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
from paperwire.run import embedded_store
from paperwire.run.store_program import server_program, server_version
from tests.paperwire.processes import becomes_true, is_running

ROOT = Path(__file__).parents[3]

KEEPER = """
import sys, time
from paperwire import embedded
at = embedded.place(sys.argv[1])
with embedded.kept(at) as lock:
    print(embedded.start(at, lock).pid, flush=True)
    time.sleep(60)
"""


@pytest.fixture(params=["plain", "with spaces, 'quotes' and é", "l" * 180])
def at(request: pytest.FixtureRequest, tmp_path: Path) -> embedded_store.StorePaths:
    return embedded_store.store_paths(str(tmp_path / request.param))


@pytest.fixture
def redis_at(at: embedded_store.StorePaths) -> Iterator[Redis]:
    with embedded_store.open_embedded_store(at) as url, closing(Redis.from_url(url)) as redis:
        yield redis


def test_store_is_durable_and_reached_by_us_alone(
    at: embedded_store.StorePaths, redis_at: Redis
) -> None:
    wanted = {"appendonly": "yes", "appendfsync": "everysec", "save": ""}
    wanted |= {"maxmemory-policy": "noeviction", "dir": str(at.folder)}
    assert redis_at.config_get(*wanted) == wanted
    assert redis_at.info("server")["tcp_port"] == 0
    socket = Path(os.readlink(at.socket_link))
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
    assert len(os.fsencode(socket)) <= embedded_store.MAX_SOCKET_PATH
    assert is_running(int(at.pid_file.read_text()))


def test_what_was_written_is_there_next_time(at: embedded_store.StorePaths) -> None:
    for count in (1, 2, 3):
        with embedded_store.open_embedded_store(at) as url, closing(Redis.from_url(url)) as redis:
            assert redis.incr("count") == count
        assert embedded_store.running_url(at) is None
        assert not Path(os.readlink(at.socket_link)).parent.exists()


def test_live_store_is_shared(at: embedded_store.StorePaths, redis_at: Redis) -> None:
    server = redis_at.info("server")["process_id"]
    with embedded_store.open_embedded_store(at) as url, closing(Redis.from_url(url)) as second:
        assert second.info("server")["process_id"] == server
    assert redis_at.ping()
    assert url == embedded_store.socket_url(at) == embedded_store.running_url(at)


def test_copy_of_a_live_store_is_a_store_of_its_own(
    at: embedded_store.StorePaths, redis_at: Redis
) -> None:
    redis_at.set("name", "original")
    shutil.copytree(at.folder.parent, copied := f"{at.folder.parent} 2", symlinks=True)
    copy = embedded_store.store_paths(copied)
    assert embedded_store.running_url(copy) is None
    with embedded_store.open_embedded_store(copy) as url, closing(Redis.from_url(url)) as redis:
        assert redis.getset("name", "copy") == b"original"
    assert redis_at.get("name") == b"original"


def test_killed_store_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    at = embedded_store.store_paths(str(tmp_path))
    with embedded_store.hold_store_lock(at) as lock:
        server = embedded_store.start_server(at, lock)
        with closing(Redis.from_url(embedded_store.socket_url(at))) as redis:
            redis.set("answered", "yes")
        server.kill()
        server.wait()
        again = embedded_store.start_server(at, lock)
        with closing(Redis.from_url(embedded_store.socket_url(at))) as redis:
            assert redis.get("answered") == b"yes"
        embedded_store.stop_server(again)


def test_second_keeper_is_refused_in_a_line(tmp_path: Path) -> None:
    at = embedded_store.store_paths(str(tmp_path))
    said = f"in use by process {os.getpid()}"
    with (
        embedded_store.hold_store_lock(at),
        pytest.raises(StoreUnavailable, match=said),
        embedded_store.hold_store_lock(at),
    ):
        pass


def test_store_goes_with_its_killed_keeper_and_the_next_takes_over(tmp_path: Path) -> None:
    at = embedded_store.store_paths(str(tmp_path))
    command = [sys.executable, "-c", KEEPER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as keeper:
        assert keeper.stdout is not None
        server = int(keeper.stdout.readline())
        assert embedded_store.running_url(at)
        keeper.kill()
        with embedded_store.hold_store_lock(at, patience=5.0):
            assert not is_running(server)


def test_server_that_outlived_its_keeper_is_dismissed(tmp_path: Path) -> None:
    """As where the kernel keeps no tie: the server holds the lock, and its keeper is gone."""
    at = embedded_store.store_paths(str(tmp_path))
    with embedded_store.hold_store_lock(at) as lock:
        server = subprocess.Popen(
            embedded_store.store_command(at), pass_fds=[lock], stdout=subprocess.DEVNULL
        )
        assert becomes_true(lambda: embedded_store.running_url(at) is not None)
        gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                              capture_output=True, check=True)  # fmt: skip
        os.pwrite(lock, gone.stdout, 0)
    try:
        with embedded_store.hold_store_lock(at, patience=5.0):
            assert becomes_true(lambda: server.poll() is not None)
    finally:
        server.kill()
        server.wait()


def test_store_that_cannot_start_says_why(tmp_path: Path) -> None:
    at = embedded_store.store_paths(str(tmp_path))
    (at.folder / "appendonlydir").mkdir(parents=True)
    (at.folder / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense\n")
    with (
        embedded_store.hold_store_lock(at) as lock,
        pytest.raises(StoreUnavailable, match="did not start"),
    ):
        embedded_store.start_server(at, lock)


def test_folder_that_others_can_enter_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(prefix="pw-") as short:
        monkeypatch.setenv("XDG_RUNTIME_DIR", short)
        at = embedded_store.store_paths(str(tmp_path))
        folder = Path(embedded_store.socket_url(at).removeprefix("unix://")).parent
        folder.chmod(0o755)
        with pytest.raises(StoreUnavailable, match="not ours alone"):
            embedded_store.socket_url(at)


SERVERS = [
    ({"valkey-server": "Valkey server v=8.1.3 sha=0"}, "valkey-server"),
    ({"redis-server": "Redis server v=7.2.4 sha=0"}, "redis-server"),
    ({"redis-server": "Redis server v=7.0.15 sha=0"}, "_binaries"),
    ({"redis-server": "what?", "valkey-server": ""}, "_binaries"),
    ({}, "_binaries"),
]


@pytest.mark.parametrize(("on_path", "chosen"), SERVERS)
def test_recent_server_on_path_goes_first(
    on_path: dict[str, str], chosen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name, says in on_path.items():
        (tmp_path / name).write_text(f"#!/bin/sh\necho '{says}'\n")
        (tmp_path / name).chmod(0o755)
    assert chosen in str(server_program())


def test_server_that_is_installed_along_is_recent() -> None:
    assert server_version(server_program()) >= (7, 2)
