from __future__ import annotations

import gzip
import socket
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from papers.config.settings import Settings
from papers.errors import (
    AddressForbidden,
    SourceError,
    SourceGarbled,
    SourceRefused,
    SourceUnreachable,
)
from tests.workers.loopback import Loopback, ScriptedReply
from workers.fetch.fetcher import MAX_REDIRECTS, Fetcher

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def fetcher(loopback_settings: Settings) -> Fetcher:
    return Fetcher(loopback_settings)


@pytest.fixture
def impatient_fetcher(loopback_settings: Settings) -> Fetcher:
    """A fetcher with very short time limits."""
    return Fetcher(replace(loopback_settings, fetch_timeout=0.3, fetch_deadline=0.6))


def test_response_and_request_headers(
    loopback: Loopback, loopback_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    url = loopback.reply_with(
        "/a", ScriptedReply(headers={"X-Said": "yes"}, body=b"<feed>hello</feed>")
    )
    answer = Fetcher(replace(loopback_settings, contact="ops@example.org")).get(
        url, now=NOW, accept="application/atom+xml", headers={"X-Asked": "1"}
    )
    assert (answer.status, answer.url, answer.body) == (200, url, b"<feed>hello</feed>")
    assert answer.headers["x-said"] == "yes"
    sent = loopback.requests[0].headers
    assert "ops@example.org" in sent["User-Agent"]
    assert sent["User-Agent"].startswith("Paperwire/")
    assert sent["Accept"] == "application/atom+xml"
    assert sent["X-Asked"] == "1"
    assert "If-None-Match" not in sent


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)]
)
def test_compressed_body_is_decompressed(
    loopback: Loopback, fetcher: Fetcher, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    headers = {"Content-Encoding": encoding}
    url = loopback.reply_with(
        "/a", ScriptedReply(headers=headers, body=pack(b"<feed>hello</feed>"))
    )
    assert fetcher.get(url, now=NOW).body == b"<feed>hello</feed>"


@pytest.mark.parametrize(
    ("reply", "error", "says"),
    [
        (ScriptedReply(body=b"x" * 1_000_001), SourceGarbled, "more than 1,000,000 bytes"),
        (
            ScriptedReply(
                headers={"Content-Encoding": "gzip"}, body=gzip.compress(b"x" * 50_000_000)
            ),
            SourceGarbled,
            "more than 1,000,000 bytes",
        ),
        (
            ScriptedReply(
                headers={"Content-Encoding": "gzip, gzip"},
                body=gzip.compress(gzip.compress(b"x" * 50_000_000)),
            ),
            SourceGarbled,
            "more than 1,000,000 bytes",
        ),
        (
            ScriptedReply(headers={"Content-Encoding": "gzip"}, body=b"no gzip at all"),
            SourceGarbled,
            "compression",
        ),
        (ScriptedReply(body=b""), SourceGarbled, "empty"),
        (ScriptedReply(body=b" \n "), SourceGarbled, "empty"),
        (ScriptedReply(204, body=b""), SourceGarbled, "204"),
        (ScriptedReply(206), SourceGarbled, "206"),
        (ScriptedReply(304), SourceGarbled, "304"),
        (ScriptedReply(300), SourceGarbled, "300"),
        (ScriptedReply(302), SourceGarbled, "redirects to ''"),
        (ScriptedReply(302, headers={"Location": "http://[bad"}), SourceGarbled, "is not a URL"),
        (ScriptedReply(302, headers={"Location": "file:///etc/passwd"}), AddressForbidden, "http"),
        (ScriptedReply(302, headers={"Location": "gopher://127.0.0.1/"}), AddressForbidden, "http"),
        (
            ScriptedReply(302, headers={"Location": "http://10.0.0.1/"}),
            AddressForbidden,
            "10.0.0.1",
        ),
        (ScriptedReply(302, headers={"Location": "http://[::1]:1/"}), AddressForbidden, "::1"),
        (
            ScriptedReply(302, headers={"Location": "http://169.254.169.254/"}),
            AddressForbidden,
            "169.254",
        ),
        (ScriptedReply(body=b"<feed>", length=100), SourceUnreachable, "IncompleteRead|bytes"),
        (
            ScriptedReply(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n<feed/>"),
            SourceUnreachable,
            "Incomplete",
        ),
        (
            ScriptedReply(
                raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n<feed/>\r\n"
            ),
            SourceUnreachable,
            "Incomplete|invalid|chunk",
        ),
        (ScriptedReply(raw=b""), SourceUnreachable, "without response|closed"),
        (ScriptedReply(raw=b"who are you?\r\n\r\n"), SourceUnreachable, "who are you"),
        (ScriptedReply(pause=None), SourceUnreachable, "timed out"),
        (ScriptedReply(pause=0.05), SourceUnreachable, "out of time"),
        (ScriptedReply(body=b"x" * 100, raw=None, pause=0.02), SourceUnreachable, "out of time"),
    ],
)
def test_invalid_responses_raise(
    loopback: Loopback,
    impatient_fetcher: Fetcher,
    reply: ScriptedReply,
    error: type[SourceError],
    says: str,
) -> None:
    url = loopback.reply_with("/a", reply)
    with pytest.raises(error, match=says):
        impatient_fetcher.get(url, now=NOW)


def test_slow_endless_body_is_not_taken_for_complete(
    loopback: Loopback, impatient_fetcher: Fetcher
) -> None:
    dripping = b"HTTP/1.0 200 OK\r\n\r\n" + b"<feed>" * 1_000
    url = loopback.reply_with("/a", ScriptedReply(raw=dripping, pause=0.005))
    started = time.monotonic()
    with pytest.raises(SourceUnreachable, match="out of time"):
        impatient_fetcher.get(url, now=NOW)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("status", "headers", "body", "wait", "reported"),
    [
        (400, {}, b"<feed><title>Feed error for query: cs.XX</title></feed>", None, "cs.XX"),
        (403, {}, b"", None, "403"),
        (404, {}, b"<html><h1>Not here</h1></html>", None, "Not here"),
        (502, {}, b"<html><title>Bad Gateway</title><h1>x</h1>", None, "502: Bad Gateway$"),
        (406, {}, b"", None, "406"),
        (429, {}, b"", None, "429"),
        (429, {"Retry-After": "120"}, b"slow down", 120, "slow down"),
        (429, {"Retry-After": "Sat, 21 Nov 2026 12:05:00 GMT"}, b"", 300, "429"),
        (429, {"Retry-After": "Sat, 21 Nov 2026 11:05:00 GMT"}, b"", 0, "429"),
        (429, {"Retry-After": "soon"}, b"", None, "429"),
        (429, {"Retry-After": "99999999"}, b"", 86_400, "429"),
        (429, {"RateLimit": '"api";r=0;t=55'}, b"", 55, "429"),
        (500, {}, b"oops", None, "oops"),
        (503, {"Retry-After": "30"}, b"", 30, "503"),
    ],
)
def test_refusals_carry_status_wait_and_message(
    loopback: Loopback,
    fetcher: Fetcher,
    status: int,
    headers: dict[str, str],
    body: bytes,
    wait: float | None,
    reported: str,
) -> None:
    url = loopback.reply_with("/a", ScriptedReply(status, headers, body))
    with pytest.raises(SourceRefused, match=reported) as refused:
        fetcher.get(url, now=NOW)
    assert (refused.value.status, refused.value.retry_after) == (status, wait)


def test_truncated_refusal_is_still_a_refusal(loopback: Loopback, fetcher: Fetcher) -> None:
    url = loopback.reply_with("/a", ScriptedReply(429, {"Retry-After": "9"}, b"slow", length=1_000))
    with pytest.raises(SourceRefused, match="slow") as refused:
        fetcher.get(url, now=NOW)
    assert refused.value.retry_after == 9


def test_rate_exceeded_with_200_is_a_refusal(loopback: Loopback, fetcher: Fetcher) -> None:
    url = loopback.reply_with("/a", ScriptedReply(body=b"Rate exceeded."))
    with pytest.raises(SourceRefused, match="Rate exceeded") as refused:
        fetcher.get(url, now=NOW)
    assert refused.value.status == 429


def test_redirects_are_followed_five_times(loopback: Loopback, fetcher: Fetcher) -> None:
    for step in range(MAX_REDIRECTS + 1):
        loopback.reply_with(f"/{step}", ScriptedReply(302, headers={"Location": f"/{step + 1}"}))
    with pytest.raises(SourceRefused, match="more than 5 times"):
        fetcher.get(loopback.url("/0"), now=NOW)
    loopback.requests.clear()
    loopback.reply_with(f"/{MAX_REDIRECTS}", ScriptedReply(body=b"<feed/>"))
    answer = fetcher.get(loopback.url("/0"), now=NOW)
    assert answer.url == loopback.url(f"/{MAX_REDIRECTS}")
    assert answer.requested_url == loopback.url("/0")
    assert len(loopback.requests) == MAX_REDIRECTS + 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_body_is_not_read(loopback: Loopback, fetcher: Fetcher, status: int) -> None:
    endless = f"HTTP/1.1 {status} Moved\r\nLocation: /b\r\nContent-Length: 999999999\r\n\r\n"
    url = loopback.reply_with("/a", ScriptedReply(raw=endless.encode() + b"x" * 2_000_000))
    loopback.reply_with("/b", ScriptedReply(body=b"<feed/>"))
    assert fetcher.get(url, now=NOW).body == b"<feed/>"


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://127.0.0.1/x", "file:///etc/passwd", "/relative", "", "http://", "http:///x"),
        *("http://[bad", "http://127.0.0.1:0/", "http://127.0.0.1:99999/", "data:,<feed/>"),
    ],
)
def test_other_schemes_are_forbidden(fetcher: Fetcher, url: str) -> None:
    with pytest.raises(AddressForbidden):
        fetcher.get(url, now=NOW)


