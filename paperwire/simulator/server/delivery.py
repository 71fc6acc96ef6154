"""How an answer goes over the wire: whole, cut, dripped, never, or as a reset connection."""

from __future__ import annotations

import os
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

from paperwire.simulator.server.messages import Delivery, Reply

_PATIENCE = 600.0
"""Seconds after which a hanging answer ends although nobody has healed the site."""

_TICK = 0.02
Ended = Callable[[], None]


def deliver(
    handler: BaseHTTPRequestHandler, reply: Reply, healed: threading.Event, ended: Ended
) -> None:
    """Send a reply; `ended` is called just before its last byte, or when the client has gone."""
    body = b"" if handler.command == "HEAD" else reply.body
    if reply.delivery is Delivery.RESET:
        ended()
        _reset(handler)
    elif reply.delivery is Delivery.HANG:
        _pause(handler.connection, healed, _PATIENCE)
        ended()
        handler.close_connection = True
    elif reply.delivery is Delivery.DRIP:
        _head(handler, reply)
        _drip(handler, body, reply.pause, healed)
        ended()
    else:
        _head(handler, reply)
        ended()
        handler.close_connection |= reply.delivery is Delivery.CUT
        handler.wfile.write(body[: len(body) // 2] if reply.delivery is Delivery.CUT else body)


def _head(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
    handler.send_response(reply.status)
    if reply.status != 304:
        handler.send_header("Content-Type", reply.content_type)
        handler.send_header("Content-Length", str(len(reply.body)))
    for name, value in reply.headers.items():
        handler.send_header(name, value)
    handler.end_headers()


def _drip(
    handler: BaseHTTPRequestHandler, body: bytes, pause: float, healed: threading.Event
) -> None:
    for n in range(len(body)):
        if not _pause(handler.connection, healed, pause):
            break
        handler.wfile.write(body[n : n + 1])
    else:
        return
    handler.close_connection = True


def _pause(connection: socket.socket, healed: threading.Event, seconds: float) -> bool:
    """Whether nothing happened for so long: no heal, and the client is still there."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if healed.wait(min(left, _TICK)) or _gone(connection):
            return False
    return True


def _gone(connection: socket.socket) -> bool:
    readable, _, _ = select.select([connection], [], [], 0)
    if not readable:
        return False
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except ConnectionError:
        return True


def _reset(handler: BaseHTTPRequestHandler) -> None:
    """Close the connection so that the client gets a reset instead of an end."""
    linger = struct.pack("ii", 1, 0)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    handler.close_connection = True
    os.close(handler.connection.detach())
