from __future__ import annotations

import pytest

from papers.config.networks import parse_cidrs
from papers.config.settings import Settings
from papers.errors import BadSettings
from service.edge.request_address import PublicAddress, client_address

PROXIES = parse_cidrs(["127.0.0.1", "10.0.0.0/8", "fd00::/8"])

# (peer, X-Forwarded-For, client)
CLIENTS = [
    ("127.0.0.1", "192.0.2.1", "192.0.2.1"),
    ("127.0.0.1", "198.51.100.9, 192.0.2.1", "192.0.2.1"),
    ("127.0.0.1", "192.0.2.1, 10.1.2.3", "192.0.2.1"),
    ("127.0.0.1", "192.0.2.1:4711", "192.0.2.1"),
    ("127.0.0.1", '"[2001:db8::1]:80"', "2001:db8::1"),
    ("::ffff:127.0.0.1", "::ffff:192.0.2.1", "192.0.2.1"),
    ("127.0.0.1", "192.0.2.1, evil", "127.0.0.1"),
    ("127.0.0.1", "evil, 10.0.0.1", "10.0.0.1"),
    ("127.0.0.1", ",,", "127.0.0.1"),
    ("127.0.0.1", "10.0.0.1, 10.0.0.2", "10.0.0.1"),
    ("192.0.2.7", "127.0.0.1", "192.0.2.7"),
    ("", "192.0.2.1", ""),
]


@pytest.mark.row("trusted hosts and proxies")
@pytest.mark.parametrize(("peer", "forwarded", "client"), CLIENTS)
def test_client_is_the_last_address_that_is_no_proxy(
    peer: str, forwarded: str, client: str
) -> None:
    assert client_address(peer, forwarded, PROXIES) == client


@pytest.mark.parametrize("networks", [("1",), ("10.0.0.1/8",), ("proxy.example",), ("",)])
def test_networks_that_are_none_are_no_setting(networks: tuple[str, ...]) -> None:
    with pytest.raises(BadSettings, match=r"trusted_proxies: .* such as 127\.0\.0\.1"):
        Settings(trusted_proxies=networks)


PUBLIC = [
    ("https://a.example", ("https", "a.example", "")),
    ("http://[::1]:8000", ("http", "[::1]:8000", "")),
    ("https://a.example/wire/", ("https", "a.example", "/wire")),
]


@pytest.mark.parametrize(("url", "parts"), PUBLIC)
def test_public_address_has_its_parts(url: str, parts: tuple[str, str, str]) -> None:
    assert PublicAddress.of(url) == PublicAddress(*parts)


BAD_URLS = [
    *("https://", "https://a.example/?x=1", "https://me@a.example", "https://a.example#x"),
    *("http://0.0.0.0:8000", "https://a b.example", "http://a.example:99999", "http://[bad"),
]


@pytest.mark.parametrize("url", BAD_URLS)
def test_address_that_readers_cannot_open_is_no_setting(url: str) -> None:
    with pytest.raises(BadSettings, match="public_url"):
        Settings(public_url=url)