def test_private_networks_are_refused_unless_allowed(loopback: Loopback) -> None:
    url = loopback.reply_with("/a", ScriptedReply())
    with pytest.raises(AddressForbidden, match="allowed_networks"):
        Fetcher(Settings()).get(url, now=NOW)
    assert loopback.requests == []


def test_closed_port_is_unreachable(fetcher: Fetcher) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(SourceUnreachable, match="refused"):
        fetcher.get(f"http://127.0.0.1:{port}/", now=NOW)


def test_messages_contain_no_credentials(loopback: Loopback, fetcher: Fetcher) -> None:
    loopback.reply_with("/a", ScriptedReply(404))
    url = loopback.url("/a?token=s3cret").replace("//", "//me:s3cret@")
    with pytest.raises(SourceRefused) as refused:
        fetcher.get(url, now=NOW)
    assert "s3cret" not in str(refused.value)


class Resolver:
    """A name server with a different answer each time."""

    def __init__(self, *addresses: str) -> None:
        self.addresses, self.real, self.asked = list(addresses), socket.getaddrinfo, 0

    def __call__(self, host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        if host == "paper.example":
            self.asked += 1
            host = self.addresses.pop(0) if len(self.addresses) > 1 else self.addresses[0]
        return self.real(host, port, *args, **kwargs)


def test_connection_goes_to_the_checked_address(
    loopback: Loopback, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver = Resolver("127.0.0.1", "10.0.0.1")
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    loopback.reply_with("/a", ScriptedReply())
    fetcher.get(loopback.url("/a", host="paper.example"), now=NOW)
    assert resolver.asked == 1
    assert loopback.requests[0].headers["Host"] == f"paper.example:{loopback.port}"
    with pytest.raises(AddressForbidden, match=r"10\.0\.0\.1"):
        fetcher.get(loopback.url("/a", host="paper.example"), now=NOW)


def test_tls_uses_the_host_name(
    impatient_fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch, loopback_settings: Settings
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", Resolver("127.0.0.1"))
    hello: list[bytes] = []

    def listen(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            hello.append(connection.recv(4_096))

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=listen, args=(server,))
        thread.start()
        with pytest.raises(SourceUnreachable):
            impatient_fetcher.get(f"https://paper.example:{server.getsockname()[1]}/", now=NOW)
        thread.join()
    assert b"paper.example" in hello[0]
