"""All notations of forbidden addresses, as a feed's URL and as a redirect's target."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from redis import Redis

from papers.config.settings import Settings
from papers.errors import SourceError
from tests.workers.loopback import Loopback, ScriptedReply
from workers.fetch.address_guard import is_public
from workers.fetch.fetcher import Fetcher

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)

OUTSIDE = "93.184.216.34"

FORMS = [
    # notations of loopback
    *("http://127.0.0.1/", "http://127.1/", "http://127.0.1/", "http://2130706433/"),
    *("http://0x7f000001/", "http://0x7f.0.0.1/", "http://0177.0.0.1/", "http://017700000001/"),
    *("http://127.0.0.1./", "http://127.255.255.254/", "http://localhost/", "http://LOCALHOST./"),
    *("http://localhost.localdomain/", "http://①②⑦.⓪.⓪.①/", "http://127。0。0。1/"),
    *(
        "http://%31%32%37.0.0.1/",
        "http://127.0.0.1%00.example.org/",
        "http://0/",
        "http://0.0.0.0/",
    ),
    # IPv6, and IPv4 inside it
    *("http://[::1]/", "http://[::]/", "http://[0:0:0:0:0:0:0:1]/", "http://[::ffff:127.0.0.1]/"),
    *("http://[::ffff:7f00:1]/", "http://[::127.0.0.1]/", "http://[64:ff9b::127.0.0.1]/"),
    *("http://[64:ff9b:1::a00:1]/", "http://[2002:7f00:1::]/", "http://[2001:0:7f00:1::]/"),
    *("http://[fe80::1%25lo]/", "http://[fec0::1]/", "http://[fd00::1]/", "http://[ff02::1]/"),
    # private, shared, link-local with its metadata, multicast, broadcast
    *("http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.0.1/", "http://100.64.0.1/"),
    *("http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/", "http://0xa9fea9fe/"),
    *("http://224.0.0.1/", "http://255.255.255.255/", "http://192.0.0.192/", "http://198.18.0.1/"),
    # a host other than it appears
    *("http://8.8.8.8@127.0.0.1/", "http://8.8.8.8:80@127.0.0.1:80/", "http://a:b@[::1]/"),
    *("http://127.0.0.1#@8.8.8.8/", "http://127.0.0.1?@8.8.8.8/", "http://127.0.0.1\\@8.8.8.8/"),
    *("HTTP://127.0.0.1/", " http://127.0.0.1/", "http://127.0.0.1\t/", "http://\n127.0.0.1/"),
    *("http:127.0.0.1/", "http:///127.0.0.1/", "https://127.0.0.1:443/", "http://127.0.0.1:0/"),
    # not an http URL
    *(
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "dict://[::1]",
    ),
    *("unix:///run/redis", "data:text/xml,<rss/>", "javascript:alert(1)", "jar:http://[::1]!/", ""),
]


class Network:
    """Records every connection; only the loopback server exists, and it has a public address."""

    def __init__(self, server: int) -> None:
        self._server, self._real = server, socket.create_connection
        self.elsewhere: list[str] = []

    def __call__(self, address: tuple[str, int], *args: Any, **kwargs: Any) -> socket.socket:
        if address[1] == self._server:
            return self._real(("127.0.0.1", self._server), *args, **kwargs)
        self.elsewhere.append(address[0])
        raise OSError("no network in tests")


@pytest.fixture
def network(loopback: Loopback, monkeypatch: pytest.MonkeyPatch) -> Iterator[Network]:
    """A network to which, as is checked afterwards, only public addresses were connected."""
    seen = Network(loopback.port)
    monkeypatch.setattr(socket, "create_connection", seen)
    yield seen
    assert all(is_public(address) for address in seen.elsewhere), seen.elsewhere


@pytest.mark.row("SSRF")
def test_many_notations_are_covered() -> None:
    assert len(set(FORMS)) >= 60


@pytest.mark.row("SSRF")
@pytest.mark.parametrize("url", FORMS)
@pytest.mark.usefixtures("network")
def test_forbidden_address_is_refused(loopback_settings: Settings, url: str) -> None:
    with pytest.raises(SourceError) as refused:
        Fetcher(replace(loopback_settings, allowed_networks=())).get(url, now=NOW)
    assert len(str(refused.value)) < 500


@pytest.mark.row("SSRF")
@pytest.mark.parametrize("url", FORMS)
@pytest.mark.usefixtures("network")
def test_redirect_to_forbidden_address_is_refused(
    loopback_settings: Settings, loopback: Loopback, url: str
) -> None:
    location = url.replace("\n", "%0a").encode().decode("latin-1")
    loopback.reply_with("/away", ScriptedReply(302, headers={"Location": location}))
    outside = Fetcher(replace(loopback_settings, allowed_networks=()))
    with pytest.raises(SourceError):
        outside.get(loopback.url("/away", host=OUTSIDE), now=NOW)
    assert [request.path for request in loopback.requests if request.path == "/"] == []
    assert loopback.requests[0].path == "/away"


@pytest.mark.row("SSRF")
@pytest.mark.usefixtures("network")
def test_credentials_are_not_sent_to_redirect_target(
    loopback_settings: Settings, loopback: Loopback
) -> None:
    """Headers for one address are not sent to the next."""
    loopback.reply_with("/a", ScriptedReply(302, headers={"Location": loopback.url("/b")}))
    loopback.reply_with("/b", ScriptedReply())
    with_password = loopback.url("/a").replace("//", "//me:s3cret@")
    Fetcher(loopback_settings).get(with_password, now=NOW)
    assert "Authorization" not in loopback.requests[1].headers


PATHS = ["/a\r\nX-Evil: 1", "/a%0d%0aX-Evil: 1", "/a X-Evil: 1 HTTP/1.1\r\n"]


@pytest.mark.row("injection into headers and queries")
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.usefixtures("network")
def test_url_cannot_inject_a_header(
    loopback_settings: Settings, loopback: Loopback, path: str
) -> None:
    with contextlib.suppress(SourceError):
        Fetcher(loopback_settings).get(loopback.url() + path, now=NOW)
    assert all("X-Evil" not in request.headers for request in loopback.requests)


@pytest.mark.row("injection into headers and queries")
@pytest.mark.parametrize("value", ['"a"\r\nX-Evil: 1', '"é\u202e"', "x" * 60_000])
def test_validators_cannot_inject_a_header(
    redis: Redis, loopback_settings: Settings, loopback: Loopback, value: str
) -> None:
    fetcher = Fetcher(loopback_settings, redis)
    raw = f"HTTP/1.1 200 OK\r\nETag: {value}\r\nContent-Length: 6\r\n\r\n<rss/>".encode()
    loopback.reply_with("/a", ScriptedReply(raw=raw), ScriptedReply())
    with contextlib.suppress(SourceError):
        fetcher.save_validators(fetcher.get(loopback.url("/a"), now=NOW, task="community:club"))
        fetcher.get(loopback.url("/a"), now=NOW, task="community:club")
    assert all("X-Evil" not in request.headers for request in loopback.requests)
