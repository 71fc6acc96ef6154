"""Attacks over sockets, without a proxy in front: requests that want to be two, or someone else's.

Every case is sent as bytes, since no HTTP client would send most of them.
"""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from papers.state.keywords import Keywords
from papers.store import Store
from paperwire.simulator.upstream import Upstream
from service.edge.connection_limits import MAX_SLOW_PER_CLIENT, SLOW_READ_SECONDS
from service.http.rate_limit import MAX_WRONG_TOKENS
from tests.faults.http_clients import connect_from, poll_feed, read_all
from tests.faults.system import (
    FEED,
    SAVED_KEYWORD,
    TOKEN,
    DurableStore,
    SystemUnderTest,
    wait_until,
)
from tests.outcomes import note_outcome
from tests.paperwire.processes import command_line_of, descendants
from tests.service.edge.hostile_headers import HEADERS as PROXY_HEADERS
from tests.service.made import make_sighting

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]

NOW: Final = datetime(2026, 11, 23, tzinfo=UTC)
HOST: Final = b"Host: 127.0.0.1\r\n"
EVIL: Final = b"evil.example"
KEYWORDS: Final = 300
"""So many that the daily tables are as long as they may be."""


@pytest.fixture(scope="module")
def store() -> Iterator[DurableStore]:
    with DurableStore() as store:
        keywords = Keywords(store.redis)
        keywords.add(*SAVED_KEYWORD, now=NOW)
        for number in range(KEYWORDS):
            keywords.add(f"Topic {number}", f"paper OR topic{number}", now=NOW)
        texts = "words of an abstract " * 60
        papers = [make_sighting(n, title=f"Paper {n}", abstract=texts) for n in range(1, 121)]
        Store(store.redis).ingest(papers, now=NOW)
        yield store


@pytest.fixture(scope="module", params=[(), ("127.0.0.0/8",)], ids=["no proxy", "trusted proxy"])
def system(store: DurableStore, request: pytest.FixtureRequest) -> Iterator[SystemUnderTest]:
    """The web server, with its clients' addresses as those of proxies or not."""
    settings = {"web_processes": 1, "log_level": "debug", "trusted_proxies": list(request.param)}
    with (
        Upstream() as world,
        SystemUnderTest.running(store.url, world, programs=(), **settings) as system,
    ):
        yield system


def send(system: SystemUnderTest, request: bytes, *, source: str = "127.0.0.1") -> bytes:
    """Send bytes; return what comes until the server closes, or sends nothing for a moment."""
    received = b""
    with connect_from(system, source) as client:
        try:
            client.sendall(request)
            client.settimeout(10)
            while part := client.recv(65_536):
                received += part
                client.settimeout(0.4)
        except (TimeoutError, OSError):
            pass
    return received


def get(system: SystemUnderTest, target: bytes, *headers: bytes) -> bytes:
    """Request a target, with a Host header unless there is one; return the response."""
    lines = [b"GET %s HTTP/1.1" % target, b"Connection: close", *headers]
    if not any(line.lower().startswith(b"host:") for line in headers):
        lines.append(HOST.strip())
    with connect_from(system) as client:
        client.sendall(b"\r\n".join(lines) + b"\r\n\r\n")
        return read_all(client)


def statuses(received: bytes) -> list[bytes]:
    return re.findall(rb"HTTP/1\.[01] (\d\d\d) ", received)


HIDDEN: Final = b"GET /hidden-request HTTP/1.1\r\n" + HOST + b"\r\n"
"""What an attacker wants a proxy to take for a body, and the server for a request."""

POST: Final = b"POST /manage HTTP/1.1\r\n" + HOST
READ: Final = b"GET " + FEED.encode() + b" HTTP/1.1\r\n" + HOST
LENGTH: Final = b"Content-Length: %d\r\n" % len(HIDDEN)
END: Final = b"0\r\n\r\n"
SMUGGLING: Final = {
    "length and chunks": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + END,
    "chunks and length": POST + b"Transfer-Encoding: chunked\r\n" + LENGTH + b"\r\n" + END,
    "two lengths": POST + b"Content-Length: 0\r\n" + LENGTH + b"\r\n",
    "two lengths, longer first": POST + LENGTH + b"Content-Length: 0\r\n\r\n",
    "a list of lengths": POST + b"Content-Length: 0, %d\r\n\r\n" % len(HIDDEN),
    "a signed length": POST + b"Content-Length: +0\r\n\r\n",
    "a negative length": POST + b"Content-Length: -1\r\n\r\n",
    "a length in hexadecimal": POST + b"Content-Length: 0x0\r\n\r\n",
    "an empty length": POST + b"Content-Length: \r\n\r\n",
    "a space before the colon": POST + LENGTH.replace(b":", b" :") + b"\r\n",
    "chunks with a space": POST + b"Transfer-Encoding : chunked\r\n\r\n" + END,
    "chunks with a tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n" + END,
    "chunks of no kind": POST + b"Transfer-Encoding: xchunked\r\n\r\n",
    "identity": POST + b"Transfer-Encoding: identity\r\n\r\n",
    "chunks twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n" + END,
    "chunks": POST + b"Transfer-Encoding: chunked\r\n\r\n" + END,
    "chunks in HTTP/1.0": POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n",
    "a folded header": READ + b"X: y\r\n " + LENGTH + b"\r\n",
    "a bare carriage return": READ + b"X: y\r" + LENGTH + b"\r\n",
    "a bare line feed": READ.replace(b"\r\n", b"\n") + LENGTH.replace(b"\r\n", b"\n") + b"\n",
    "GET with a body": READ + LENGTH + b"\r\n",
    "HEAD with a body": READ.replace(b"GET", b"HEAD") + LENGTH + b"\r\n",
    "a 304 with a body": READ + b"If-None-Match: *\r\n" + LENGTH + b"\r\n",
    "another host with a body": b"POST / HTTP/1.1\r\nHost: x\r\n" + LENGTH + b"\r\n",
    "another host with chunks": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    + b"%x\r\n" % len(HIDDEN),
    "a body that is refused": POST + b"Content-Length: 99999999\r\n\r\n",
    "a body to wait for": POST + b"Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n",
    "HTTP/2 with prior knowledge": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\x04\0\0\0\0\0",
}


