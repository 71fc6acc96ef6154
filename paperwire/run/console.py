"""Console output of `up` and `demo`: a startup summary, then the log lines of the processes."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import sys
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TextIO

from papers.command_name import command_line
from papers.state.access.local_token import address_with_key


@dataclass(frozen=True, slots=True)
class StartupInfo:
    """The startup summary: address, folders, process id, and how to stop.

    `key` is the token of this machine, if `up` has made it: "" where one is configured.
    """

    address: str
    data_dir: str
    store: str
    next_fetch: str
    pid: int
    stop: str = "Ctrl-C"
    key: str = ""

    @property
    def page_address(self) -> str:
        """The address to open in a browser of this machine, which may then save."""
        return address_with_key(self.address, self.key) if self.key else self.address


class Console:
    """Prints lines from many threads, one at a time; drops them once the terminal is closed.

    With `as_json` the startup summary is one JSON document on standard output, and log lines go
    to standard error.
    """

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._lines = sys.stderr if as_json else sys.stdout
        self._buffered: list[str] | None = None
        self._lock = threading.Lock()

    def print_line(self, name: str, text: str) -> None:
        """Print a line, prefixed with the name of its process."""
        line = f"{name:>9} | {text}"
        with self._lock:
            if self._buffered is None:
                self._print(line)
            else:
                self._buffered.append(line)

    def start_buffering(self) -> None:
        """Buffer lines instead of printing them."""
        self._buffered = []

    def stop_buffering(self) -> None:
        """Print the buffered lines, and print directly from now on."""
        with self._lock:
            for line in self._buffered or ():
                self._print(line)
            self._buffered = None

    def print_startup(self, info: StartupInfo) -> None:
        """Print the startup summary."""
        if self._as_json:
            print(json.dumps(dataclasses.asdict(info)), flush=True)
            return
        print(f"\nPaperwire is at {info.address if _is_journal(sys.stdout) else info.page_address}")
        if info.key:
            print(f"  to save      {_how_to_save()}")
        print(f"  data folder  {info.data_dir}")
        print(f"  store        {info.store}")
        print(f"  next fetch   {info.next_fetch}")
        print(f"  to stop      {info.stop}\n", flush=True)

    def _print(self, line: str) -> None:
        with contextlib.suppress(BrokenPipeError):
            print(line, file=self._lines, flush=True)


def _how_to_save() -> str:
    if _is_journal(sys.stdout):
        return f"open the address that `{command_line('token show')}` prints"
    return "open that address: the browser keeps its key"


def _is_journal(file: TextIO) -> bool:
    """Return whether what is printed goes to the system's journal, where no secret belongs."""
    with contextlib.suppress(OSError, ValueError):
        found = os.fstat(file.fileno())
        return os.environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"
    return False


def format_next_fetch(
    planned: Mapping[str, datetime], attempted: Collection[str], now: datetime
) -> str:
    """Describe which task runs next, and when; `now` is aware UTC.

    `planned` is sorted by due time; `attempted` has the tasks that have run before. A planned task
    that never ran counts as due now: a worker has claimed it, which moved its due time.
    """
    if not planned:
        return "nothing is planned yet"
    new = [task for task in planned if task not in attempted]
    task, at = (new[0], now) if new else next(iter(planned.items()))
    if at <= now:
        return f"now ({task})"
    return f"{at:%H:%M} UTC, in {format_duration(at - now)} ({task})"


def format_duration(time: timedelta) -> str:
    """Render a duration in its two largest units: `3 h 20 min`, `2 d 1 h`, `12 s`."""
    seconds = round(time.total_seconds())
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    parts: list[str] = []
    for name, size in units:
        count, seconds = divmod(seconds, size)
        if count or (name == "s" and not parts):
            parts.append(f"{count} {name}")
    return " ".join(parts[:2])
