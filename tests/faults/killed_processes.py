"""Processes that die at a given command to Redis."""

from __future__ import annotations

import multiprocessing
import os
import signal
from multiprocessing.sharedctypes import Synchronized
from typing import Any

from redis.connection import AbstractConnection

NEVER = 10**9

SPAWN = multiprocessing.get_context("forkserver")
"""Forks from a single-threaded process with all imports done."""


def count_commands(fatal: int, counted: Synchronized[int]) -> None:
    """Count this process's commands to Redis; die at number `fatal`, after sending if it is odd."""
    send: Any = AbstractConnection.send_packed_command

    def sending(self: AbstractConnection, *args: Any, **kwargs: Any) -> None:
        counted.value += 1
        if counted.value == fatal and fatal % 2 == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        send(self, *args, **kwargs)
        if counted.value == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    AbstractConnection.send_packed_command = sending  # type: ignore[method-assign]
