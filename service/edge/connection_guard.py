"""Connection guard: a thread of each web process that closes the connections clients leave open.

The web server limits connections in all, and the time for a request's header. It knows no limit for
one client, and waits without end for one that sends a body or reads a response at a byte a second.
The kernel knows of each connection whose it is and what has moved, so this thread asks it, several
times a second, and shuts down

* what a client has beyond its share, and what all have beyond theirs: silent connections first,
  with a 503 that says why; then idle ones, the longest idle first
* requests and responses that do not move
* responses that move slowly, if they are many: the web server keeps the body of each in memory

Otherwise a request that is being answered is never cut. Requests take no additional step. Linux
only: elsewhere the web server's own limits remain.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
import struct
import threading
import time
from collections.abc import Collection
from typing import Final

from papers.config.settings import Seconds
from service.edge.connection_limits import (
    RECEIVING_SECONDS,
    ClientConnection,
    GuardLimits,
    StallDetector,
    choose_excess,
    choose_slow,
)
from service.http.client_slots import ClientSlots

TICK_SECONDS: Final[Seconds] = 0.25
_TICK_SHARE: Final = 20
"""Ticks take this part of the time at most: with thousands of connections they are rarer."""

BUSY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Retry-After: 10\r\nCache-Control: no-store\r\nConnection: close\r\nContent-Length: 58\r\n\r\n"
    b"Service Unavailable: too many connections; try again soon\n"
)
"""Sent to a connection on which no request has come, before it is closed."""

_FOLDER: Final = "/proc/self/fd"
_FAMILIES: Final = (socket.AF_INET, socket.AF_INET6)
_TCP_INFO: Final = struct.Struct("=B23xI16xI4xI64xQQ8xI")
"""linux/tcp.h: state, unacked, last_data_sent, last_data_recv, bytes_acked, bytes_received,
notsent_bytes"""
_ESTABLISHED, _LISTENING = 1, 10


def start_connection_guard(limits: GuardLimits, bodies: ClientSlots) -> bool:
    """Watch the connections of this process from a thread; return False if the system cannot.

    `bodies` are the slots of bodies that are being received.
    """
    if not (hasattr(socket, "TCP_INFO") and os.path.isdir(_FOLDER)):
        return False
    detector = StallDetector()

    def watch() -> None:
        while True:
            began = time.monotonic()
            close_connections(limits, detector, began, bodies.held_for(RECEIVING_SECONDS))
            taken = time.monotonic() - began
            time.sleep(max(TICK_SECONDS, taken * _TICK_SHARE))

    threading.Thread(target=watch, name="connection-guard", daemon=True).start()
    return True


def close_connections(
    limits: GuardLimits, detector: StallDetector, now: Seconds, senders: Collection[str] = ()
) -> int:
    """Close what has to be closed at `now`; return how many were closed."""
    found = _client_connections()
    connections = [connection for _, connection in found.values()]
    chosen = choose_excess(connections, limits) | detector.stalled(connections, now, senders)
    chosen |= choose_slow(detector.slow_readers(connections, now), limits)
    for id in chosen:
        _close(*found[id])
    return len(chosen)


def _client_connections() -> dict[int, tuple[int, ClientConnection]]:
    """Return the connections to ports that this process listens on, by id, with descriptors."""
    ports: set[int] = set()
    found: list[tuple[int, int, ClientConnection]] = []
    for name in os.listdir(_FOLDER):
        with contextlib.suppress(OSError), contextlib.closing(_borrow(int(name))) as held:
            if held.family not in _FAMILIES:
                continue
            port, info = held.getsockname()[1], _tcp_info(held)
            if info[0] == _LISTENING:
                ports.add(port)
            elif info[0] == _ESTABLISHED:
                found.append((port, int(name), _describe(held, info)))
    return {one.id: (fd, one) for port, fd, one in found if port in ports}


def _tcp_info(held: socket.socket) -> tuple[int, ...]:
    return _TCP_INFO.unpack(
        held.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size),
    )


def _describe(held: socket.socket, info: tuple[int, ...]) -> ClientConnection:
    _, unacknowledged, sent_before, received_before, acknowledged, received, unsent = info
    return ClientConnection(
        id=os.fstat(held.fileno()).st_ino,
        client=held.getpeername()[0],
        sent_before=sent_before / 1000,
        received_before=received_before / 1000,
        acknowledged=acknowledged,
        received=received,
        is_sending=bool(unacknowledged or unsent),
    )


def _close(fd: int, connection: ClientConnection) -> None:
    """Shut a connection down; the web server, which owns its descriptor, then closes it."""
    with contextlib.suppress(OSError), contextlib.closing(_borrow(fd)) as held:
        if os.fstat(held.fileno()).st_ino == connection.id:
            if connection.is_silent:
                with contextlib.suppress(BlockingIOError):
                    held.send(BUSY, socket.MSG_DONTWAIT)
            held.shutdown(socket.SHUT_RDWR)


def _borrow(fd: int) -> socket.socket:
    """Return a socket by a duplicate of its descriptor. Raises OSError if that is not a socket.

    The web server may close the descriptor at any time and get the same number for another
    connection. A duplicate stays what it is.
    """
    if not stat.S_ISSOCK(os.fstat(fd).st_mode):
        raise OSError(errno.ENOTSOCK, "no socket")
    duplicate = os.dup(fd)
    try:
        return socket.socket(fileno=duplicate)
    except OSError:
        os.close(duplicate)
        raise
