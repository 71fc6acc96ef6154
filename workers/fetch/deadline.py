"""A limit on the total time of one network exchange, in whatever phase it stalls."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from types import TracebackType
from typing import Self


class Deadline:
    """Shuts the watched sockets down when the time is up.

    Socket time-outs start anew with every byte: an upstream that sends one byte a second would
    block a worker for days, in the headers as well as in the body. So a timer shuts the connection
    down, and the reader finds its end; `is_expired` then says why.
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
        error_type: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        with self._lock:
            while self._watched:
                self._watched.pop().close()

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline; never below zero."""
        return max(self._ends - time.monotonic(), 0.0)

    @property
    def is_expired(self) -> bool:
        """True once the deadline has passed."""
        return self.seconds_left == 0

    def watch(self, connection: socket.socket) -> None:
        """Shut this connection down too when the time is up.

        Keeps a duplicate, since TLS takes over the socket itself.
        """
        with self._lock:
            self._watched.append(connection.dup())
        if self.is_expired:
            self._shut_down_sockets()

    def _shut_down_sockets(self) -> None:
        with self._lock:
            for connection in self._watched:
                with contextlib.suppress(OSError):  # the peer was faster
                    connection.shutdown(socket.SHUT_RDWR)
