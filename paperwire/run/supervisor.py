"""Supervise programs: start them in order, restart those that crash, stop them in reverse order.

Every program is tied to this process: however it ends, they end too.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from papers.config.settings import Seconds
from paperwire.run.tether import tie_command

MIN_RESTART_DELAY: Final[Seconds] = 0.5
MAX_RESTART_DELAY: Final[Seconds] = 30.0
STABLE_AFTER: Final[Seconds] = 60.0
"""The time after which a program counts as stable: its next crash counts as the first."""

OUTPUT_DRAIN_TIMEOUT: Final[Seconds] = 1.0
"""How long to wait for output after a program's end: its children may keep the pipe open."""

PrintLine = Callable[[str, str], None]
"""Prints one line: the program's name, and the text."""


@dataclass(frozen=True, slots=True)
class ProgramSpec:
    """A program to supervise.

    `environment` is added to ours. `orphan_signal` is sent to it if this process is killed.
    `stop_timeout` is the time allowed after each of two SIGTERMs before it is killed.
    `inherited_fds` are file descriptors passed to it.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    orphan_signal: int = signal.SIGTERM
    stop_timeout: Seconds = 3.0
    inherited_fds: tuple[int, ...] = ()


@dataclass(slots=True)
class _RunningProgram:
    spec: ProgramSpec
    process: subprocess.Popen[str]
    relay_thread: threading.Thread
    started_at: float
    crashes: int = 0
    restart_at: float | None = None


def restart_delay(crashes: int) -> Seconds:
    """Return how long to wait before a restart, after that many crashes in a row."""
    return min(MIN_RESTART_DELAY * 2.0 ** min(crashes - 1, 16), MAX_RESTART_DELAY)


class Supervisor:
    """Runs programs until `stopping` is set; `skipping_grace` cuts the stop timeouts short."""

    def __init__(self, print_line: PrintLine) -> None:
        self.print_line = print_line
        self._runs: list[_RunningProgram] = []
        self.stopping = threading.Event()
        self.skipping_grace = threading.Event()

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, spec: ProgramSpec) -> None:
        """Start a program; it will be stopped before all that were started earlier."""
        self._runs.append(_RunningProgram(spec, *self._launch(spec), time.monotonic()))

    def install_signal_handlers(self) -> None:
        """Stop on SIGINT, SIGTERM and SIGHUP; skip the grace period on a second one."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self.request_stop())

    def request_stop(self) -> None:
        """Request an orderly stop; a second call skips the grace period."""
        if self.stopping.is_set():
            self.skipping_grace.set()
        self.stopping.set()

    def check_programs(self, now: float) -> list[str]:
        """Restart what is due and return the names of programs found ended.

        `now` is in seconds of the monotonic clock.
        """
        ended = []
        for run in self._runs:
            if run.restart_at is not None:
                if now >= run.restart_at:
                    self._restart(run, now)
            elif (code := run.process.poll()) is not None:
                self._note_crash(run, code, now)
                ended.append(run.spec.name)
        return ended

    def pids(self) -> list[int]:
        """Return the process ids of the programs, in start order."""
        return [run.process.pid for run in self._runs]

    def stop(self) -> None:
        """Stop every program, last started first, those of one name together."""
        while self._runs:
            name = self._runs[-1].spec.name
            group = [run for run in self._runs if run.spec.name == name]
            self._runs = [run for run in self._runs if run.spec.name != name]
            self._stop_group(group)

    def _launch(self, spec: ProgramSpec) -> tuple[subprocess.Popen[str], threading.Thread]:
        process = subprocess.Popen(
            tie_command(list(spec.command), spec.orphan_signal),
            env=os.environ | spec.environment,
            pass_fds=spec.inherited_fds,
            process_group=0,  # Ctrl-C must reach this process only, which stops them in order
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        relay = threading.Thread(target=self._relay_output, args=(spec.name, process), daemon=True)
        relay.start()
        return process, relay

    def _relay_output(self, name: str, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                self.print_line(name, line.rstrip())

    def _restart(self, run: _RunningProgram, now: float) -> None:
        run.process, run.relay_thread = self._launch(run.spec)
        run.started_at, run.restart_at = now, None

    def _note_crash(self, run: _RunningProgram, code: int, now: float) -> None:
        run.crashes = 1 if now - run.started_at >= STABLE_AFTER else run.crashes + 1
        wait = restart_delay(run.crashes)
        run.restart_at = now + wait
        self.print_line(run.spec.name, f"ended ({_exit_cause(code)}); restarts in {wait:g} s")

    def _stop_group(self, group: list[_RunningProgram]) -> None:
        for number in (signal.SIGTERM, signal.SIGTERM):
            for run in group:
                if run.process.poll() is None:
                    run.process.send_signal(number)
            self._wait_for_exit(group, max(run.spec.stop_timeout for run in group))
        for run in group:
            run.process.kill()
            run.process.wait()
            run.relay_thread.join(OUTPUT_DRAIN_TIMEOUT)

    def _wait_for_exit(self, group: list[_RunningProgram], timeout: Seconds) -> None:
        deadline = time.monotonic() + timeout
        while any(run.process.poll() is None for run in group):
            if time.monotonic() >= deadline or self.skipping_grace.wait(0.02):
                return


def _exit_cause(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {-code}"
