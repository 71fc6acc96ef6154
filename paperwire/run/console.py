"""What `up` and `demo` print: first where everything is, then what the parts say, line by line."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sys
import threading
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StartupInfo:
    """The first words: where everything is, and how to stop it."""

    address: str
    data_dir: str
    store: str
    next_fetch: str
    pid: int
    stop: str = "Ctrl-C"


class Console:
    """Prints the lines of many threads one by one; to nobody where the terminal has gone.

    With `as_json` the first words are one JSON document on standard output, and lines go to
    standard error.
    """

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._lines = sys.stderr if as_json else sys.stdout
        self._buffered: list[str] | None = None
        self._lock = threading.Lock()

    def print_line(self, name: str, text: str) -> None:
        """Print a line with the name of who says it."""
        line = f"{name:>9} | {text}"
        with self._lock:
            if self._buffered is None:
                self._print(line)
            else:
                self._buffered.append(line)

    def start_buffering(self) -> None:
        """Keep lines back from now on."""
        self._buffered = []

    def stop_buffering(self) -> None:
        """Print what was kept back, and whatever comes."""
        with self._lock:
            for line in self._buffered or ():
                self._print(line)
            self._buffered = None

    def print_startup(self, info: StartupInfo) -> None:
        """Print the first words."""
        if self._as_json:
            print(json.dumps(dataclasses.asdict(info)), flush=True)
            return
        print(f"\nPaperwire is at {info.address}")
        print(f"  data folder  {info.data_dir}")
        print(f"  store        {info.store}")
        print(f"  next fetch   {info.next_fetch}")
        print(f"  to stop      {info.stop}\n", flush=True)

    def _print(self, line: str) -> None:
        with contextlib.suppress(BrokenPipeError):
            print(line, file=self._lines, flush=True)
