"""The whole system as a person starts it, without a network: its sources do not answer."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
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
from paperwire.run.up import find_free_port, program_specs, reachable_address
from tests.paperwire.processes import becomes_true, command_line_of, descendants, is_running

ROOT = Path(__file__).parents[3]
NOWHERE = "http://127.0.0.1:9"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc: needs Linux")


@dataclass(frozen=True, slots=True)
class Up:
    process: subprocess.Popen[str]
    data_dir: Path
    words: dict[str, Any]

    def parts(self) -> set[int]:
        return descendants(self.process.pid)

    def part(self, words: str) -> int:
        return min((pid for pid in self.parts() if words in command_line_of(pid)), default=0)

    def is_replaced(self, words: str, before: int) -> bool:
        return self.part(words) not in (0, before)

    def is_well(self, part: str) -> bool:
        """What a container's health check says of a part."""
        url = embedded_store.socket_url(embedded_store.store_paths(str(self.data_dir)))
        port = self.words["address"].rpartition(":")[2]
        check = subprocess.run(
            [sys.executable, "-m", "paperwire", "health", part],
            env=environment(self.data_dir, redis_url=url, port=port),
            check=False,
        )
        return check.returncode == 0

    def healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.words['address']}/healthz", timeout=5) as answer:
                return bool(json.load(answer)["store"] == "ok")
        except OSError:
            return False


def all_gone(processes: set[int]) -> bool:
    return not any(map(is_running, processes))


def environment(data_dir: Path, **settings: str) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PAPERWIRE_", "REDIS_URL"))}
    sources = ("ARXIV_FEED_URL", "ARXIV_API_URL", "HUGGINGFACE_URL")
    return {
        **clean,
        **{f"PAPERWIRE_{name}": NOWHERE for name in sources},
        "PAPERWIRE_DATA_DIR": str(data_dir),
        "PAPERWIRE_ALLOWED_NETWORKS": "127.0.0.0/8",
        "PAPERWIRE_WEB_PROCESSES": "1",
        "PYTHONPATH": str(ROOT),
        **{f"PAPERWIRE_{name.upper()}": value for name, value in settings.items()},
    }


@contextmanager
def started(data_dir: Path, **settings: str) -> Iterator[Up]:
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
            yield Up(process, data_dir, json.loads(line))
        finally:
            process.terminate()
            process.wait(30)


def test_everything_comes_up_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    with started(tmp_path / "data") as up:
        assert up.words["data_dir"] == str(tmp_path / "data")
        assert "valkey-server" in up.words["store"] or "redis-server" in up.words["store"]
        assert up.words["next_fetch"].startswith("now (")
        assert becomes_true(up.healthy)
        for part in ("web", "worker", "scheduler"):
            assert becomes_true(partial(up.is_well, part)), part
        everyone = up.parts()
        assert len(everyone) >= 5  # store, worker, scheduler, web and its process
        up.process.send_signal(signal.SIGINT)
        assert up.process.wait(15) == 0
        assert all_gone(everyone)
    log = (tmp_path / "log").read_text()
    assert "new keyword Reward Model" in log
    assert "Traceback" not in log


def test_crashed_parts_come_back_and_a_killed_supervisor_leaves_nobody(tmp_path: Path) -> None:
    with started(tmp_path / "data") as up:
        assert becomes_true(up.healthy)
        for words in ("workers worker", "workers scheduler", "granian", "valkey-server"):
            before = up.part(words)
            own_children = descendants(before)
            os.kill(before, signal.SIGKILL)
            assert becomes_true(partial(up.is_replaced, words, before)), words
            assert becomes_true(partial(all_gone, own_children)), words
        assert becomes_true(up.healthy)
        everyone = up.parts()
        up.process.kill()
        assert becomes_true(partial(all_gone, everyone))


def test_second_one_on_the_same_folder_says_so_in_a_line(tmp_path: Path) -> None:
    with started(tmp_path / "data") as up:
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
        assert up.words["address"] in line


def test_taken_port_gives_the_next_free_one(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert find_free_port("127.0.0.1", port) > port
    assert find_free_port("127.0.0.1", port) == port
    assert find_free_port("127.0.0.1", 0) > 0


def test_host_that_is_not_ours_is_named() -> None:
    with pytest.raises(BadSettings, match="host"):
        find_free_port("192.0.2.1", 8000)


ADDRESSES = [
    ({}, "http://127.0.0.1:8000"),
    ({"host": "0.0.0.0"}, "http://127.0.0.1:8000"),
    ({"host": "0.0.0.0", "public_url": "https://papers.example/"}, "https://papers.example"),
]


@pytest.mark.parametrize(("settings", "address"), ADDRESSES)
def test_address_is_one_that_can_be_opened(settings: dict[str, Any], address: str) -> None:
    assert reachable_address(Settings(**settings)) == address


def test_parts_end_with_the_web_and_share_the_store() -> None:
    started = program_specs(Settings(redis_url="unix:///s", worker_processes=3, port=8123))
    assert [part.name for part in started] == ["worker", "worker", "worker", "scheduler", "web"]
    assert {part.environment["PAPERWIRE_REDIS_URL"] for part in started} == {"unix:///s"}
    assert {part.environment["PAPERWIRE_PORT"] for part in started} == {"8123"}
