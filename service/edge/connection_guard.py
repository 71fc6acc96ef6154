"""Connection guard: a thread of each web process that closes the connections clients leave open.

The web server limits connections in all, and the time for a request's header. It knows no limit for
one client, and waits without end for one that sends a body or reads a response at a byte a second.
The kernel knows of each connection whose it is and what has moved, so this thread asks it, several
times a second, and shuts down

* what a client has beyond its share, and what all have beyond theirs: silent connections first,
  with a 503 that says why; then idle ones, the longest idle first
* requests and responses that do not move

A request that is being answered is never cut, and requests take no additional step. Linux only:
elsewhere the web server's own limits remain.
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
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from papers.config.networks import Network, address_in
from papers.config.settings import Seconds
from service.http.client_slots import ClientSlots
from service.http.rate_limit import rate_limit_key

MAX_PER_CLIENT: Final = 256
"""Connections of one client to one process; trusted proxies have no such limit."""

HALF_SENT_SECONDS: Final[Seconds] = 3.0
"""Time after which a request that is not answered counts as left open, if there are too many."""

STALL_SECONDS: Final[Seconds] = 20.0
"""Time in which a response must move on by `MIN_BYTES`."""

UNANSWERED_SECONDS: Final[Seconds] = 300.0
"""Time in which a request must be answered, or move on by `MIN_BYTES`."""

RECEIVING_SECONDS: Final[Seconds] = 30.0
"""Time in which a body must be received, or move on by `MIN_BYTES`."""

MIN_BYTES: Final = 20_000
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


@dataclass(frozen=True, slots=True)
class ClientConnection:
    """A connection as the kernel sees it. `id` is its inode; times are seconds before now."""

    id: int
    client: str
    sent_before: Seconds
    received_before: Seconds
    acknowledged: int
    """Bytes that the client has acknowledged."""
    received: int
    is_sending: bool
    """True if bytes wait for the client to acknowledge them."""

    @property
    def is_silent(self) -> bool:
        """True if nothing has come yet."""
        return not self.received

    @property
    def is_unanswered(self) -> bool:
        """True if something has come, and nothing has been sent since."""
        return bool(self.received) and self.received_before <= self.sent_before

    @property
    def is_resting(self) -> bool:
        """True between two requests."""
        return not (self.is_silent or self.is_unanswered or self.is_sending)


@dataclass(frozen=True, slots=True)
class GuardLimits:
    """How many connections there may be, and the networks of proxies, which have no share."""

    per_client: int
    in_all: int
    proxies: tuple[Network, ...] = ()


def choose_excess(connections: Iterable[ClientConnection], limits: GuardLimits) -> set[int]:
    """Return the ids of connections to close so that nobody has more than the limits.

    Only those that can be closed without cutting an answer: there may be fewer than excess.
    """
    clients: dict[str, list[ClientConnection]] = defaultdict(list)
    everything = list(connections)
    for connection in everything:
        if not address_in(connection.client, limits.proxies):
            clients[rate_limit_key(connection.client)].append(connection)
    chosen: set[int] = set()
    for own in clients.values():
        chosen.update(_longest_open(own, len(own) - limits.per_client))
    left = [connection for connection in everything if connection.id not in chosen]
    chosen.update(_longest_open(left, len(left) - limits.in_all))
    return chosen


def _longest_open(connections: list[ClientConnection], count: int) -> Iterator[int]:
    """Yield up to `count` connections that may be closed, those of least use first."""
    if count <= 0:
        return
    closable = [
        (rank, -connection.received_before, connection.id)
        for connection in connections
        if (rank := _rank(connection)) is not None
    ]
    for _, _, id in sorted(closable)[:count]:
        yield id


def _rank(connection: ClientConnection) -> int | None:
    if connection.is_silent:
        return 0
    if connection.is_resting:
        return 1
    left_open = connection.is_unanswered and connection.received_before >= HALF_SENT_SECONDS
    return 2 if left_open else None


@dataclass(frozen=True, slots=True)
class _Mark:
    """How far a connection had got at some time, for comparison."""

    at: Seconds
    moved: int
    is_sending: bool


class StallDetector:
    """Finds connections whose request or response does not move, from one tick to the next."""

    def __init__(self) -> None:
        self._marks: dict[int, _Mark] = {}

    def stalled(
        self,
        connections: Iterable[ClientConnection],
        now: Seconds,
        senders: Collection[str] = (),
    ) -> set[int]:
        """Return the ids of connections that stall at `now`, seconds that never go back.

        `senders` are the clients (rate-limit keys) whose bodies have been waited for too long.
        """
        marks, stalled = {}, set()
        for one in connections:
            if not (one.is_sending or one.is_unanswered):
                continue
            moved = one.acknowledged if one.is_sending else one.received
            mark = self._marks.get(one.id)
            if mark is None or mark.is_sending != one.is_sending or moved - mark.moved >= MIN_BYTES:
                mark = _Mark(now, moved, one.is_sending)
            marks[one.id] = mark
            if now - mark.at >= _patience(one, senders):
                stalled.add(one.id)
        self._marks = marks
        return stalled


def _patience(connection: ClientConnection, senders: Collection[str]) -> Seconds:
    """Return for how long a connection may stand still."""
    if connection.is_sending:
        return STALL_SECONDS
    is_sender = rate_limit_key(connection.client) in senders
    return RECEIVING_SECONDS if is_sender else UNANSWERED_SECONDS


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
