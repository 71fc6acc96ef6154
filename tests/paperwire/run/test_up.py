"""The whole system as a user starts it, without a network: its upstreams do not answer."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from papers.config.settings import Settings
from papers.errors import BadSettings
from paperwire.run import embedded_store
from paperwire.run.instance_lock import LOCK_FILE
from paperwire.run.ports import find_free_port
from paperwire.run.up import program_specs
from paperwire.run.web import missing_address_notice
from tests.paperwire.processes import becomes_true, command_line_of, descendants, is_running

ROOT = Path(__file__).parents[3]
UNREACHABLE = "http://127.0.0.1:9"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc: needs Linux")


@dataclass(frozen=True, slots=True)
class RunningSystem:
    process: subprocess.Popen[str]
    data_dir: Path
    info: dict[str, Any]

    def pids(self) -> set[int]:
        return descendants(self.process.pid)

    def pid_of(self, command: str) -> int:
        """Return the oldest process with these words in its command line; 0 if there is none."""
        return min((pid for pid in self.pids() if command in command_line_of(pid)), default=0)

    def is_replaced(self, command: str, old_pid: int) -> bool:
        return self.pid_of(command) not in (0, old_pid)

    def passes_health_check(self, part: str) -> bool:
        """Run a container's health check of a part."""
        url = embedded_store.StorePaths.in_data_dir(str(self.data_dir)).socket_url()
        port = self.info["address"].rpartition(":")[2]
        check = subprocess.run(
            [sys.executable, "-m", "paperwire", "health", part],
            env=environment(self.data_dir, redis_url=url, port=port),
            check=False,
        )
        return check.returncode == 0

    def is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.info['address']}/healthz", timeout=5) as answer:
                return bool(json.load(answer)["store"] == "ok")
        except OSError:
            return False


def all_ended(pids: set[int]) -> bool:
    return not any(map(is_running, pids))


def environment(data_dir: Path, **settings: str) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PAPERWIRE_", "REDIS_URL"))}
    sources = ("ARXIV_FEED_URL", "ARXIV_API_URL", "HUGGINGFACE_URL")
    return {
        **clean,
        **{f"PAPERWIRE_{name}": UNREACHABLE for name in sources},
        "PAPERWIRE_DATA_DIR": str(data_dir),
        "PAPERWIRE_ALLOWED_NETWORKS": "127.0.0.0/8",
        "PAPERWIRE_WEB_PROCESSES": "1",
        "PYTHONPATH": str(ROOT),
        **{f"PAPERWIRE_{name.upper()}": value for name, value in settings.items()},
    }


