"""One HTTP server on loopback: answers, misbehaves on demand, and writes down every request.

    request → the first trouble that covers its path, else the answer → 304 or gzip → delivery

`Site` knows nothing of papers: the simulator and the tests' replay of recorded answers share it.
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
    """An HTTP server on 127.0.0.1 that gives `answer`'s replies; a context manager.

    `clock` gives the time it claims, aware UTC. Port 0 is any free one. Leaving the context (or
    `close`) raises what went wrong inside it, if anything did.
    """

    def __init__(self, answer: Responder, clock: Callable[[], datetime], *, port: int = 0) -> None:
        self._answer, self._clock = answer, clock
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
        """The base address, without a slash at the end."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def log(self) -> list[RecordedRequest]:
        """Every request so far, as they came."""
        return self._requests.to_paths()

    def requests_to(self, *prefixes: str) -> list[RecordedRequest]:
        """Requests to paths that begin with one of `prefixes`."""
        return self._requests.to_paths(*prefixes)

    def listen(self) -> None:
        """Begin to answer; after a pause on the same port as before."""
        if self._server is None:
            self._server = _HttpServer(self, self._port)
            self._port = self._server.server_port
            self._server.start()

    def close(self) -> None:
        """Stop answering and end every connection."""
        self._healed.set()
        if self._server is not None:
            server, self._server = self._server, None
            server.stop()

    def fail(
        self, what: str | int, prefix: str = "/", *, times: int | None = None, **options: Any
    ) -> None:
        """From now on answer paths that begin with `prefix` with a fault, `times` or until healed.

        `what` is a status or a name of `faults`; several faults take their turns in order.
        "refused" closes the port for everything.
        """
        if what == CONNECTION_REFUSED:
            if self._server is not None:
                server, self._server = self._server, None
                server.stop()
            return
        trouble = ActiveFault(str(what), prefix, fault_by_name(what, **options), times)
        with self._lock:
            self._healed.clear()
            self._active_faults.append(trouble)

    def heal(self) -> None:
        """No more faults; hanging and dripping answers end."""
        with self._lock:
            self._active_faults.clear()
            self._healed.set()
        self.listen()

    def handle_request(self, handler: _Handler) -> None:
        """Answer one request, in its connection's thread."""
        headers = {name.lower(): value for name, value in handler.headers.items()}
        visit = RecordedRequest(handler.path, headers, handler.connection_number, time.monotonic())
        number = self._requests.add(visit)
        request = self._parse_request(handler.path, headers)
        trouble = self._next_fault(request.path)
        reply = trouble.fault(request, self._answer) if trouble else self._answer(request)
        reply = _gzip_if_accepted(request, _add_validators(request, reply))
        self._requests.update(number, status=reply.status, fault=trouble.name if trouble else "")
        send_reply(
            handler,
            reply,
            self._healed,
            lambda: self._requests.update(number, ended=time.monotonic()),
        )

    def date_header(self) -> str:
        """The Date header."""
        return format_datetime(self._clock(), usegmt=True)

    def _parse_request(self, target: str, headers: dict[str, str]) -> SimulatorRequest:
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        return SimulatorRequest(unquote(parts.path), query, headers, self._clock(), target)

    def _next_fault(self, path: str) -> ActiveFault | None:
        with self._lock:
            for trouble in self._active_faults:
                if path.startswith(trouble.prefix) and trouble.remaining != 0:
                    if trouble.remaining is not None:
                        trouble.remaining -= 1
                    return trouble
        return None


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 512

    def __init__(self, site: ScriptedServer, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.site = site
        self._connections: set[socket.socket] = set()
        self._crashes: list[Exception] = []
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.shutdown()
        for connection in list(self._connections):
            with suppress(OSError):  # the client was quicker
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
        """Keep what went wrong for `stop`; clients that hang up are part of the play."""
        error = sys.exception()
        if isinstance(error, Exception) and not isinstance(error, ConnectionError):
            self._crashes.append(error)


_CONNECTIONS: Final = count(1)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _HttpServer

    def setup(self) -> None:
        """One connection begins."""
        super().setup()
        self.connection_number = next(_CONNECTIONS)

    def do_GET(self) -> None:
        self.server.site.handle_request(self)

    do_HEAD = do_GET

    def date_time_string(self, timestamp: float | None = None) -> str:
        return self.server.site.date_header()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on stderr: visits are the log."""


def _add_validators(request: SimulatorRequest, reply: SimulatorReply) -> SimulatorReply:
    """The reply with validators, or 304 where the client has it already."""
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
    """The reply as gzip where the client takes it and it is worth it."""
    takes = "gzip" in request.headers.get("accept-encoding", "")
    if not takes or "Content-Encoding" in reply.headers or len(reply.body) < _MIN_GZIP_SIZE:
        return reply
    headers = {**reply.headers, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return replace(reply, body=gzip.compress(reply.body, 5, mtime=0), headers=headers)
