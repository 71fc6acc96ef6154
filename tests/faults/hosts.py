"""Hosts as groups of processes, each with a loopback address, a clock and perhaps a release.

host = Host("127.0.0.3", port, folder, settings, clock_skew=3600)
host.start("web", "worker", "scheduler")
host.drain()    SIGTERM to each, as systemd or Kubernetes would; host.kill() is a power cut
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import requests

from paperwire.run.demo_runner import to_toml
from paperwire.run.ports import is_listening
from tests.faults.system import ROOT, wait_until

COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "web": ("-m", "paperwire", "web"),
    "worker": ("-m", "workers", "worker"),
    "scheduler": ("-m", "workers", "scheduler"),
}
STOP_TIMEOUT: Final = 30.0
_PR_SET_PDEATHSIG: Final = 1
COMPILER: Final = shutil.which("cc")


def _end_with_the_tests() -> None:
    """Have the kernel kill a process of its own session when the tests are killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@cache
def clock_skew_library() -> str:
    """Return the library that shifts the wall clock of a process."""
    assert COMPILER
    library = Path(tempfile.mkdtemp(prefix="pw-clock-")) / "clock_skew.so"
    source = Path(__file__).with_name("clock_skew.c")
    subprocess.run([COMPILER, "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
    return str(library)


class Host:
    """The processes of one host. `root` has the code of its release."""

    def __init__(
        self,
        address: str,
        port: int,
        folder: Path,
        settings: Mapping[str, Any],
        *,
        clock_skew: int = 0,
        root: Path = ROOT,
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.address, self.url = address, f"http://{address}:{port}"
        self._port, self._root, self.log = port, root, folder / "log"
        config = folder / "paperwire.toml"
        own = {"host": address, "port": port, "data_dir": str(folder), "web_processes": 1}
        config.write_text(to_toml({**settings, **own}), "utf-8")
        self._environment = {**os.environ, "PAPERWIRE_CONFIG": str(config)}
        self._environment["PYTHONPATH"] = str(root)
        if clock_skew:
            skew = {"LD_PRELOAD": clock_skew_library(), "CLOCK_SKEW": str(clock_skew)}
            self._environment |= skew
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *programs: str) -> None:
        """Start programs of `COMMANDS`; returns when the web server answers."""
        for name in programs:
            with self.log.open("ab") as log:
                self._processes[name] = subprocess.Popen(
                    (sys.executable, *COMMANDS[name]),
                    env=self._environment,
                    cwd=self._root,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    preexec_fn=_end_with_the_tests,
                )
        if "web" in programs:
            wait_until(lambda: is_listening(self.address, self._port), 60)
            wait_until(lambda: requests.get(f"{self.url}/healthz", timeout=10).status_code == 200)

    def drain(self, *programs: str) -> tuple[float, dict[str, int]]:
        """Send SIGTERM to programs, or all; return the seconds and the exit status of each."""
        began = time.monotonic()
        stopping = {name: self._processes.pop(name) for name in programs or [*self._processes]}
        for process in stopping.values():
            process.terminate()
        codes = {name: process.wait(STOP_TIMEOUT) for name, process in stopping.items()}
        return time.monotonic() - began, codes

    def kill(self) -> None:
        """Kill every process and what it has started, at once."""
        for process in self._processes.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        for process in self._processes.values():
            process.wait(STOP_TIMEOUT)
        self._processes.clear()

    @property
    def is_running(self) -> bool:
        """Whether no process of the host has ended by itself."""
        return all(process.poll() is None for process in self._processes.values())


@dataclass
class RequestingClients:
    """Clients that send new queries without a pause, and how each request ended."""

    base_url: str
    outcomes: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    _number: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def request(self) -> str:
        """Send one query that no cache has; return its status, or the error."""
        with self._lock:
            self._number += 1
            path = f"/feeds/search.atom?q=paper{self._number}"
        began = time.monotonic()
        try:
            with requests.get(f"{self.base_url}{path}", timeout=20) as response:
                outcome = str(response.status_code)
                if not response.content.endswith((b"</feed>", b"</feed>\n")):
                    outcome += " cut"
        except requests.RequestException as error:
            outcome = type(error).__name__
        with self._lock:
            self.outcomes[outcome] += 1
            self.slowest = max(self.slowest, time.monotonic() - began)
        return outcome

    @contextmanager
    def requesting(self, clients: int = 3) -> Iterator[None]:
        """Have clients request until the block ends."""
        ended = threading.Event()

        def run() -> None:
            while not ended.is_set():
                self.request()

        threads = [threading.Thread(target=run, daemon=True) for _ in range(clients)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            ended.set()
            for thread in threads:
                thread.join(30)