@pytest.mark.row("request smuggling")
@pytest.mark.parametrize("case", SMUGGLING)
def test_no_part_of_a_request_is_taken_for_another(system: SystemUnderTest, case: str) -> None:
    received = send(system, SMUGGLING[case] + HIDDEN)
    assert len(statuses(received)) <= 1, received[-500:]
    assert b"hidden-request" not in received


@pytest.mark.row("request smuggling")
def test_connection_is_not_handed_over_to_another_protocol(system: SystemUnderTest) -> None:
    for upgrade in (b"h2c", b"websocket", b"TLS/1.3"):
        header = b"Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\nUpgrade: "
        received = send(system, READ + header + upgrade + b"\r\n\r\n")
        assert statuses(received) in ([b"200"], [b"400"]), upgrade
    assert statuses(send(system, b"CONNECT 127.0.0.1:22 HTTP/1.1\r\n" + HOST + b"\r\n")) == [b"400"]
    traced = send(system, b"TRACE / HTTP/1.1\r\n" + HOST + b"Cookie: private\r\n\r\n")
    assert (statuses(traced), b"private" in traced) == ([b"405"], False)


OTHER_HOSTS: Final = (
    *(b"", EVIL, b"127.0.0.1." + EVIL, b"127.0.0.1@" + EVIL, EVIL + b"@127.0.0.1", b"127.1"),
    *(b"127.0.0.1:80@" + EVIL, b"127.0.0.1#" + EVIL, b"127.0.0.1/" + EVIL, EVIL + b"/127.0.0.1"),
    *(b"127.0.0.1, " + EVIL, b"127.0.0.1 " + EVIL, b"[::1]" + EVIL, b"localhost..", b".", b":80"),
    *(b"127.0.0.1:99999", b"127.0.0.1:x", b"2130706433", b"<b>", b"\xff\xfe", b"a" * 9_000),
    *(b"127.0.0.1\r\nHost: " + EVIL, EVIL + b"\r\nHost: 127.0.0.1", b"localhost\x00" + EVIL),
)


@pytest.mark.row("errors in words for a wrong Host")
def test_only_hosts_of_the_settings_are_served(system: SystemUnderTest) -> None:
    for host in OTHER_HOSTS:
        assert statuses(get(system, FEED.encode(), b"Host: " + host)) == [b"400"], host
    without = send(system, b"GET / HTTP/1.1\r\n\r\n")
    assert statuses(without) == [b"400"]
    for host in (b"localhost", b"LOCALHOST.", b"127.0.0.1:1"):
        assert statuses(get(system, FEED.encode(), b"Host: " + host)) == [b"200"], host


TARGETS: Final = (
    *(b"http://evil.example/feeds/papers.atom", b"https://evil.example:1/", b"//evil.example/"),
    *(b"http://127.0.0.1@evil.example/manage", b"//evil.example/feeds/PAPERS.atom", b"/%2f%2fa"),
    *(b"//evil.example/..%2f", b"/\\evil.example", b"http:/evil.example", b"evil.example:80"),
    *(b"//evil.example/feeds/papers.atom/", b"/feeds/PAPERS.atom", b"/feeds/papers.atom/"),
    *(b"/%s%%0d%%0aSet-Cookie:a=b" % path for path in (b"", b"k/a", b"feeds/papers.atom?n=5", b"")),
    *(b"/%s%%0d%%0aSet-Cookie:a=b" % path for path in (b"search?q=a", b"opml?k=Papers", b"abs/")),
    *(b"/%s%%0d%%0aSet-Cookie:a=b" % path for path in (b"papers/2611.00001v1", b"feeds/Papers")),
    *(b"/%s%%0d%%0aSet-Cookie:a=b" % path for path in (b"feeds/search.atom?q=b%20or%20a",)),
)


