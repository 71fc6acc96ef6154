from __future__ import annotations

import socket
from typing import Any

import pytest

from papers.errors import AddressForbidden, BadSettings, SourceUnreachable
from workers.fetch.address_guard import is_allowed, is_public, parse_networks, resolve_allowed

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.1",
    "151.101.3.42",
    "169.253.255.255",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.167.255.255",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2606:4700::1111",
    "2a04:4e42::42",
]

PRIVATE = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.255",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.0.9",
    "192.0.2.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.168.1.1",
    "192.175.48.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:7f00:1::",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:808:808::1",
    "2620:4f:8000::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]


@pytest.mark.row("SSRF")
@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.row("SSRF")
@pytest.mark.parametrize("address", PRIVATE)
def test_special_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.row("SSRF")
@pytest.mark.parametrize("text", ["", "localhost", "1.2.3", "0x7f000001", "2130706433", "::g"])
def test_invalid_address_raises(text: str) -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        is_public(text)


def test_allowed_network_allows_nothing_else() -> None:
    allowed = parse_networks(["127.0.0.0/8", "::1/128", "10.1.0.0/16"])
    for address in ("127.0.0.1", "127.9.9.9", "::1", "10.1.2.3", "8.8.8.8"):
        assert is_allowed(address, allowed)
    for address in ("10.2.0.1", "::2", "::ffff:127.0.0.1", "192.168.0.1"):
        assert not is_allowed(address, allowed)


def test_invalid_network_names_the_setting() -> None:
    with pytest.raises(BadSettings, match="allowed_networks"):
        parse_networks(["10.0.0.0/99"])


@pytest.mark.row("SSRF")
@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "0x7f000001", "2130706433", "localhost"])
def test_every_notation_of_loopback_is_forbidden(host: str) -> None:
    with pytest.raises(AddressForbidden, match="not a public address"):
        resolve_allowed(host, 80, ())


@pytest.mark.row("SSRF")
def test_one_forbidden_address_forbids_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolver(*_: Any, **__: Any) -> list[Any]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80))
            for address in ("8.8.8.8", "192.168.0.1")
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    with pytest.raises(AddressForbidden, match=r"192\.168\.0\.1"):
        resolve_allowed("mixed.example", 80, ())
    assert resolve_allowed("mixed.example", 80, parse_networks(["192.168.0.0/16"])) == [
        "8.8.8.8",
        "192.168.0.1",
    ]


@pytest.mark.parametrize("host", ["no-such-name.invalid", "a" * 300, "a..b"])
def test_unresolvable_name_is_unreachable(host: str) -> None:
    with pytest.raises(SourceUnreachable, match="does not resolve"):
        resolve_allowed(host, 80, ())
