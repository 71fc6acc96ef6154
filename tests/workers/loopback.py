"""A small HTTP server on loopback with scripted replies and a log of requests."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class ScriptedReply:
    """A reply. `length` overrides the Content-Length; `raw` replaces everything that is sent.

    `pause` seconds pass between two bytes; None sends nothing at all, forever.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"<feed/>"
    length: int | None = None
    raw: bytes | None = None
    pause: float | None = 0.0


@dataclass
class ReceivedRequest:
    """A request: when it arrived and when its last byte was sent (monotonic seconds)."""

    path: str
    headers: Mapping[str, str]
    arrived_at: float
    finished_at: float = 0.0


class Loopback:
    """Serves each path's replies in turn, the last one repeatedly."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.host = host
        self.replies: dict[str, list[ScriptedReply]] = {}
        self.requests: list[ReceivedRequest] = []
        self.closing = threading.Event()
        self._server = _Server((host, 0), _Handler)
        self._server.owner = self

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def url(self, path: str = "/", host: str = "") -> str:
        return f"http://{host or self.host}:{self.port}{path}"

    def reply_with(self, path: str, *replies: ScriptedReply) -> str:
        """Set a path's replies (for any query, or exactly the given one); return its URL."""
        self.replies[path] = list(replies)
        return self.url(path)

    def next_reply(self, path: str) -> ScriptedReply:
        key = path if path in self.replies else path.split("?")[0]
        replies = self.replies.get(key, [ScriptedReply(404, body=b"nothing here")])
        return replies.pop(0) if len(replies) > 1 else replies[0]

    @contextmanager
    def running(self) -> Iterator[Loopback]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield self
        finally:
            self.closing.set()
            self._server.shutdown()
            self._server.server_close()
            thread.join()


class _Server(ThreadingHTTPServer):
    owner: Loopback
    daemon_threads = True
    request_queue_size = 50

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect: tests do so on purpose."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        owner = self.server.owner
        request = ReceivedRequest(self.path, dict(self.headers), time.monotonic())
        owner.requests.append(request)
        self.close_connection = True
        self._send(owner.next_reply(self.path), request)

    def _send(self, reply: ScriptedReply, request: ReceivedRequest) -> None:
        if reply.pause is None:
            self.server.owner.closing.wait(30)
            return
        for block in self._pieces(reply):
            request.finished_at = time.monotonic()
            self.wfile.write(block)
            if self.server.owner.closing.wait(reply.pause):
                return

    def _pieces(self, reply: ScriptedReply) -> list[bytes]:
        payload = reply.raw if reply.raw is not None else self._whole(reply)
        return [payload[at : at + 1] for at in range(len(payload))] if reply.pause else [payload]

    def _whole(self, reply: ScriptedReply) -> bytes:
        length = len(reply.body) if reply.length is None else reply.length
        headers = {"Content-Length": str(length), "Connection": "close", **reply.headers}
        lines = [f"HTTP/1.1 {reply.status} as told", *(f"{k}: {v}" for k, v in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode() + (b"" if reply.status == 304 else reply.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: tests read `requests`."""