@pytest.mark.row("injection into headers and queries")
@pytest.mark.parametrize("target", TARGETS)
def test_target_of_a_request_adds_no_header_and_leads_nowhere_else(
    system: SystemUnderTest, target: bytes
) -> None:
    """A target in absolute form may name another host; nothing in the response follows it."""
    received = get(system, target)
    head, _, body = received.partition(b"\r\n\r\n")
    assert not statuses(received)[0].startswith(b"5")
    assert EVIL not in head
    assert b"\nset-cookie" not in head.lower()
    for link in re.findall(rb"(?:href|src|action)=\"([^\"]*)", body):
        assert not link.startswith((b"//", b"/\\", b"http://evil", b"https://evil")), link
    for location in re.findall(rb"(?i)\nlocation: *([^\r]*)", head):
        assert re.match(rb"/[^/\\]", location), location


CACHED: Final = (FEED, "/", "/search?q=paper", "/opml?k=Papers", "/api/v1/keywords", "/nowhere")


@pytest.mark.row("a poisoned second reader")
def test_no_header_that_proxies_set_reaches_the_next_reader(system: SystemUnderTest) -> None:
    """Each header alone, and all at once, before anyone else has the response in a cache."""
    headers = [f"{name}: {text}".encode() for name, text in PROXY_HEADERS.items() if name != "Host"]
    cases = [[header] for header in headers] + [headers]
    for number, case in enumerate(cases):
        for path in CACHED:
            target = path.encode()
            if path == FEED:  # a feed that nobody has requested
                target = b"/feeds/search.atom?q=paper%%20OR%%20unknown%d" % number
            first, second = get(system, target, *case), get(system, target)
            for received in (first, second):
                assert b"evil" not in received, (path, case)
            assert _comparable(first) == _comparable(second), (path, case)


def _comparable(received: bytes) -> bytes:
    """Return a response without what moves from one moment to the next."""
    return re.sub(rb"(?i)\n(date|ratelimit|age|cache-status|cache-control)[^\r]*\r", b"", received)


def test_simultaneous_wrong_tokens_are_limited_like_others(system: SystemUnderTest) -> None:
    def guess(number: int) -> bytes:
        body = b"{}"
        head = (
            b"POST /api/v1/keywords HTTP/1.1\r\n%sAuthorization: Bearer guess %d\r\n"
            b"Content-Length: %d\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
        )
        return statuses(send(system, head % (HOST, number, len(body)) + body, source="127.0.66.6"))[
            0
        ]

    with ThreadPoolExecutor(20) as threads:
        found = Counter(threads.map(guess, range(100)))
    assert found[b"401"] <= MAX_WRONG_TOKENS
    assert found[b"429"] > 0
    assert set(found) <= {b"401", b"429", b"503"}
    right = b"Authorization: Bearer " + TOKEN.encode()
    assert statuses(get(system, b"/metrics", right)) == [b"200"]
    figures = ", ".join(f"{count} x {status.decode()}" for status, count in sorted(found.items()))
    note_outcome("wrong tokens", served="200 to others", shown="429", figures=figures)


@pytest.mark.parametrize("system", [()], indirect=True, ids=["no proxy"])
def test_responses_that_nobody_reads_take_little_memory(system: SystemUnderTest) -> None:
    """Hundreds of requests for the longest response, over connections that read nothing."""
    count, path = 250, b"/export/daily.md"
    length = len(get(system, path))
    assert length > 500_000
    before = _web_memory()
    with ExitStack() as stack:
        opened = []
        for _ in range(count):
            one = stack.enter_context(connect_from(system, "127.0.4.1", receive_buffer=2048))
            one.sendall((b"GET %s HTTP/1.1\r\n" % path + HOST + b"\r\n") * 20)
            opened.append(one)
        time.sleep(SLOW_READ_SECONDS)
        got = poll_feed(system)
        limit = 2 * MAX_SLOW_PER_CLIENT * length
        wait_until(lambda: _web_memory() - before < limit, seconds=10)
        grown = _web_memory() - before
    assert {one.status for one in got} == {200}
    note_outcome(
        "long responses that nobody reads",
        served=f"{len(got)} x 200 to others",
        shown="closed, 429",
        figures=f"{count} of {length / 1e6:.1f} MB: {grown / 1e6:.0f} MB more in memory",
    )


def _web_memory() -> int:
    """Return the bytes in memory of this test's web server."""
    pids = [pid for pid in descendants(os.getpid()) if "granian" in command_line_of(pid)]
    sizes = [re.search(r"VmRSS:\s*(\d+)", Path(f"/proc/{pid}/status").read_text()) for pid in pids]
    return sum(1024 * int(size[1]) for size in sizes if size)
