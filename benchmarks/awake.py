"""Processors that do not sleep while something is measured.

A processor with nothing to do sleeps. To be woken takes it some 10 µs, on a virtual machine 30 to
60, and there another machine may have had it, and its caches, meanwhile: a question of 0.3 ms that
waits for the store twice takes a half more then, as the neighbours have it. A server that has
other work to do does not sleep. So here each processor is kept busy by a process that gives way to
any other (Linux's SCHED_IDLE).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

IS_SUPPORTED: Final = hasattr(os, "SCHED_IDLE")
_BUSY_LOOP: Final = """
import os, sys
os.sched_setaffinity(0, {int(sys.argv[1])})
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
parent = os.getppid()
while os.getppid() == parent:
    for _ in range(100_000):
        pass
"""


@contextmanager
def keep_processors_awake() -> Iterator[None]:
    """Keep those that this process may use awake meanwhile, where that is possible."""
    kept = [
        subprocess.Popen([sys.executable, "-c", _BUSY_LOOP, str(processor)])
        for processor in sorted(os.sched_getaffinity(0))
    ]
    try:
        yield
    finally:
        for process in kept:
            process.kill()
            process.wait()
