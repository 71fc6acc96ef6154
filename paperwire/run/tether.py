"""Tie a command to its parent process: it ends when the parent ends, even if that is killed.

As a script, `python tether.py PARENT SIGNAL COMMAND ...` runs COMMAND tied to the process PARENT.
On Linux the kernel sends the signal and COMMAND replaces this process; elsewhere this process
stays in between and polls. As a module, `tie_to_parent` ties a Python process to its parent.
Standard library only: it runs before anything else is imported.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Final

PARENT_POLL_INTERVAL: Final = 0.5
"""Seconds between two polls of the parent, where the kernel cannot notify us."""

_PR_SET_PDEATHSIG: Final = 1


def tie_command(command: list[str], signal_number: int = signal.SIGTERM) -> list[str]:
    """Wrap a command so that it gets this signal when the present process ends."""
    tether = [sys.executable, "-IS", os.path.abspath(__file__)]
    return [*tether, str(os.getpid()), str(int(signal_number)), *command]


def tie_to_parent(parent_pid: int, signal_number: int = signal.SIGTERM) -> None:
    """Send this process a signal when its parent ends; immediately if it has ended already.

    On Linux the parent is the thread that started it: start programs from the main thread.
    """
    if _set_parent_death_signal(parent_pid, signal_number):
        return
    threading.Thread(target=_poll_parent, args=(parent_pid, signal_number), daemon=True).start()


def main(arguments: list[str]) -> None:
    """Replace this process by the command, or run it and poll the parent."""
    parent_pid, signal_number, command = int(arguments[0]), int(arguments[1]), arguments[2:]
    if _set_parent_death_signal(parent_pid, signal_number):
        os.execvp(command[0], command)
    sys.exit(run_until_parent_ends(parent_pid, signal_number, command))


def run_until_parent_ends(parent_pid: int, signal_number: int, command: list[str]) -> int:
    """Run a command until it or the parent ends; return its exit code."""
    process = subprocess.Popen(command, close_fds=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: process.send_signal(received))
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(PARENT_POLL_INTERVAL)
        if os.getppid() != parent_pid:
            process.send_signal(signal_number)


def _set_parent_death_signal(parent_pid: int, signal_number: int) -> bool:
    """Ask Linux for a signal at the parent's end; False on other systems."""
    if sys.platform != "linux":
        return False
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal_number)
    if os.getppid() != parent_pid:  # it ended before the request
        os.kill(os.getpid(), signal_number)
    return True


def _poll_parent(parent_pid: int, signal_number: int) -> None:
    while os.getppid() == parent_pid:
        time.sleep(PARENT_POLL_INTERVAL)
    os.kill(os.getpid(), signal_number)


if __name__ == "__main__":
    main(sys.argv[1:])
