"""A scripted HTTP server on loopback, with injectable faults and a request log.

    request → the first active fault for its path, else the responder → 304 or gzip → delivery

`ScriptedServer` is independent of papers: the simulator and the tests' replay of recorded
responses both use it.
"""

from __future__ import annotations

import gzip
import hashlib
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, Final, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from paperwire.simulator.server.delivery import send_reply
from paperwire.simulator.server.faults import ActiveFault, fault_by_name
from paperwire.simulator.server.messages import Responder, SimulatorReply, SimulatorRequest
from paperwire.simulator.server.request_log import RecordedRequest, RequestLog

CONNECTION_REFUSED = "refused"
_MIN_GZIP_SIZE = 1000


class ScriptedServer:
    """An HTTP server on 127.0.0.1 that sends the replies of `respond`; a context manager.

    `clock` returns the time for its Date header, aware UTC. Port 0 is any free one. Leaving the
    context, or `close`, re-raises the first exception of a request.
    """

    def __init__(self, respond: Responder, clock: Callable[[], datetime], *, port: int = 0) -> None:
        self._respond, self._clock = respond, clock
        self._lock = threading.Lock()
        self._active_faults: list[ActiveFault] = []
        self._healed = threading.Event()
        self._requests = RequestLog()
        self._port = port
        self._server: _HttpServer | None = None

    def __enter__(self) -> Self:
        self.listen()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The base address, without a trailing slash."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def log(self) -> list[RecordedRequest]:
        """All requests so far, in order of arrival."""
        return self._requests.to_paths()

    def requests_to(self, *prefixes: str) -> list[RecordedRequest]:
        """Return requests to paths that begin with one of `prefixes`."""
        return self._requests.to_paths(*prefixes)

    def listen(self) -> None:
        """Start listening; after an interruption on the same port as before."""
        if self._server is None:
            self._server = _HttpServer(self, self._port)
            self._port = self._server.server_port
            self._server.start()

    def close(self) -> None:
        """Stop listening and close every connection."""
        self._healed.set()
        if self._server is not None:
            server, self._server = self._server, None
            server.stop()

    def fail(
        self, what: str | int, prefix: str = "/", *, times: int | None = None, **options: Any
    ) -> None:
        """Answer paths that begin with `prefix` with a fault, `times` times or until `heal`.

        `what` is a status or a name in `faults`; several faults apply one after the other.
        "refused" closes the port, whatever the path.
        """
        if what == CONNECTION_REFUSED:
            if self._server is not None:
                server, self._server = self._server, None
                server.stop()
            return
        fault = ActiveFault(str(what), prefix, fault_by_name(what, **options), times)
        with self._lock:
            self._healed.clear()
            self._active_faults.append(fault)

    def heal(self) -> None:
        """Remove all faults; hanging and dripping replies end."""
        with self._lock:
            self._active_faults.clear()
            self._healed.set()
        self.listen()

    def handle_request(self, handler: _Handler) -> None:
        """Handle one request, in the thread of its connection."""
        headers = {name.lower(): value for name, value in handler.headers.items()}
        recorded = RecordedRequest(
            handler.path, headers, handler.connection_number, time.monotonic()
        )
        index = self._requests.add(recorded)
        request = self._parse_request(handler.path, headers)
        active = self._next_fault(request.path)
        reply = active.fault(request, self._respond) if active else self._respond(request)
        reply = _gzip_if_accepted(request, _add_validators(request, reply))
        self._requests.update(index, status=reply.status, fault=active.name if active else "")
        send_reply(
            handler,
            reply,
            self._healed,
            lambda: self._requests.update(index, ended=time.monotonic()),
        )

    def date_header(self) -> str:
        """Return the value of the Date header."""
        return format_datetime(self._clock(), usegmt=True)

    def _parse_request(self, target: str, headers: dict[str, str]) -> SimulatorRequest:
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        return SimulatorRequest(unquote(parts.path), query, headers, self._clock(), target)

    def _next_fault(self, path: str) -> ActiveFault | None:
        with self._lock:
            for fault in self._active_faults:
                if path.startswith(fault.prefix) and fault.remaining != 0:
                    if fault.remaining is not None:
                        fault.remaining -= 1
                    return fault
        return None


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 512

    def __init__(self, owner: ScriptedServer, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.owner = owner
        self._connections: set[socket.socket] = set()
        self._crashes: list[Exception] = []
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.shutdown()
        for connection in list(self._connections):
            with suppress(OSError):  # the client has closed it already
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()
        self._thread.join()
        if self._crashes:
            raise self._crashes[0]

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._connections.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep exceptions for `stop` to raise; clients that disconnect are expected."""
        error = sys.exception()
        if isinstance(error, Exception) and not isinstance(error, ConnectionError):
            self._crashes.append(error)


_CONNECTIONS: Final = count(1)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _HttpServer

    def setup(self) -> None:
        """Number the connection."""
        super().setup()
        self.connection_number = next(_CONNECTIONS)

    def do_GET(self) -> None:
        self.server.owner.handle_request(self)

    do_HEAD = do_GET

    def date_time_string(self, timestamp: float | None = None) -> str:
        return self.server.owner.date_header()

    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing to stderr: `RequestLog` is the log."""


def _add_validators(request: SimulatorRequest, reply: SimulatorReply) -> SimulatorReply:
    """Add validators to a reply, or turn it into 304 if the client's copy is current."""
    if reply.status != 200 or reply.modified is None:
        return reply
    tag = f'W/"{hashlib.sha256(reply.body).hexdigest()[:20]}"'
    modified = format_datetime(reply.modified.astimezone(UTC), usegmt=True)
    headers = {**reply.headers, "ETag": tag, "Last-Modified": modified}
    if _is_not_modified(request, tag, reply.modified):
        return replace(reply, status=304, body=b"", headers=headers)
    return replace(reply, headers=headers)


def _is_not_modified(request: SimulatorRequest, tag: str, modified: datetime) -> bool:
    if "if-none-match" in request.headers:
        return tag in request.headers["if-none-match"]
    since = request.headers.get("if-modified-since")
    return since is not None and modified.replace(microsecond=0) <= parsedate_to_datetime(since)


def _gzip_if_accepted(request: SimulatorRequest, reply: SimulatorReply) -> SimulatorReply:
    """Compress a reply if the client accepts gzip and the body is large enough."""
    is_accepted = "gzip" in request.headers.get("accept-encoding", "")
    if not is_accepted or "Content-Encoding" in reply.headers or len(reply.body) < _MIN_GZIP_SIZE:
        return reply
    headers = {**reply.headers, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return replace(reply, body=gzip.compress(reply.body, 5, mtime=0), headers=headers)
