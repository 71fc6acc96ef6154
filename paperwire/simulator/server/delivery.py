"""Send replies: whole, truncated, byte by byte, never, or as a connection reset."""

from __future__ import annotations

import os
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

from paperwire.simulator.server.messages import Delivery, SimulatorReply

_HANG_TIMEOUT = 600.0
"""Seconds after which a hanging request ends even if the fault is not removed."""

_POLL_INTERVAL = 0.02
OnEnded = Callable[[], None]


def send_reply(
    handler: BaseHTTPRequestHandler,
    reply: SimulatorReply,
    healed: threading.Event,
    on_ended: OnEnded,
) -> None:
    """Send a reply; calls `on_ended` just before its last byte, or when the client disconnects."""
    body = b"" if handler.command == "HEAD" else reply.body
    if reply.delivery is Delivery.RESET:
        on_ended()
        _reset_connection(handler)
    elif reply.delivery is Delivery.HANG:
        _wait(handler.connection, healed, _HANG_TIMEOUT)
        on_ended()
        handler.close_connection = True
    elif reply.delivery is Delivery.DRIP:
        _send_head(handler, reply)
        _send_slowly(handler, body, reply.pause, healed)
        on_ended()
    else:
        _send_head(handler, reply)
        on_ended()
        handler.close_connection |= reply.delivery is Delivery.CUT
        handler.wfile.write(body[: len(body) // 2] if reply.delivery is Delivery.CUT else body)


def _send_head(handler: BaseHTTPRequestHandler, reply: SimulatorReply) -> None:
    handler.send_response(reply.status)
    if reply.status != 304:
        handler.send_header("Content-Type", reply.content_type)
        handler.send_header("Content-Length", str(len(reply.body)))
    for name, value in reply.headers.items():
        handler.send_header(name, value)
    handler.end_headers()


def _send_slowly(
    handler: BaseHTTPRequestHandler, body: bytes, pause: float, healed: threading.Event
) -> None:
    for n in range(len(body)):
        if not _wait(handler.connection, healed, pause):
            break
        handler.wfile.write(body[n : n + 1])
    else:
        return
    handler.close_connection = True


def _wait(connection: socket.socket, healed: threading.Event, seconds: float) -> bool:
    """Wait; False, at once, if the fault is removed or the client disconnects."""
    deadline = time.monotonic() + seconds
    while (remaining := deadline - time.monotonic()) > 0:
        if healed.wait(min(remaining, _POLL_INTERVAL)) or _is_client_gone(connection):
            return False
    return True


def _is_client_gone(connection: socket.socket) -> bool:
    readable, _, _ = select.select([connection], [], [], 0)
    if not readable:
        return False
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except ConnectionError:
        return True


def _reset_connection(handler: BaseHTTPRequestHandler) -> None:
    """Close the connection with a TCP reset."""
    linger = struct.pack("ii", 1, 0)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    handler.close_connection = True
    os.close(handler.connection.detach())
