"""The edge: clients that open, send and read as no reader would, without a proxy in front."""

from __future__ import annotations

import resource
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Final

import pytest

from papers.state.keywords import Keywords
from papers.store import Store
from paperwire.run.web import HEADER_SECONDS, THREADS
from paperwire.simulator.upstream import Upstream
from service.edge.connection_limits import MAX_PER_CLIENT
from service.edge.request_bodies import MAX_BODY_BYTES, MAX_IMPORT_BYTES
from tests.faults.http_clients import (
    connect_from,
    latency_figures,
    poll_feed,
    read_all,
)
from tests.faults.system import (
    FEED,
    SAVED_KEYWORD,
    TOKEN,
    DurableStore,
    SystemUnderTest,
    wait_until,
)
from tests.outcomes import note_outcome
from tests.service.made import make_sighting

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]

NOW: Final = datetime(2026, 11, 23, tzinfo=UTC)
SILENT, SLOW = 3_000, 300
PROCESSES: Final = 2
KEYWORDS: Final = 3_000
"""So many that `/opml` is streamed. Sockets take most of it, so a slot is held for long only where
there are more."""


@pytest.fixture(scope="module")
def system() -> Iterator[SystemUnderTest]:
    """Papers and keywords, and a web server that trusts no proxy."""
    _allow_files(2 * (SILENT + SLOW))
    with (
        Upstream() as world,
        DurableStore() as store,
        SystemUnderTest.running(
            store.url, world, programs=(), web_processes=PROCESSES, log_level="debug"
        ) as system,
    ):
        keywords = Keywords(store.redis)
        keywords.add(*SAVED_KEYWORD, now=NOW)
        for number in range(KEYWORDS):
            keywords.add(f"Topic {number}", f"topic{number} OR {'x' * 400}", now=NOW)
        papers = [make_sighting(n, title=f"Paper {n} on topic{n % 7}") for n in range(1, 101)]
        Store(store.redis).ingest(papers, now=NOW)
        yield system


