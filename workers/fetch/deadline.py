"""A limit on how long one exchange over the network may take, wherever it hangs."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from types import TracebackType
from typing import Self


class Deadline:
    """Cuts the sockets under its watch when the time is up.

    Time-outs of a socket begin anew with every byte: an upstream that sends one byte a second
    would hold a worker for days, in the headers as well as in the body. So a timer shuts the
    connection down, and whoever reads from it finds its end; `passed` then tells why.
    """

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds
        self._watched: list[socket.socket] = []
        self._timer = threading.Timer(max(seconds, 0), self._shut_down_sockets)
        self._timer.daemon = True
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        with self._lock:
            while self._watched:
                self._watched.pop().close()

    @property
    def seconds_left(self) -> float:
        """Seconds until the time is up; never below zero."""
        return max(self._ends - time.monotonic(), 0.0)

    @property
    def is_expired(self) -> bool:
        """Whether the time is up."""
        return self.seconds_left == 0

    def watch(self, connection: socket.socket) -> None:
        """Cut this connection too when the time is up.

        A duplicate is kept, since TLS takes the socket itself over.
        """
        with self._lock:
            self._watched.append(connection.dup())
        if self.is_expired:
            self._shut_down_sockets()

    def _shut_down_sockets(self) -> None:
        with self._lock:
            for connection in self._watched:
                with contextlib.suppress(OSError):  # the other side was faster
                    connection.shutdown(socket.SHUT_RDWR)