@contextmanager
def running_system(data_dir: Path, **settings: str) -> Iterator[RunningSystem]:
    command = [sys.executable, "-m", "paperwire", "up", "--json"]
    with (
        (data_dir.parent / "log").open("w") as log,
        subprocess.Popen(
            command,
            env=environment(data_dir, **settings),
            cwd=data_dir.parent,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, (data_dir.parent / "log").read_text()
            yield RunningSystem(process, data_dir, json.loads(line))
        finally:
            process.terminate()
            process.wait(30)


def test_up_starts_everything_and_ctrl_c_stops_it(tmp_path: Path) -> None:
    with running_system(tmp_path / "data") as system:
        assert system.info["data_dir"] == str(tmp_path / "data")
        assert "valkey-server" in system.info["store"] or "redis-server" in system.info["store"]
        assert system.info["next_fetch"].startswith("now (")
        assert becomes_true(system.is_healthy)
        for part in ("web", "worker", "scheduler"):
            assert becomes_true(partial(system.passes_health_check, part)), part
        all_pids = system.pids()
        assert len(all_pids) >= 5  # store, worker, scheduler, web and its process
        system.process.send_signal(signal.SIGINT)
        assert system.process.wait(15) == 0
        assert all_ended(all_pids)
    log = (tmp_path / "log").read_text()
    assert "new keyword Reward Model" in log
    assert "Traceback" not in log


def save_status(system: RunningSystem, token: str) -> int:
    """Return the status of a request that saves a keyword, with a token or without."""
    request = urllib.request.Request(
        f"{system.info['address']}/api/v1/keywords/fish",
        json.dumps({"query": "fish"}).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
        method="PUT",
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_only_a_client_with_the_key_of_the_first_start_may_save(tmp_path: Path) -> None:
    """It stays the same, is in no log and in no environment, and being here opens nothing."""
    data, keys = tmp_path / "data", set[str]()
    for _ in range(2):
        with running_system(data) as system:
            keys.add(key := system.info["key"])
            assert becomes_true(system.is_healthy)
            assert save_status(system, "") == save_status(system, "another") == 401
            assert save_status(system, key) in (200, 201)
            shown = subprocess.run(
                [sys.executable, "-m", "paperwire", "token", "show"],
                env=environment(data),
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=True,
            )
            assert shown.stdout == f"{system.info['address']}/#key={key}\n"
            for pid in system.pids():
                assert key.encode() not in Path(f"/proc/{pid}/environ").read_bytes()
                assert key not in command_line_of(pid)
        assert key not in (tmp_path / "log").read_text()
        assert key not in (data / LOCK_FILE).read_text()
    assert len(keys) == 1
    with running_system(data, token="a token that was chosen") as system:
        assert system.info["key"] == ""
        assert becomes_true(system.is_healthy)
        assert save_status(system, *keys) == 401


def test_crashed_programs_restart_and_a_killed_supervisor_leaves_no_process(tmp_path: Path) -> None:
    with running_system(tmp_path / "data") as system:
        assert becomes_true(system.is_healthy)
        for command in ("workers worker", "workers scheduler", "granian", "valkey-server"):
            old_pid = system.pid_of(command)
            children = descendants(old_pid)
            os.kill(old_pid, signal.SIGKILL)
            assert becomes_true(partial(system.is_replaced, command, old_pid)), command
            assert becomes_true(partial(all_ended, children)), command
        assert becomes_true(system.is_healthy)
        all_pids = system.pids()
        system.process.kill()
        assert becomes_true(partial(all_ended, all_pids))


def test_second_up_on_a_data_folder_is_refused_in_one_line(tmp_path: Path) -> None:
    with running_system(tmp_path / "data") as system:
        second = subprocess.run(
            [sys.executable, "-m", "paperwire", "up"],
            env=environment(tmp_path / "data"),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert second.returncode == 1
        (line,) = second.stderr.splitlines()
        assert system.info["address"] in line


def test_used_port_is_skipped(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert find_free_port("127.0.0.1", port) > port
    assert find_free_port("127.0.0.1", port) == port
    assert find_free_port("127.0.0.1", 0) > 0


def test_foreign_host_is_rejected() -> None:
    with pytest.raises(BadSettings, match="host"):
        find_free_port("192.0.2.1", 8000)


ADDRESSES = [
    ({}, "http://127.0.0.1:8000"),
    ({"host": "0.0.0.0"}, "http://localhost:8000"),
    ({"host": "::"}, "http://localhost:8000"),
    ({"host": "::1"}, "http://[::1]:8000"),
    ({"host": "0.0.0.0", "public_url": "https://papers.example/"}, "https://papers.example"),
]


@pytest.mark.parametrize(("settings", "address"), ADDRESSES)
def test_printed_address_can_be_opened(settings: dict[str, Any], address: str) -> None:
    assert Settings(**settings).base_url == address


def test_a_server_for_everybody_without_an_address_says_so() -> None:
    notice = missing_address_notice(Settings(host="0.0.0.0"))
    assert "set public_url" in notice
    assert "http://localhost:8000" in notice
    for settings in (Settings(), Settings(host="0.0.0.0", public_url="https://papers.example")):
        assert missing_address_notice(settings) == ""


def test_web_starts_last_and_programs_share_the_store() -> None:
    programs = program_specs(Settings(redis_url="unix:///s", worker_processes=3, port=8123))
    assert [program.name for program in programs] == [
        "worker",
        "worker",
        "worker",
        "scheduler",
        "web",
    ]
    assert {program.environment["PAPERWIRE_REDIS_URL"] for program in programs} == {"unix:///s"}
    assert {program.environment["PAPERWIRE_PORT"] for program in programs} == {"8123"}
