"""Memory of every process of `paperwire up` on a data folder, by kind. Linux only."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import requests

from paperwire.run.demo_runner import to_toml
from paperwire.simulator.upstream import Upstream

KINDS = {
    "workers worker": "worker",
    "workers scheduler": "scheduler",
    "granian": "web",
    "valkey-server": "store",
    "redis-server": "store",
    "paperwire up": "supervisor",
}
"""A part of a command line, and the kind of process it is of."""

SETTLING_SECONDS = 8.0


def measure_processes(folder: Path, paths: Iterable[str], port: int) -> dict[str, float]:
    """Start `paperwire up` on a data folder; return megabytes resident after requests, by kind.

    Its upstreams are simulated and have nothing. Of several processes of a kind, all are added.
    """
    config = folder / "paperwire.toml"
    with Upstream() as world:
        settings: Mapping[str, Any] = {**world.settings(), "data_dir": str(folder), "port": port}
        config.write_text(to_toml({**settings, "keywords": {}}), "utf-8")
        command = [sys.executable, "-m", "paperwire", "up", "--json"]
        process = subprocess.Popen(
            command,
            env={**os.environ, "PAPERWIRE_CONFIG": str(config)},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout
        try:
            address = json.loads(process.stdout.readline())["address"]
            _request_all(address, paths)
            return _resident_by_kind(process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
            process.stdout.close()


def _request_all(address: str, paths: Iterable[str]) -> None:
    """Request each path some times, so that every web process has answered."""
    _wait_until_served(address)
    for path in paths:
        for _ in range(4):
            requests.get(address + path, timeout=60).close()
    time.sleep(SETTLING_SECONDS)


def _wait_until_served(address: str) -> None:
    for _ in range(600):
        with contextlib.suppress(requests.ConnectionError):
            requests.get(f"{address}/healthz", timeout=60).close()
            return
        time.sleep(0.2)


def _resident_by_kind(parent: int) -> dict[str, float]:
    megabytes: dict[str, float] = {}
    for pid in [parent, *_descendants(parent)]:
        words = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
        kind = next((name for part, name in KINDS.items() if part in words), "other")
        megabytes[kind] = megabytes.get(kind, 0.0) + resident_megabytes(pid)
    return megabytes


def _descendants(pid: int) -> list[int]:
    found = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            found += [child, *_descendants(child)]
    return found


def resident_megabytes(pid: int | str = "self") -> float:
    """Return the memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def forget_peak() -> None:
    """Have `peak_megabytes` count from now on."""
    Path("/proc/self/clear_refs").write_text("5")


def peak_megabytes() -> float:
    """Return the most memory that this process has had."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6