def _allow_files(count: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        pytest.skip(f"this machine allows {hard} open files, and {count} are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


@contextmanager
def many_connections(
    system: SystemUnderTest, count: int, first_bytes: bytes = b"", *, source: str = "127.0.0.1"
) -> Iterator[list[socket.socket]]:
    """Hold connections that have sent the same bytes; `source` may have a `{}` for their number."""
    with ExitStack() as stack:
        opened = []
        for number in range(count):
            address = source.format(f"{number % 250 + 1}")
            opened.append(stack.enter_context(connect_from(system, address)))
            if first_bytes:
                opened[-1].sendall(first_bytes)
        yield opened


HALF: Final = b"GET /feeds/papers.atom HTTP/1.1\r\nHost: x\r\nX-A: "


@pytest.mark.parametrize("source", ["127.0.0.9", "127.0.1.{}"], ids=["one client", "many clients"])
def test_silent_and_slow_connections_leave_the_feeds_answering(
    system: SystemUnderTest, source: str
) -> None:
    with (
        many_connections(system, SILENT, source=source),
        many_connections(system, SLOW, HALF, source=source) as slow,
    ):
        got = poll_feed(system)
        for one in slow[::10]:  # they continue, a byte at a time
            _send_quietly(one, b"b")
        got += poll_feed(system)
    assert {one.status for one in got} == {200}
    note_outcome(
        "3,000 silent and 300 slow connections",
        served=f"{len(got)} x 200 to others",
        figures=f"from {'many' if '{' in source else 'one'}; {latency_figures(got)}",
    )


def _send_quietly(connection: socket.socket, data: bytes) -> None:
    try:
        connection.sendall(data)
    except OSError:
        return  # the server has closed it


def test_silent_half_sent_and_resting_connections_are_closed_in_time(
    system: SystemUnderTest,
) -> None:
    began = time.monotonic()
    with ExitStack() as stack:
        first_bytes = (b"", HALF, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        opened = [stack.enter_context(connect_from(system)) for _ in first_bytes]
        for connection, data in zip(opened, first_bytes, strict=True):
            connection.sendall(data)
        received = [read_all(connection) for connection in opened]
    assert received[0] == received[1] == b""
    assert received[2].startswith(b"HTTP/1.1 200")
    assert HEADER_SECONDS - 1 < time.monotonic() - began < HEADER_SECONDS + 5
    note_outcome(
        "header and idle time-outs",
        served="200",
        figures=f"closed after {time.monotonic() - began:.0f} s",
    )


def test_a_client_beyond_its_share_of_connections_is_refused_politely(
    system: SystemUnderTest,
) -> None:
    """Silent ones get a 503, resting ones are closed, and each request is answered."""
    count = PROCESSES * MAX_PER_CLIENT + 200
    request = f"GET {FEED} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    statuses: Counter[bytes] = Counter()
    with many_connections(system, count, source="127.0.0.7") as silent:
        time.sleep(1)
        for one in silent:
            one.settimeout(0.01)
        said = Counter(_received(one)[9:12] for one in silent)
    assert said[b"503"] >= 150, said
    assert said[b"503"] <= count - MAX_PER_CLIENT
    with ExitStack() as stack:
        for _ in range(count):
            one = stack.enter_context(connect_from(system, "127.0.0.8"))
            one.sendall(request)
            statuses[one.recv(12)[9:]] += 1
        assert statuses == {b"200": count}
    note_outcome(
        "one client beyond its share of connections",
        served=f"{count} x 200 to keep-alive readers",
        shown=f"503 on {said[b'503']} silent connections",
        figures=f"{count} connections, {MAX_PER_CLIENT} a process allowed",
    )


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(1000)
    except (TimeoutError, ConnectionResetError):
        return b""


def post(path: str, declared: int, *more: str) -> bytes:
    """Return the header of a POST that declares a length."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {declared}", *more]
    lines.append("Content-Type: application/x-www-form-urlencoded")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


CHUNKED: Final = (
    b"POST /manage HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
)
REFUSED_BODIES: Final = [
    (post("/manage", MAX_IMPORT_BYTES + 1), b"413"),
    (post("/manage", 300_000_000), b"413"),
    (post("/manage/feeds", MAX_BODY_BYTES + 1), b"413"),
    (post("/api/v1/papers", 300_000_000), b"413"),
    (post("/nowhere", 10**17), b"413"),
    (CHUNKED, b"411"),
]


@pytest.mark.parametrize(("header", "status"), REFUSED_BODIES)
def test_body_is_refused_before_it_is_read(
    system: SystemUnderTest, header: bytes, status: bytes
) -> None:
    with connect_from(system) as client:
        client.sendall(header)
        answer = client.recv(4000)
        assert answer[9:12] == status
        assert b"connection: close" in answer.lower()
        sent = _send_until_refused(client, 100_000_000)
    assert sent < 10_000_000
    note_outcome(
        "a body of 300 MB",
        served=status.decode(),
        figures=f"{sent / 1e6:.1f} MB taken by the sockets, none read",
    )


def _send_until_refused(client: socket.socket, most: int) -> int:
    sent = 0
    try:
        while sent < most:
            sent += client.send(b"x" * 100_000)
    except OSError:
        pass
    return sent


def test_slow_bodies_and_slow_readers_leave_the_feeds_answering(system: SystemUnderTest) -> None:
    many = 10 * PROCESSES * THREADS
    header = post("/manage", 5_000) + b"action="
    with ExitStack() as stack:
        bodies = [
            stack.enter_context(many_connections(system, 1, header, source=f"127.0.2.{n + 1}"))[0]
            for n in range(many)
        ]
        request = b"GET /opml HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        for n in range(many):
            one = stack.enter_context(connect_from(system, f"127.0.3.{n + 1}", receive_buffer=2048))
            one.sendall(request)
        got = poll_feed(system)
        refused = Counter(_status_soon(one) for one in bodies)
    assert {one.status for one in got} == {200}
    assert refused[b"503"] >= many - PROCESSES
    note_outcome(
        "slow bodies and slow readers",
        served=f"{len(got)} x 200 to others",
        shown=f"503 to {refused[b'503']} of {many} senders",
        figures=latency_figures(got),
    )


def _status_soon(connection: socket.socket) -> bytes:
    connection.settimeout(0.05)
    return _received(connection)[9:12]


def test_form_sent_in_pieces_reaches_the_app(system: SystemUnderTest) -> None:
    form = f"token={TOKEN.replace(' ', '+')}&action=save&name=In+Pieces&query=pieces".encode()
    with connect_from(system) as client:
        client.sendall(post("/manage", len(form)))
        for start in range(0, len(form), 20):
            client.sendall(form[start : start + 20])
            time.sleep(0.01)
        assert client.recv(12)[9:] == b"200"
    wait_until(lambda: Keywords(system.redis).get("in-pieces"))


GET: Final = b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
ODD_TARGETS: Final = [
    *(b"/%00", b"/%ff", b"/%ed%a0%80", b"/%c0%ae%c0%ae/", b"/%", b"/%zz", b"/a%0d%0ab: c", b"//x"),
    *(b"/feeds/%00.atom", b"/feeds/%ff.atom", b"/feeds/search.atom?q=%00", b"/k/%ed%a0%80"),
    *(b"/feeds/search.atom?q=%ff%fe", b"/search?q=%ed%a0%80", b"/search?%ff=%ff", b"/search?&&=&"),
    *(b"/api/v1/papers?q=%00&n=%ff", b"/api/v1/papers/%00", b"/papers/%ff", b"/static/%00"),
    *(b"/static/..%2f..%2fwsgi.py", b"/manage?find=%ff", b"/manage/feeds/trials/%00", b"*"),
    *(b"/" + b"a" * 20_000, b"/search?q=" + b"%25" * 5_000, b"http://evil.example/", b"/\xc3\xa9"),
    *(b"/archive/x/%ff", b"/picks/daily/%ff", b"/opml?k=%00", b"/export/daily.md?n=%ff"),
]
ODD_HEADERS: Final = [
    *(b"Cookie: \xff\xfe=;;=; a", b"Cookie: " + b"a=b;" * 5_000, b"Accept-Encoding: \xff;q=\xff"),
    *(b'If-None-Match: "\xff', b"If-Modified-Since: \xff", b"If-Modified-Since: 99999999999999"),
    *(b"If-Modified-Since: Sun, 99 Foo 99999 99:99:99 GMT", b"Range: bytes=9-1,-,x"),
    *(b"Authorization: Bearer \xff\x80", b"Authorization: Basic \xff", b"Authorization: Digest ,="),
    *(b"Content-Type: multipart/form-data", b"Content-Length: -1", b"Content-Length: 1e9"),
    *(b"X-Forwarded-For: \xff, ,", b"Forwarded: ;;=", b"Upgrade: h2c", b"Upgrade: websocket"),
    *(b"Expect: 200-ok", b"Host: b", b"Accept: \xff", b"Transfer-Encoding: gzip, chunked", b":"),
    b"\r\n".join(b"X-%d: y" % n for n in range(500)),
    b"X: " + b"y" * 100_000,
]
ODD_BODIES: Final = [
    (b"multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="\xff'),
    (b"multipart/form-data; boundary=\xff", b"--\xff\r\n\r\n--\xff--"),
    (b"multipart/form-data", b"--\r\n\r\n"),
    (b"application/x-www-form-urlencoded; charset=utf-16", b"action=\xff&token=%ff&name=%00"),
    (b"application/x-www-form-urlencoded", b"&".join(b"a%d=b" % n for n in range(5_000))),
    (b"application/json", b"{\xff"),
    (b"\xff/\xff", b"\x00" * 1000),
]
ODD_STARTS: Final = [
    *(b"\x00\x01\x02\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n"),
    *(b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"),
    *(b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\n"),
    b"OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    *(b"FOO / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b"G\xffT / HTTP/1.1\r\n\r\n"),
    b"GET / HTTP/1.1\r\nHost: a b\xff\r\n\r\n",
    b"POST /manage HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\nhalf",
]


def odd_requests() -> Iterator[bytes]:
    """Yield requests that no reader would send."""
    yield from ODD_STARTS
    for target in ODD_TARGETS:
        yield GET % target
    for path in (FEED.encode(), b"/search?q=topic1", b"/manage", b"/metrics"):
        for header in ODD_HEADERS:
            yield (GET % path)[:-2] + header + b"\r\n\r\n"
    for form in ("/manage", "/manage/feeds", FEED):
        for content_type, body in ODD_BODIES:
            head = post(form, len(body), "Connection: close").partition(b"Content-Type")[0]
            yield head + b"Content-Type: " + content_type + b"\r\n\r\n" + body


@pytest.mark.row("odd requests")
def test_nothing_that_clients_send_leaves_a_traceback_or_a_server_error(
    system: SystemUnderTest,
) -> None:
    logged = system.log.stat().st_size
    statuses: Counter[bytes] = Counter()
    for request in odd_requests():
        with connect_from(system) as client:
            _send_quietly(client, request)
            client.settimeout(2)
            status = _received(client)[9:12]
        statuses[status] += 1
        assert not status.startswith(b"5"), (status, request[:200])
    log = system.log.read_bytes()[logged:].decode("utf-8", "replace")
    for sign in ("Traceback", "Error", "panicked", "Exception"):
        assert sign not in log, log[:2000]
    assert poll_feed(system)[-1].status == 200
    print(statuses)


@pytest.mark.row("logs keep no reader")
def test_log_has_neither_addresses_nor_queries_of_readers(system: SystemUnderTest) -> None:
    for query, status in ((b"whatireadatnight", b"200"), (b"(whatireadatnight", b"400")):
        with connect_from(system, "127.0.77.7") as client:
            client.sendall(GET % (b"/feeds/search.atom?q=" + query))
            assert read_all(client)[9:12] == status
    log = system.log.read_text("utf-8")
    for private in ("127.0.77", "whatireadatnight"):
        assert private not in log
