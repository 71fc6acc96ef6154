"""Which addresses Paperwire may connect to.

Feeds are configured by the operator, but where a name resolves to, and where a response redirects
to, is decided by others. So only public unicast addresses are allowed, by the IANA registries of
special addresses, except for networks that settings allow. Python's own `is_global` is not used: it
calls `::127.0.0.1`, NAT64, 6to4, site-local, multicast and others global.

https://www.iana.org/assignments/iana-ipv4-special-registry
https://www.iana.org/assignments/iana-ipv6-special-registry
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from papers.errors import AddressForbidden, BadSettings, SourceUnreachable

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

_SPECIAL_V4: Final = tuple(
    IPv4Network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24"),
        *("192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15"),
        *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    )
)
_GLOBAL_V6: Final = IPv6Network("2000::/3")
"""All IPv6 space assigned as global unicast. Everything else is special or unassigned:
loopback, mapped and compatible IPv4, NAT64, unique, site and link local, multicast.
"""

_SPECIAL_V6: Final = tuple(
    IPv6Network(text)
    for text in (
        *("2001::/23", "2001:db8::/32", "2002::/16"),  # Teredo and ORCHID, examples, 6to4
        *("2620:4f:8000::/48", "3fff::/20"),  # AS112, examples
    )
)


def is_public(address: str | IPAddress) -> bool:
    """True for a global unicast address that embeds or maps to no other address.

    Raises ValueError for a text that is not an address.
    """
    ip = ip_address(address)
    if isinstance(ip, IPv4Address):
        return not any(ip in network for network in _SPECIAL_V4)
    return ip in _GLOBAL_V6 and not any(ip in network for network in _SPECIAL_V6)


def parse_networks(texts: Iterable[str]) -> tuple[IPNetwork, ...]:
    """Parse the networks that settings allow. Raises BadSettings for an invalid CIDR."""
    try:
        return tuple(ip_network(text) for text in texts)
    except ValueError as error:
        raise BadSettings(f"allowed_networks: {error}; write a network as 10.0.0.0/8") from error


def is_allowed(address: str | IPAddress, allowed: Sequence[IPNetwork]) -> bool:
    """True if Paperwire may connect to the address: it is public, or in an allowed network."""
    ip = ip_address(address)
    return is_public(ip) or any(ip in network for network in allowed)


def resolve_allowed(host: str, port: int, allowed: Sequence[IPNetwork]) -> list[str]:
    """Return every address of a host, in the resolver's order, each of them checked.

    One forbidden address forbids the host: which one is connected to must not depend on chance.
    Raises AddressForbidden, or SourceUnreachable if the name does not resolve.
    """
    try:
        resolved = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise SourceUnreachable(f"{host}: the name does not resolve ({error})") from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in resolved))
    for address in addresses:
        if not is_allowed(address, allowed):
            raise AddressForbidden(
                f"{host}: {address} is not a public address;"
                " to fetch from it, add its network to allowed_networks"
            )
    return addresses
