"""Keep processors from sleeping during a measurement.

An idle processor sleeps. Waking it takes about 10 µs, on a virtual machine 30 to 60, and there
another machine may have used the processor and its caches in the meantime: a query of 0.3 ms with
two round trips to the store then takes half as long again, depending on the neighbors. A server
with other work does not sleep. So each processor is kept busy by a process of the lowest priority,
which yields to any other (Linux's SCHED_IDLE).
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
    """Keep the processors that this process may use awake while the context lasts."""
    processes = [
        subprocess.Popen([sys.executable, "-c", _BUSY_LOOP, str(processor)])
        for processor in sorted(os.sched_getaffinity(0))
    ]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()
