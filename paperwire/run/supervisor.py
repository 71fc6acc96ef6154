"""Keeps programs running: starts them in order, starts again what crashed, stops all in reverse.

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
from paperwire.run.tether import tied

SHORTEST_PAUSE: Final[Seconds] = 0.5
LONGEST_PAUSE: Final[Seconds] = 30.0
STEADY: Final[Seconds] = 60.0
"""A program that ran this long has shown that it can: its next crash counts as the first."""

LAST_WORDS: Final[Seconds] = 1.0
"""How long a program's lines are waited for after its end: a child of its own may hold on."""

Say = Callable[[str, str], None]
"""Prints one line: who says it, and what."""


@dataclass(frozen=True, slots=True)
class Part:
    """A program to keep running.

    `environment` is added to ours; `farewell` is the signal it gets should we be killed; `grace`
    is how long each of two requests to end is given before it is killed; `keeps` are
    descriptors it inherits.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    farewell: int = signal.SIGTERM
    grace: Seconds = 3.0
    keeps: tuple[int, ...] = ()


@dataclass(slots=True)
class _Run:
    part: Part
    process: subprocess.Popen[str]
    relay: threading.Thread
    started_at: float
    crashes: int = 0
    again_at: float | None = None


def pause(crashes: int) -> Seconds:
    """How long to wait after that many crashes in a row before starting again."""
    return min(SHORTEST_PAUSE * 2.0 ** min(crashes - 1, 16), LONGEST_PAUSE)


class Supervisor:
    """Runs parts; `stopping` ends the watch, `hurrying` the patience with what will not end."""

    def __init__(self, say: Say) -> None:
        self.say = say
        self._runs: list[_Run] = []
        self.stopping = threading.Event()
        self.hurrying = threading.Event()

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, part: Part) -> None:
        """Start a part; it is stopped before all that were started earlier."""
        self._runs.append(_Run(part, *self._launched(part), time.monotonic()))

    def listen(self) -> None:
        """Stop at Ctrl-C, at a polite kill and when the terminal closes; hurry at a second one."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self.end())

    def end(self) -> None:
        """Have the watch end; said twice, do without patience."""
        if self.stopping.is_set():
            self.hurrying.set()
        self.stopping.set()

    def tend(self, now: float) -> list[str]:
        """Look after every part once; the names of those found ended.

        `now` in seconds of the monotonic clock.
        """
        ended = []
        for run in self._runs:
            if run.again_at is not None:
                if now >= run.again_at:
                    self._start_again(run, now)
            elif (code := run.process.poll()) is not None:
                self._note_crash(run, code, now)
                ended.append(run.part.name)
        return ended

    def pids(self) -> list[int]:
        """The processes of the parts, in the order of their start."""
        return [run.process.pid for run in self._runs]

    def stop(self) -> None:
        """End every part, the last started first, those of one name together."""
        while self._runs:
            name = self._runs[-1].part.name
            group = [run for run in self._runs if run.part.name == name]
            self._runs = [run for run in self._runs if run.part.name != name]
            self._end(group)

    def _launched(self, part: Part) -> tuple[subprocess.Popen[str], threading.Thread]:
        process = subprocess.Popen(
            tied(list(part.command), part.farewell),
            env=os.environ | part.environment,
            pass_fds=part.keeps,
            process_group=0,  # Ctrl-C is for us alone: we end them in order
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        relay = threading.Thread(target=self._relay, args=(part.name, process), daemon=True)
        relay.start()
        return process, relay

    def _relay(self, name: str, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                self.say(name, line.rstrip())

    def _start_again(self, run: _Run, now: float) -> None:
        run.process, run.relay = self._launched(run.part)
        run.started_at, run.again_at = now, None

    def _note_crash(self, run: _Run, code: int, now: float) -> None:
        run.crashes = 1 if now - run.started_at >= STEADY else run.crashes + 1
        wait = pause(run.crashes)
        run.again_at = now + wait
        self.say(run.part.name, f"ended ({_cause(code)}); starts again in {wait:g} s")

    def _end(self, group: list[_Run]) -> None:
        for number in (signal.SIGTERM, signal.SIGTERM):
            for run in group:
                if run.process.poll() is None:
                    run.process.send_signal(number)
            self._await(group, max(run.part.grace for run in group))
        for run in group:
            run.process.kill()
            run.process.wait()
            run.relay.join(LAST_WORDS)

    def _await(self, group: list[_Run], grace: Seconds) -> None:
        deadline = time.monotonic() + grace
        while any(run.process.poll() is None for run in group):
            if time.monotonic() >= deadline or self.hurrying.wait(0.02):
                return


def _cause(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {-code}"
