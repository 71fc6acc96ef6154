"""Many HTTP clients in one process, over asyncio, with a connection per request.

Clients that are measured separately, such as a flood and the readers beside it, run in processes
of their own, so that none waits for another. They still share the machine's cores with the server.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from typing import Final
from urllib.parse import urlsplit

from tests.faults.system import FEED, SystemUnderTest

REQUEST_TIMEOUT: Final = 20.0


@dataclass(frozen=True, slots=True)
class ClientResponse:
    """A response; status 0: none within `REQUEST_TIMEOUT`. Names in `headers` are lower case."""

    status: int
    seconds: float
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


async def http_get(url: str, **headers: str) -> ClientResponse:
    """Send one GET request."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(REQUEST_TIMEOUT):
            status, found, body = await _exchange(url, headers)
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return ClientResponse(0, time.monotonic() - began)
    return ClientResponse(status, time.monotonic() - began, found, body)


async def _exchange(url: str, headers: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        lines = [f"GET {path} HTTP/1.1", f"Host: {parts.netloc}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        head = await reader.readuntil(b"\r\n\r\n")
        first, *rest = head.decode("latin-1").split("\r\n")
        found = dict(line.lower().split(": ", 1) for line in rest if ": " in line)
        length = int(found.get("content-length", 0))
        status = int(first.split()[1])
        body = b"" if status == 304 else await reader.readexactly(length)
        return status, found, body
    finally:
        writer.close()


async def run_at_rate(
    clients: Iterable[Awaitable[ClientResponse]], per_second: float
) -> list[ClientResponse]:
    """Start requests at a fixed rate, ended or not; return all responses."""
    began, tasks = time.monotonic(), []
    for n, client in enumerate(clients):
        await asyncio.sleep(max(0.0, began + n / per_second - time.monotonic()))
        tasks.append(asyncio.ensure_future(client))
    return await asyncio.gather(*tasks)


def client_processes(count: int) -> Executor:
    """Return a pool of processes for `request_all`, which inherit no open files."""
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"))


def request_all(urls: Sequence[str], per_second: float, client: str) -> list[ClientResponse]:
    """Request URLs as one client, given by its address; return the responses without bodies."""
    headers = {"X_Forwarded_For": client, "Accept_Encoding": "gzip"}
    responses = asyncio.run(run_at_rate((http_get(url, **headers) for url in urls), per_second))
    return [replace(response, body=b"") for response in responses]


def poll_conditionally(
    url: str, per_second: float, seconds: float, client: str
) -> list[ClientResponse]:
    """Poll a URL as a reader with validators; return the responses without bodies."""

    async def poll() -> list[ClientResponse]:
        responses, tag, ends = list[ClientResponse](), "", time.monotonic() + seconds
        while time.monotonic() < ends:
            condition = {"If_None_Match": tag} if tag else {}
            got = await http_get(url, X_Forwarded_For=client, Accept_Encoding="gzip", **condition)
            tag = got.headers.get("etag", tag)
            responses.append(replace(got, body=b""))
            await asyncio.sleep(max(0.0, 1 / per_second - got.seconds))
        return responses

    return asyncio.run(poll())


def percentile(seconds: Iterable[float], share: float) -> float:
    """Return the value that the given share of values does not exceed; 0 if there are none."""
    ordered = sorted(seconds)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


def latency_figures(responses: Iterable[ClientResponse]) -> str:
    """Describe responses: their number, median and 99th percentile."""
    taken = [response.seconds for response in responses]
    half, most = (percentile(taken, share) * 1000 for share in (0.5, 0.99))
    return f"{len(taken)} responses, median {half:.0f} ms, 99th percentile {most:.0f} ms"


def connect_from(
    system: SystemUnderTest, source: str = "127.0.0.1", *, receive_buffer: int = 0
) -> socket.socket:
    """Open a connection from an address of this machine, with a small receive buffer if given."""
    parts = urlsplit(system.url)
    opened = socket.socket()
    if receive_buffer:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    opened.settimeout(20)
    opened.bind((source, 0))
    opened.connect((parts.hostname or "", parts.port or 0))
    return opened


def poll_feed(system: SystemUnderTest, *, per_second: float = 25) -> list[ClientResponse]:
    """Request the feed a hundred times, as readers do beside others."""

    async def readers() -> list[ClientResponse]:
        return await run_at_rate((http_get(system.url + FEED) for _ in range(100)), per_second)

    return asyncio.run(readers())


def read_all(connection: socket.socket) -> bytes:
    """Return what comes until the server closes the connection."""
    received = b""
    try:
        while part := connection.recv(65_536):
            received += part
    except ConnectionResetError:
        pass
    return received
